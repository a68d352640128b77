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


def send_sigint() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_sigint_between_cells_is_ignored(interrupts: Interrupts) -> None:
    send_sigint()
    interrupts.arm()
    interrupts.disarm()
    send_sigint()


def test_sigint_interrupts_a_running_cell(interrupts: Interrupts) -> None:
    interrupts.arm()
    with pytest.raises(KeyboardInterrupt):
        send_sigint()


def test_sigint_is_deferred_during_a_write(interrupts: Interrupts) -> None:
    interrupts.arm()
    done = []
    with pytest.raises(KeyboardInterrupt):
        with interrupts.deferred(), interrupts.deferred():
            send_sigint()
            done.append("whole")
        done.append("never")
    assert done == ["whole"]


def test_a_deferred_interrupt_is_dropped_at_the_end_of_its_cell(interrupts: Interrupts) -> None:
    interrupts.arm()
    with interrupts.deferred():
        send_sigint()
        interrupts.disarm()
    interrupts.arm()
    with interrupts.deferred():
        pass


def test_other_threads_do_not_defer_interrupts(interrupts: Interrupts) -> None:
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
        send_sigint()
    leave.set()
    thread.join()
