import os
import threading

import pytest
from conftest import Wire
from executor import channel as channel_module
from executor.channel import encode, to_json


def test_frames_name_the_running_cell(wire: Wire) -> None:
    wire.channel.announce()
    wire.channel.begin(7)
    wire.channel.send({"type": "stream", "name": "stdout", "text": "é"})
    wire.channel.finish()
    assert wire.received() == [
        {"type": "ready"},
        {"type": "stream", "name": "stdout", "text": "é", "cell": 7},
        {"type": "done", "cell": 7},
    ]


def test_output_between_cells_is_sent_with_the_next_cell(wire: Wire) -> None:
    wire.channel.send({"type": "stream", "name": "stdout", "text": "early"})
    assert wire.received() == []
    wire.channel.begin(1)
    wire.channel.finish()
    assert [frame["cell"] for frame in wire.received()] == [1, 1]


def test_a_forked_child_sends_no_frames(wire: Wire) -> None:
    wire.channel.begin(0)
    child = os.fork()
    if child == 0:
        wire.channel.send({"type": "stream", "name": "stdout", "text": "from the child"})
        os._exit(0)
    os.waitpid(child, 0)
    assert wire.received() == []


def test_child_processes_inherit_no_pipe(wire: Wire) -> None:
    assert not os.get_inheritable(wire.channel._requests)
    assert not os.get_inheritable(wire.channel._frames)


def test_long_requests_are_read_completely(wire: Wire) -> None:
    wire.request({"type": "run", "cell": 0, "executionCount": 1, "source": "x" * 30_000})
    request = wire.channel.receive()
    assert request is not None and len(request["source"]) == 30_000
    os.close(wire.requests)
    assert wire.channel.receive() is None


def test_an_output_that_is_too_long_is_replaced_by_a_message(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel_module, "MAX_FRAME", 1000)
    wire.channel.begin(0)
    wire.channel.send({"type": "display_data", "data": {"text/plain": "x" * 2000}})
    (frame,) = wire.received()
    assert frame["type"] == "stream" and "was left out" in frame["text"]


def test_frames_of_several_threads_are_not_mixed(wire: Wire) -> None:
    wire.channel.begin(0)

    def send_frames(number: int) -> None:
        for _ in range(20):
            wire.channel.send({"type": "stream", "name": "stdout", "text": str(number) * 20})

    threads = [threading.Thread(target=send_frames, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    frames = wire.received()
    assert len(frames) == 160
    assert all(len(set(frame["text"])) == 1 for frame in frames)


def test_a_frame_sent_during_a_write_comes_after_it(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    wire.channel.begin(0)
    write = os.write
    sent = []

    def write_and_send(descriptor: int, data: bytes) -> int:
        if not sent:
            sent.append(True)
            wire.channel.send({"type": "stream", "name": "stdout", "text": "inner"})
        return write(descriptor, data)

    monkeypatch.setattr(channel_module.os, "write", write_and_send)
    wire.channel.send({"type": "stream", "name": "stdout", "text": "outer"})
    assert [frame["text"] for frame in wire.received()] == ["outer", "inner"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float("nan"), None),
        (float("-inf"), None),
        ({1: (2, 3)}, {"1": [2, 3]}),
        (b"x", "b'x'"),
        ({"a": {1}}, {"a": "{1}"}),
    ],
)
def test_values_that_json_cannot_represent(value: object, expected: object) -> None:
    assert to_json(value) == expected


def test_endless_nesting_is_cut_off() -> None:
    endless: list[object] = []
    endless.append(endless)
    assert "…" in encode({"value": endless}).decode()


def test_lone_surrogates_become_question_marks() -> None:
    assert encode({"text": "\ud800"}) == b'{"text": "?"}'
