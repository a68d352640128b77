"""Sends the text of ``sys.stdout`` and ``sys.stderr`` to the supervisor."""

import io
import os
import threading
from typing import Any

from .channel import Channel

FLUSH_AT = 64 * 1024
FLUSH_SECONDS = 0.2


class CellStream(io.TextIOBase):
    """A text stream that sends frames, in order with displays.

    Its file descriptor is a raw pipe, to which child processes and C code write.
    """

    def __init__(self, channel: Channel, name: str, descriptor: int) -> None:
        self._channel = channel
        self._descriptor = descriptor
        self._lock = threading.RLock()
        self._parts: list[str] = []
        self._size = 0
        self.name = f"<{name}>"
        self._frame_name = name

    encoding = "utf-8"
    errors = "replace"

    def fileno(self) -> int:
        """Returns the descriptor of the raw pipe."""
        return self._descriptor

    def writable(self) -> bool:
        """Returns True."""
        return True

    def isatty(self) -> bool:
        """Returns False, so that libraries do not use terminal control sequences."""
        return False

    def write(self, text: str) -> int:
        """Buffers the text, or writes it to the raw pipe in a forked child."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if not self._channel.in_own_process:
            os.write(self._descriptor, text.encode("utf-8", "replace"))
            return len(text)
        with self._channel.interrupts.deferred(), self._lock:
            self._parts.append(text)
            self._size += len(text)
            if self._size >= FLUSH_AT:
                self.flush()
        return len(text)

    def flush(self) -> None:
        """Sends the buffered text as one frame."""
        if not self._channel.in_own_process:
            return
        with self._channel.interrupts.deferred(), self._lock:
            text = "".join(self._parts)
            self._parts.clear()
            self._size = 0
            if text:
                self._channel.send({"type": "stream", "name": self._frame_name, "text": text})


class Streams:
    """Both streams, which are flushed at least every 0.2 s."""

    def __init__(self, channel: Channel) -> None:
        self.stdout = CellStream(channel, "stdout", 1)
        self.stderr = CellStream(channel, "stderr", 2)

    def flush(self) -> None:
        """Sends the buffered text of both streams."""
        self.stdout.flush()
        self.stderr.flush()

    def start_flushing(self) -> None:
        """Starts a thread that flushes both streams regularly."""
        threading.Thread(target=self._flush_regularly, name="clean-room-flush", daemon=True).start()

    def _flush_regularly(self, *_: Any) -> None:
        pause = threading.Event()
        while not pause.wait(FLUSH_SECONDS):
            self.flush()
