"""The notebook's interpreter: runs cell after cell as the supervisor asks."""

import asyncio
import os
import signal
import sys
from typing import Any

from . import absent, font_list
from .channel import Channel
from .interrupts import Interrupts
from .own_package import OwnPackageFinder
from .shell import ZMQInteractiveShell, make_shell
from .streams import Streams


class Session:
    def __init__(self) -> None:
        self.interrupts = Interrupts()
        self.channel = Channel(self.interrupts)
        self.streams = Streams(self.channel)
        self.loop = asyncio.new_event_loop()
        self.shell: ZMQInteractiveShell | None = None

    def start(self) -> None:
        self.interrupts.install()
        asyncio.set_event_loop(self.loop)
        sys.stdout = self.streams.stdout
        sys.stderr = self.streams.stderr
        font_list.place()
        self.shell = make_shell(self.channel, self.streams)
        absent.install(self.streams.flush)
        sys.meta_path.insert(0, OwnPackageFinder())
        # last, so that nothing of ours is looked for among the workspace's files
        sys.path.insert(0, "")
        self.streams.start_ticking()

    async def _run(self, shell: ZMQInteractiveShell, source: str) -> None:
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
        shell = self.shell
        assert shell is not None
        shell.execution_count = execution_count
        shell.interrupted = False
        self.interrupts.install()
        self.channel.begin(cell)
        task: asyncio.Task[None] = self.loop.create_task(self._run(shell, source))
        if not self._complete(shell, task):
            # the interrupt came while the cell was waiting: the await it waits in is cancelled, and shows it
            shell.interrupted = True
            task.cancel()
            self._complete(shell, task)
        self._leave_if_forked()
        self.streams.flush()
        self.channel.finish()

    def _complete(self, shell: ZMQInteractiveShell, task: "asyncio.Task[None]") -> bool:
        """False when an interrupt came from outside the cell's own code."""
        try:
            if not shell.interrupted:
                self.interrupts.arm()
            # not asyncio.run(): its own SIGINT handler would swallow the first interrupt of code that awaits nothing
            self.loop.run_until_complete(task)
        except KeyboardInterrupt:
            return False
        except BaseException:
            shell.showtraceback()
        finally:
            self.interrupts.disarm()
        return True

    def _leave_if_forked(self) -> None:
        # a cell called os.fork(): the child would take the requests that are meant for us
        if not self.channel.in_own_process:
            os._exit(0)

    def serve(self) -> None:
        self.channel.announce()
        while (request := self.channel.receive()) is not None:
            self.run_cell(request["cell"], request["executionCount"], request["source"])


def main(_: list[str]) -> Any:
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    session = Session()
    session.start()
    session.serve()
    return 0
