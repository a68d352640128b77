import io
import os

import pytest
from conftest import Wire
from executor import streams as streams_module
from executor.streams import CellStream


def test_flush_sends_the_text_as_one_frame(wire: Wire) -> None:
    stream = CellStream(wire.channel, "stdout", 1)
    wire.channel.begin(0)
    print("a", "b", file=stream)
    assert wire.received() == []
    stream.flush()
    stream.flush()
    assert wire.received() == [{"type": "stream", "name": "stdout", "text": "a b\n", "cell": 0}]


def test_long_text_is_sent_without_flush(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams_module, "FLUSH_AT", 1000)
    stream = CellStream(wire.channel, "stderr", 2)
    wire.channel.begin(0)
    stream.write("x" * 999)
    assert wire.received() == []
    stream.write("x")
    assert [frame["name"] for frame in wire.received()] == ["stderr"]


def test_a_forked_child_writes_to_the_raw_pipe(wire: Wire) -> None:
    reader, writer = os.pipe()
    stream = CellStream(wire.channel, "stdout", writer)
    wire.channel.begin(0)
    child = os.fork()
    if child == 0:
        stream.write("from the child")
        stream.flush()
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 100) == b"from the child"
    assert wire.received() == []


def test_it_is_a_text_stream_but_not_a_terminal(wire: Wire) -> None:
    stream = CellStream(wire.channel, "stdout", 1)
    assert isinstance(stream, io.TextIOBase)
    assert stream.writable() and not stream.isatty() and stream.fileno() == 1
    with pytest.raises(TypeError):
        stream.write(b"bytes")
