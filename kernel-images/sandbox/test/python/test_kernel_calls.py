import errno

import pytest
from executor import kernel_calls
from executor.kernel_calls import call, refusal, run_in_child


def test_a_call_that_works_is_no_refusal() -> None:
    assert call("prctl", 39, 0, 0, 0, 0)[0] in (0, 1)
    held, detail = refusal("prctl", 39, 0, 0, 0, 0)
    assert not held and detail.startswith("succeeded")


def test_a_complaint_about_arguments_is_no_refusal() -> None:
    """Outside the sandbox the kernel looks at the descriptor; that it got so far is what the probe must find."""
    assert refusal("pidfd_getfd", -1, 0, 0) == (False, "EBADF")
    assert refusal("connect", -1, None, 0) == (False, "EBADF")


@pytest.mark.parametrize(("error", "held"), [(errno.EPERM, True), (errno.ENOSYS, True), (errno.EACCES, False)])
def test_the_filter_answers_with_two_errors(monkeypatch: pytest.MonkeyPatch, error: int, held: bool) -> None:
    monkeypatch.setattr(kernel_calls, "call", lambda *_: (-1, error))
    assert refusal("socket")[0] is held


def test_a_child_tells_how_it_ended() -> None:
    assert run_in_child(lambda: None) == 0
