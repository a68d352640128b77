"""Imports the executor as a package, for tests that need no sandbox."""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from executor.channel import Channel
from executor.interrupts import Interrupts


@dataclass
class Wire:
    """A channel, and the supervisor's ends of its two pipes."""

    channel: Channel
    interrupts: Interrupts
    requests: int
    frames: int

    def request(self, request: dict[str, Any]) -> None:
        """Sends a request to the channel."""
        body = json.dumps(request).encode()
        os.write(self.requests, len(body).to_bytes(4, "big") + body)

    def received(self) -> list[dict[str, Any]]:
        """Returns all frames so far. Fails when the last frame is incomplete."""
        os.set_blocking(self.frames, False)
        data = b""
        try:
            while part := os.read(self.frames, 1 << 20):
                data += part
        except BlockingIOError:
            pass
        found = []
        while data:
            length = int.from_bytes(data[:4], "big")
            assert len(data) >= 4 + length
            found.append(json.loads(data[4 : 4 + length]))
            data = data[4 + length :]
        return found


@pytest.fixture
def wire() -> Iterator[Wire]:
    """Provides a channel with new pipes."""
    request_end, requests = os.pipe()
    frames, frame_end = os.pipe()
    interrupts = Interrupts()
    yield Wire(Channel(interrupts, request_end, frame_end), interrupts, requests, frames)
    for descriptor in (request_end, requests, frames, frame_end):
        try:
            os.close(descriptor)
        except OSError:
            pass
