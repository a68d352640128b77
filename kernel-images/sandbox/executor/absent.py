"""What a notebook can do in JupyterLab and not here: each fails with a sentence that says why."""

import builtins
import errno
import getpass
import importlib.abc
import importlib.util
import os
import socket
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, NoReturn

from IPython.core.error import StdinNotImplementedError, UsageError

NO_INPUT = (
    "input() waits for a person, and a submitted notebook runs with nobody in front of it. "
    "Write the value into a cell, or make it a parameter of the submission."
)
NO_NETWORK = (
    "A submitted notebook has no network: in the clean room nothing can be fetched or sent. "
    "Put the file into the workspace before you submit, or open the data with open_dataset()."
)
NO_WIDGETS = (
    "{name} needs a browser that talks to the running notebook, and a submitted notebook has none. "
    "Show plots and tables instead; they come back with the results."
)
NO_EXIT = "A submitted notebook runs to its last cell; exit and quit have no meaning here."

# Installed or not, these can't do their work here.
WIDGET_PACKAGES = frozenset({"ipywidgets", "ipympl", "jupyter_bokeh", "anywidget", "bqplot", "ipyleaflet"})
OUTSIDE_FAMILIES = frozenset({socket.AF_INET, socket.AF_INET6})
CHILD_EVENTS = frozenset({"subprocess.Popen", "os.fork", "os.forkpty", "os.system", "os.posix_spawn"})
NAME_LOOKUPS = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"})


def refuse_input(*_: Any, **__: Any) -> NoReturn:
    raise StdinNotImplementedError(NO_INPUT)


def refuse_exit(*_: Any, **__: Any) -> NoReturn:
    raise UsageError(NO_EXIT)


class WidgetFinder(importlib.abc.MetaPathFinder):
    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name.partition(".")[0] in WIDGET_PACKAGES:
            raise ModuleNotFoundError(NO_WIDGETS.format(name=name), name=name)
        return None


def refuse_comm(*_: Any, **__: Any) -> NoReturn:
    raise NotImplementedError(NO_WIDGETS.format(name="This display"))


def install(flush: Callable[[], None]) -> None:
    """Puts the sentences in place. `flush` is called before a child begins, so that its raw output comes after ours."""
    builtins.input = refuse_input
    getpass.getpass = refuse_input
    sys.meta_path.insert(0, WidgetFinder())
    if importlib.util.find_spec("comm") is not None:
        import comm

        comm.create_comm = refuse_comm

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event in CHILD_EVENTS:
            flush()
        elif event == "socket.__new__" and arguments[1] in OUTSIDE_FAMILIES:
            raise PermissionError(errno.EPERM, f"{os.strerror(errno.EPERM)}. {NO_NETWORK}")
        elif event in NAME_LOOKUPS:
            raise socket.gaierror(socket.EAI_FAIL, NO_NETWORK)

    sys.addaudithook(audit)
