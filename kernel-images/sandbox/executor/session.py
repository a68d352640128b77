"""Runs the cells of a notebook at the request of the supervisor."""

import asyncio
import os
import signal
import sys
from typing import Any

from . import unsupported
from .channel import Channel
from .environment import OwnPackageFinder, install_font_list
from .interrupts import Interrupts
from .shell import ZMQInteractiveShell, make_shell
from .streams import Streams


class Session:
    """The interpreter of a notebook, with its pipes to the supervisor."""

    def __init__(self) -> None:
        self.interrupts = Interrupts()
        self.channel = Channel(self.interrupts)
        self.streams = Streams(self.channel)
        self.loop = asyncio.new_event_loop()
        self.shell: ZMQInteractiveShell | None = None

    def start(self) -> None:
        """Prepares the interpreter for the first cell."""
        self.interrupts.install()
        asyncio.set_event_loop(self.loop)
        sys.stdout = self.streams.stdout
        sys.stderr = self.streams.stderr
        install_font_list()
        self.shell = make_shell(self.channel, self.streams)
        unsupported.install(self.streams.flush)
        sys.meta_path.insert(0, OwnPackageFinder())
        # This is the last step, so that a workspace file cannot replace a module that the lines above import.
        sys.path.insert(0, "")
        self.streams.start_flushing()

    async def _run(self, shell: ZMQInteractiveShell, source: str) -> None:
        """Runs source code as ipykernel does: code with top-level await on the event loop, other code without it."""
        transformed, problem = source, None
        try:
            transformed = shell.transform_cell(source)
        except Exception:
            problem = sys.exc_info()
        if shell.should_run_async(source, transformed_cell=transformed, preprocessing_exc_tuple=problem):
            result = await shell.run_cell_async(
                source, store_history=True, transformed_cell=transformed, preprocessing_exc_tuple=problem
            )
            shell.events.trigger("post_execute")
            shell.events.trigger("post_run_cell", result)
        else:
            shell.run_cell(source, store_history=True)

    def run_cell(self, cell: int, execution_count: int, source: str) -> None:
        """Runs one cell and sends its outputs, then its done frame."""
        shell = self.shell
        assert shell is not None
        shell.execution_count = execution_count
        shell.interrupted = False
        self.interrupts.install()
        self.channel.begin(cell)
        task: asyncio.Task[None] = self.loop.create_task(self._run(shell, source))
        if not self._complete(shell, task):
            # The interrupt arrived outside the cell's code, while the cell was waiting. Cancelling the task makes the
            # await expression of the cell raise the error.
            shell.interrupted = True
            task.cancel()
            self._complete(shell, task)
        self._exit_if_forked()
        self.streams.flush()
        self.channel.finish()

    def _complete(self, shell: ZMQInteractiveShell, task: "asyncio.Task[None]") -> bool:
        """Runs the task to its end. Returns False when an interrupt arrived outside the code of the cell."""
        try:
            if not shell.interrupted:
                self.interrupts.arm()
            # asyncio.run() would install a SIGINT handler that ignores the first interrupt of code without await.
            self.loop.run_until_complete(task)
        except KeyboardInterrupt:
            return False
        except BaseException:
            shell.showtraceback()
        finally:
            self.interrupts.disarm()
        return True

    def _exit_if_forked(self) -> None:
        """Ends a child process of a cell that called os.fork(). It would read requests for its parent."""
        if not self.channel.in_own_process:
            os._exit(0)

    def serve(self) -> None:
        """Runs cells until the supervisor closes the request pipe."""
        self.channel.announce()
        while (request := self.channel.receive()) is not None:
            self.run_cell(request["cell"], request["executionCount"], request["source"])


def main(_: list[str]) -> Any:
    """Runs a notebook. This is the entry point of the role `notebook`."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    session = Session()
    session.start()
    session.serve()
    return 0
