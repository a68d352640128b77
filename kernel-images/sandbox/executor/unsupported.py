"""Makes features of JupyterLab that a submitted notebook cannot use fail with an explanation."""

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
    "input() waits for a person, but a submitted notebook runs without one. "
    "Write the value into a cell, or make it a parameter of the submission."
)
NO_NETWORK = (
    "A submitted notebook has no network access: it cannot download or send anything. "
    "Add the file to the workspace before you submit, or open the data with open_dataset()."
)
NO_WIDGETS = (
    "{name} needs a browser that is connected to the running notebook, but a submitted notebook has none. "
    "Show plots and tables instead; they are part of the results."
)
NO_EXIT = "A submitted notebook always runs to its last cell, so exit and quit cannot be used."

# These packages cannot work here, even if they are installed.
WIDGET_PACKAGES = frozenset({"ipywidgets", "ipympl", "jupyter_bokeh", "anywidget", "bqplot", "ipyleaflet"})
OUTSIDE_FAMILIES = frozenset({socket.AF_INET, socket.AF_INET6})
CHILD_EVENTS = frozenset({"subprocess.Popen", "os.fork", "os.forkpty", "os.system", "os.posix_spawn"})
NAME_LOOKUPS = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"})


def refuse_input(*_: Any, **__: Any) -> NoReturn:
    """Replaces input() and getpass()."""
    raise StdinNotImplementedError(NO_INPUT)


def refuse_exit(*_: Any, **__: Any) -> NoReturn:
    """Replaces exit() and quit()."""
    raise UsageError(NO_EXIT)


class WidgetFinder(importlib.abc.MetaPathFinder):
    """Refuses the import of widget packages."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Raises ModuleNotFoundError for a widget package, and returns None for all other modules."""
        if name.partition(".")[0] in WIDGET_PACKAGES:
            raise ModuleNotFoundError(NO_WIDGETS.format(name=name), name=name)
        return None


def refuse_comm(*_: Any, **__: Any) -> NoReturn:
    """Replaces the function that connects a widget to the browser."""
    raise NotImplementedError(NO_WIDGETS.format(name="This display"))


def install(flush: Callable[[], None]) -> None:
    """Replaces the unsupported features.

    `flush` is called before a child process starts, so that the output of the child comes after earlier output of the
    notebook.
    """
    builtins.input = refuse_input
    getpass.getpass = refuse_input
    sys.meta_path.insert(0, WidgetFinder())
    if importlib.util.find_spec("comm") is not None:
        import comm

        comm.create_comm = refuse_comm

    # A hook cannot be removed, and it covers libraries that do not use the replaced functions.
    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event in CHILD_EVENTS:
            flush()
        elif event == "socket.__new__" and arguments[1] in OUTSIDE_FAMILIES:
            raise PermissionError(errno.EPERM, f"{os.strerror(errno.EPERM)}. {NO_NETWORK}")
        elif event in NAME_LOOKUPS:
            raise socket.gaierror(socket.EAI_FAIL, NO_NETWORK)

    sys.addaudithook(audit)
