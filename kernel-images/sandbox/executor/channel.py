"""Sends frames to the supervisor and receives its requests.

Each message on the two pipes is a length (4 bytes, big-endian), then as many bytes of JSON in UTF-8.
"""

import json
import math
import os
import threading
from collections import deque
from typing import Any

from .interrupts import Interrupts

REQUESTS = 3
FRAMES = 4

MAX_FRAME = 64 * 1024 * 1024
MAX_PENDING = 1000
MAX_DEPTH = 60


def to_json(value: Any, depth: int = 0) -> Any:
    """Converts `value` to JSON values: NaN becomes null, keys become strings, and other objects become their `str`."""
    if depth > MAX_DEPTH:
        return "…"
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): to_json(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item, depth + 1) for item in value]
    return str(value)


def encode(frame: dict[str, Any]) -> bytes:
    """Returns the frame as JSON in UTF-8; characters that UTF-8 cannot encode become question marks."""
    return json.dumps(to_json(frame), ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")


class Channel:
    """Sends the frames of the running cell. Frames sent between two cells belong to the next cell."""

    def __init__(self, interrupts: Interrupts, requests: int = REQUESTS, frames: int = FRAMES) -> None:
        self.interrupts = interrupts
        self._requests = requests
        self._frames = frames
        self._process = os.getpid()
        self._lock = threading.RLock()
        self._cell: int | None = None
        self._pending: deque[dict[str, Any]] = deque(maxlen=MAX_PENDING)
        self._queue: deque[bytes] = deque()
        self._writing = False
        for fd in (requests, frames):
            os.set_inheritable(fd, False)

    @property
    def in_own_process(self) -> bool:
        """False in a forked child, which has copies of the pipes but must not use them."""
        return os.getpid() == self._process

    def receive(self) -> dict[str, Any] | None:
        """Waits for the next request. Returns None when the supervisor has closed the pipe."""
        length = self._read(4)
        if length is None:
            return None
        body = self._read(int.from_bytes(length, "big"))
        return None if body is None else json.loads(body)

    def _read(self, length: int) -> bytes | None:
        parts: list[bytes] = []
        while length > 0:
            part = os.read(self._requests, min(length, 1 << 20))
            if not part:
                return None
            parts.append(part)
            length -= len(part)
        return b"".join(parts)

    def announce(self) -> None:
        """Reports that cells can be run. Must be called once."""
        with self._lock:
            self._write(encode({"type": "ready"}))

    def begin(self, cell: int) -> None:
        """Starts a cell and sends the pending frames as its outputs."""
        with self.interrupts.deferred(), self._lock:
            self._cell = cell
            while self._pending:
                self._send(self._pending.popleft(), cell)

    def finish(self) -> None:
        """Ends the cell and sends its done frame."""
        with self.interrupts.deferred(), self._lock:
            cell, self._cell = self._cell, None
            self._write(encode({"type": "done", "cell": cell}))

    def send(self, frame: dict[str, Any]) -> None:
        """Sends a frame for the running cell, or for the next cell if none runs."""
        if not self.in_own_process:
            return
        with self.interrupts.deferred(), self._lock:
            if self._cell is None:
                self._pending.append(frame)
            else:
                self._send(frame, self._cell)

    def _send(self, frame: dict[str, Any], cell: int) -> None:
        body = encode({**frame, "cell": cell})
        if len(body) > MAX_FRAME:
            size = f"{len(body) / 1e6:.0f} MB"
            text = f"An output of {size} was left out, because an output may have at most {MAX_FRAME / 1e6:.0f} MB.\n"
            body = encode({"type": "stream", "name": "stderr", "text": text, "cell": cell})
        self._write(body)

    def _write(self, body: bytes) -> None:
        """Writes whole frames only, even if garbage collection during a write makes an object print something."""
        self._queue.append(len(body).to_bytes(4, "big") + body)
        if self._writing:
            return
        self._writing = True
        try:
            while self._queue:
                rest = memoryview(self._queue.popleft())
                while rest:
                    rest = rest[os.write(self._frames, rest) :]
        finally:
            self._writing = False
