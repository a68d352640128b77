import os
import signal
import threading

import pytest
from executor.interrupts import Interrupts


@pytest.fixture
def interrupts() -> Interrupts:
    before = signal.getsignal(signal.SIGINT)
    made = Interrupts()
    made.install()
    yield made
    signal.signal(signal.SIGINT, before)


def strike() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_deaf_between_cells(interrupts: Interrupts) -> None:
    strike()
    interrupts.arm()
    interrupts.disarm()
    strike()


def test_raises_while_a_cell_runs(interrupts: Interrupts) -> None:
    interrupts.arm()
    with pytest.raises(KeyboardInterrupt):
        strike()


def test_waits_while_something_must_not_be_torn(interrupts: Interrupts) -> None:
    interrupts.arm()
    done = []
    with pytest.raises(KeyboardInterrupt):
        with interrupts.deferred(), interrupts.deferred():
            strike()
            done.append("whole")
        done.append("never")
    assert done == ["whole"]


def test_an_interrupt_that_waited_past_its_cell_is_dropped(interrupts: Interrupts) -> None:
    interrupts.arm()
    with interrupts.deferred():
        strike()
        interrupts.disarm()
    interrupts.arm()
    with interrupts.deferred():
        pass


def test_other_threads_hold_nothing_up(interrupts: Interrupts) -> None:
    interrupts.arm()
    entered, leave = threading.Event(), threading.Event()

    def other() -> None:
        with interrupts.deferred():
            entered.set()
            leave.wait()

    thread = threading.Thread(target=other)
    thread.start()
    entered.wait()
    with pytest.raises(KeyboardInterrupt):
        strike()
    leave.set()
    thread.join()
