import errno

import pytest
from executor import kernel_calls
from executor.kernel_calls import call, refusal, run_in_child


def test_a_successful_call_is_not_a_refusal() -> None:
    assert call("prctl", 39, 0, 0, 0, 0)[0] in (0, 1)
    held, detail = refusal("prctl", 39, 0, 0, 0, 0)
    assert not held and detail.startswith("succeeded")


def test_an_error_about_arguments_is_not_a_refusal() -> None:
    """Without the filter, the kernel checks the arguments of the call. The probe must recognise this."""
    assert refusal("pidfd_getfd", -1, 0, 0) == (False, "EBADF")
    assert refusal("connect", -1, None, 0) == (False, "EBADF")


@pytest.mark.parametrize(("error", "held"), [(errno.EPERM, True), (errno.ENOSYS, True), (errno.EACCES, False)])
def test_only_eperm_and_enosys_are_refusals(monkeypatch: pytest.MonkeyPatch, error: int, held: bool) -> None:
    monkeypatch.setattr(kernel_calls, "call", lambda *_: (-1, error))
    assert refusal("socket")[0] is held


def test_run_in_child_returns_the_wait_status() -> None:
    assert run_in_child(lambda: None) == 0
