"""Adapts IPython's shell: displays, errors and the output of shell commands become frames."""

import asyncio
import binascii
import sys
import traceback
from types import TracebackType
from typing import Any

from IPython.core import page
from IPython.core.compilerop import CachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Any as AnyTrait
from traitlets import Type
from traitlets.config import Config

from . import commands, unsupported
from .channel import Channel
from .streams import Streams

MAX_BASES = 16


def encode_bytes(bundle: dict[str, Any]) -> dict[str, Any]:
    """Returns the bundle with bytes encoded in base64, as in a notebook file."""
    return {
        mime: binascii.b2a_base64(data, newline=False).decode() if isinstance(data, bytes) else data
        for mime, data in bundle.items()
    }


def text_of(error: BaseException) -> str:
    """Returns the message of an exception, even if its `str` fails."""
    try:
        return str(error)
    except Exception:
        return "<exception str() failed>"


class Hook(DisplayHook):
    """Sends the value of the last line of a cell."""

    _message: tuple[dict[str, Any], dict[str, Any]] | None = None

    def write_output_prompt(self) -> None:
        """Does nothing: the supervisor adds the execution count."""
        pass

    def write_format_data(self, format_dict: dict[str, Any], md_dict: dict[str, Any] | None = None) -> None:
        self._message = (encode_bytes(format_dict), md_dict or {})

    def finish_displayhook(self) -> None:
        message, self._message = self._message, None
        self.shell.streams.flush()
        if message is not None and message[0]:
            self.shell.channel.send({"type": "execute_result", "data": message[0], "metadata": message[1]})


class Publisher(DisplayPublisher):
    """Sends displays, figures and updates of displays."""

    def publish(
        self,
        data: dict[str, Any],
        metadata: dict[str, Any] | None = None,
        *_: Any,
        transient: dict[str, Any] | None = None,
        update: bool = False,
        **__: Any,
    ) -> None:
        self.shell.streams.flush()
        self.shell.channel.send(
            {
                "type": "update_display_data" if update else "display_data",
                "data": encode_bytes(data),
                "metadata": metadata or {},
                "displayId": (transient or {}).get("display_id"),
            }
        )

    def clear_output(self, wait: bool = False) -> None:
        self.shell.streams.flush()
        self.shell.channel.send({"type": "clear_output", "wait": bool(wait)})


class CellCompiler(CachingCompiler):
    """Remembers the file name under which the running cell is compiled."""

    current_name = ""

    def get_code_name(self, raw_code: str, transformed_code: str, number: int) -> str:
        self.current_name = super().get_code_name(raw_code, transformed_code, number)
        return self.current_name


class ZMQInteractiveShell(InteractiveShell):
    """The shell of a session. Libraries use its class name to detect that they run in a notebook."""

    displayhook_class = Type(Hook)
    display_pub_class = Type(Publisher)
    compiler_class = Type(CellCompiler)
    channel = AnyTrait()
    streams = AnyTrait()
    interrupted = False

    def enable_gui(self, gui: str | None = None) -> None:
        pass

    def init_display_formatter(self) -> None:
        super().init_display_formatter()
        self.display_formatter.active_types = self.display_formatter.format_types

    def ask_exit(self) -> None:
        unsupported.refuse_exit()

    def system(self, cmd: str) -> None:
        commands.run_command(self, self.var_expand(cmd, depth=1))

    system_piped = system
    system_raw = system

    def getoutput(self, cmd: str, split: bool = True, depth: int = 0) -> Any:
        return commands.capture_command(self.var_expand(cmd, depth=depth + 1), split)

    def set_next_input(self, s: str, replace: bool = False) -> None:
        print("This magic was ignored, because a submitted notebook cannot change.", file=sys.stderr)

    def show_usage_error(self, exc: BaseException) -> None:
        # A magic that is used incorrectly makes its cell fail, as in JupyterLab.
        self._showtraceback(type(exc), exc, [f"UsageError: {exc}"])

    def showtraceback(
        self,
        exc_tuple: tuple[type[BaseException], BaseException, Any] | None = None,
        filename: str | None = None,
        tb_offset: int | None = None,
        exception_only: bool = False,
        running_compiled_code: bool = False,
    ) -> None:
        """Sends every exception as an error of its cell. IPython would print exceptions that it cannot format."""
        etype, value, tb = self._get_exc_info(exc_tuple)
        if exception_only or issubclass(etype, (SyntaxError, UsageError)):
            super().showtraceback(exc_tuple, filename, tb_offset, exception_only, running_compiled_code)
            return
        self._showtraceback(etype, value, self._render(etype, value, tb, tb_offset))
        if self.call_pdb:
            self.debugger(force=True)

    def _render(self, etype: type[BaseException], value: BaseException, tb: Any, tb_offset: int | None) -> list[str]:
        try:
            if isinstance(value, BaseExceptionGroup) or isinstance(value.__context__, BaseExceptionGroup):
                return traceback.format_exception(etype, value, tb)
            if hasattr(value, "_render_traceback_"):
                return [str(line) for line in value._render_traceback_()]
            return self.InteractiveTB.structured_traceback(etype, value, tb, tb_offset=tb_offset)
        except Exception:
            return [text_of(value)]

    def _showtraceback(self, etype: type[BaseException], evalue: BaseException, stb: list[str]) -> None:
        self.streams.flush()
        if self.interrupted and issubclass(etype, asyncio.CancelledError):
            etype = KeyboardInterrupt
        self.channel.send(
            {
                "type": "error",
                "ename": etype.__name__,
                "evalue": text_of(evalue),
                "traceback": list(stb),
                "bases": [base.__name__ for base in etype.__mro__[1 : MAX_BASES + 1]],
                "line": self._line_of(evalue),
            }
        )

    def _line_of(self, error: BaseException) -> int | None:
        """Returns the line of the running cell that raised `error`, if it is known."""
        name = self.compile.current_name
        if isinstance(error, SyntaxError) and error.filename == name:
            return error.lineno
        step: TracebackType | None = error.__traceback__
        while step is not None:
            if step.tb_frame.f_code.co_filename == name:
                return step.tb_lineno
            step = step.tb_next
        return None


def make_shell(channel: Channel, streams: Streams) -> ZMQInteractiveShell:
    """Creates the shell of a session."""
    config = Config()
    config.HistoryManager.enabled = False
    config.IPKernelApp = Config(parent_appname="clean-room")
    config.InteractiveShell.colors = "linux"
    config.InteractiveShell.autocall = 0
    shell: ZMQInteractiveShell = ZMQInteractiveShell.instance(config=config, channel=channel, streams=streams)
    # JupyterLab shows the result of `name?` in a pager, which is not an output of the cell.
    shell.set_hook("show_in_pager", page.as_hook(lambda *_, **__: None), 99)
    return shell
