"""``sys.stdout`` and ``sys.stderr`` of the notebook."""

import io
import os
import threading
from typing import Any

from .channel import Channel

FLUSH_AT = 64 * 1024
TICK_SECONDS = 0.2


class CellStream(io.TextIOBase):
    """Text goes out as frames, in order with displays. Its descriptor is the raw pipe, for children and C code."""

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
        return self._descriptor

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    def write(self, text: str) -> int:
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
        if not self._channel.in_own_process:
            return
        with self._channel.interrupts.deferred(), self._lock:
            text = "".join(self._parts)
            self._parts.clear()
            self._size = 0
            if text:
                self._channel.send({"type": "stream", "name": self._frame_name, "text": text})


class Streams:
    """Both streams, sent on at least every 0.2 s."""

    def __init__(self, channel: Channel) -> None:
        self.stdout = CellStream(channel, "stdout", 1)
        self.stderr = CellStream(channel, "stderr", 2)

    def flush(self) -> None:
        self.stdout.flush()
        self.stderr.flush()

    def start_ticking(self) -> None:
        threading.Thread(target=self._tick, name="clean-room-flush", daemon=True).start()

    def _tick(self, *_: Any) -> None:
        pause = threading.Event()
        while not pause.wait(TICK_SECONDS):
            self.flush()
