"""SIGINT as a notebook knows it: KeyboardInterrupt in the cell's code, and never inside a half-written frame."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class Interrupts:
    """Raises in the main thread while a cell runs; is deaf between cells; waits while a frame is being written.

    Blocking the signal would not be enough: it can arrive at another thread, and Python still raises in the main one.
    """

    def __init__(self) -> None:
        self._running = False
        self._deferring = 0
        self._pending = False

    def install(self) -> None:
        """Before each cell, as the one before may have put its own handler in place."""
        signal.signal(signal.SIGINT, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if not self._running:
            return
        if self._deferring:
            self._pending = True
            return
        raise KeyboardInterrupt

    def arm(self) -> None:
        self._pending = False
        self._running = True

    def disarm(self) -> None:
        self._running = False

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
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
