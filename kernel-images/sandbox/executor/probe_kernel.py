"""Checks that the sandbox cannot reach other processes, namespaces, and parts of the kernel that no notebook needs."""

import ctypes
import mmap
import os
import signal
from collections.abc import Iterator

from .kernel_calls import call, outcome, refusal, run_in_child
from .probe_identity import Check

CLONE_FLAGS = {
    "user": 0x10000000, "pid": 0x20000000, "network": 0x40000000, "mount": 0x00020000, "ipc": 0x08000000,
    "hostname": 0x04000000, "cgroup": 0x02000000,
}  # fmt: skip
CLONE_TIME = 0x80
CLONE_PARENT = 0x8000
TIOCSTI = 0x5412
X32 = 0x40000000
SIGNALS_OF_REFUSAL = (signal.SIGSYS, signal.SIGSEGV)


def checks(targets: dict[str, int | str]) -> Iterator[Check]:
    """Yields all checks of this module."""
    yield "kill-outside", *kill_outside(targets)
    yield "trace", *refusal("ptrace", 0xFFFF, os.getpid(), 0, 0)
    yield "read-memory", *refusal("process_vm_readv", os.getppid(), None, 0, None, 0, 0)
    yield "write-memory", *refusal("process_vm_writev", os.getppid(), None, 0, None, 0, 0)
    yield "process-descriptor", *refusal("pidfd_open", os.getppid(), 0)
    yield "steal-descriptor", *refusal("pidfd_getfd", -1, 0, 0)
    yield "signal-by-descriptor", *refusal("pidfd_send_signal", -1, 0, None, 0)
    yield "compare-processes", *refusal("kcmp", os.getpid(), os.getppid(), 0, 0, 0)
    yield "advise-process", *refusal("process_madvise", -1, None, 0, 0, 0)
    for name, flag in CLONE_FLAGS.items():
        yield f"unshare-{name}", *refusal("unshare", flag)
        yield f"clone-{name}", *clone_refused(flag)
    yield "unshare-time", *refusal("unshare", CLONE_TIME)
    yield "clone-parent", *clone_refused(CLONE_PARENT)
    yield "clone3", *refusal("clone3", None, 0)
    yield "enter-namespace", *refusal("setns", -1, 0)
    yield "terminal-input", *refusal("ioctl", 0, TIOCSTI, b"x")
    yield "io-uring", *refusal("io_uring_setup", 1, None)
    yield "io-uring-enter", *refusal("io_uring_enter", -1, 0, 0, 0, None, 0)
    yield "io-uring-register", *refusal("io_uring_register", -1, 0, None, 0)
    yield "kernel-aio", *refusal("io_setup", 1, None)
    yield "keys", *refusal("keyctl", 0, -1, 0)
    yield "add-key", *refusal("add_key", None, None, None, 0, 0)
    yield "bpf", *refusal("bpf", 0, None, 0)
    yield "performance-events", *refusal("perf_event_open", None, 0, -1, -1, 0)
    yield "page-faults", *refusal("userfaultfd", 0)
    yield "anonymous-file", *refusal("memfd_create", None, 0)
    yield "secret-memory", *refusal("memfd_secret", 0xFFFF)
    yield "shared-memory", *refusal("shmget", 0, 1 << 12, 0)
    yield "message-queue", *refusal("msgget", 0, 0)
    yield "semaphores", *refusal("semget", 0, 1, 0)
    yield "posix-queue", *refusal("mq_open", None, 0, 0, None)
    yield "watch-files", *refusal("fanotify_init", 0, 0)
    yield "new-kernel", *refusal("kexec_load", 0, 0, None, 0)
    yield "kernel-module", *refusal("finit_module", -1, None, 0)
    yield "kernel-log", *refusal("syslog", 10, None, 0)
    yield "reboot", *refusal("reboot", 0, 0, 0, None)
    yield "segment-table", *refusal("modify_ldt", 99, None, 0)
    yield "clock", *refusal("clock_adjtime", 99, None)
    yield "own-filter", *refusal("seccomp", 99, 0, None)
    yield "execute-descriptor", *refusal("execveat", -1, None, None, None, 0x1000)
    yield "splice-memory", *refusal("vmsplice", -1, None, 0, 0)
    yield "unknown-call", *refusal("not-a-call")
    yield "x32-calls", *killed(lambda: ctypes.CDLL(None).syscall(ctypes.c_long(X32 | 39)))
    yield "32-bit-calls", *killed(call_32_bit)


def kill_outside(targets: dict[str, int | str]) -> tuple[bool, str]:
    """Returns whether the sandbox cannot signal processes outside it.

    In `second-uid` it has no permission to signal the warden. In `nested-namespace` its parent is the first process of
    the namespace, which ignores signals from its children.
    """
    if targets["profile"] == "nested-namespace":
        os.kill(1, signal.SIGKILL)
        os.kill(1, signal.SIGSTOP)
        return os.getppid() == 1, f"parent {os.getppid()}"
    try:
        os.kill(os.getppid(), 0)
    except PermissionError:
        return True, ""
    return False, "the warden accepts signals from the sandbox"


def clone_refused(flag: int) -> tuple[bool, str]:
    """Returns whether clone() with `flag` is refused with EPERM, and its result."""
    result, error = call("clone", flag | signal.SIGCHLD, 0, 0, 0, 0)
    if result == 0:
        os._exit(0)
    return result == -1 and outcome(result, error) == "EPERM", outcome(result, error)


def killed(step: object) -> tuple[bool, str]:
    """Returns whether the filter kills a process that calls `step`, and the wait status of that process."""
    status = run_in_child(step)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) in SIGNALS_OF_REFUSAL, f"status {status}"


def call_32_bit() -> None:
    """Calls getpid() through the 32-bit system call table: mov eax, 20; int 0x80; ret."""
    code = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")
    ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()
