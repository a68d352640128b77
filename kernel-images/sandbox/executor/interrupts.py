"""Turns SIGINT into KeyboardInterrupt in the code of a cell, but never while a frame is being written."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class Interrupts:
    """Raises KeyboardInterrupt while a cell runs, ignores SIGINT between cells, and defers it while a frame is written.

    Blocking the signal would not be enough: another thread could receive it, and Python would still raise the exception
    in the main thread.
    """

    def __init__(self) -> None:
        self._running = False
        self._deferring = 0
        self._pending = False

    def install(self) -> None:
        """Installs the handler. Must be called before each cell, because a cell may install its own handler."""
        signal.signal(signal.SIGINT, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if not self._running:
            return
        if self._deferring:
            self._pending = True
            return
        raise KeyboardInterrupt

    def arm(self) -> None:
        """Starts to raise KeyboardInterrupt. Called when the code of a cell starts."""
        self._pending = False
        self._running = True

    def disarm(self) -> None:
        """Starts to ignore SIGINT. Called when the code of a cell has ended."""
        self._running = False

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
        """Defers interrupts to the end of the block. Has no effect in threads other than the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self._deferring += 1
        try:
            yield
        finally:
            self._deferring -= 1
            if self._pending and not self._deferring:
                self._pending = False
                if self._running:
                    raise KeyboardInterrupt
