"""Makes system calls by number, so that no library function can hide how the kernel answers the probe."""

import ctypes
import errno
import os

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long

NUMBERS = {
    "socket": 41, "connect": 42, "accept": 43, "sendto": 44, "sendmsg": 46, "recvmsg": 47, "bind": 49, "listen": 50,
    "socketpair": 53, "setsockopt": 54, "clone": 56, "shmget": 29, "semget": 64, "msgget": 68, "syslog": 103,
    "ptrace": 101, "setuid": 105, "setgid": 106, "setgroups": 116, "setresuid": 117, "setresgid": 119, "capget": 125,
    "capset": 126, "chown": 92, "mknod": 133, "ioctl": 16, "modify_ldt": 154, "pivot_root": 155, "prctl": 157,
    "setrlimit": 160, "chroot": 161, "acct": 163, "mount": 165, "umount2": 166, "swapon": 167, "reboot": 169,
    "sethostname": 170, "iopl": 172, "init_module": 175, "quotactl": 179, "io_setup": 206, "mq_open": 240,
    "kexec_load": 246, "add_key": 248, "keyctl": 250, "mknodat": 259, "unshare": 272, "vmsplice": 278,
    "perf_event_open": 298, "recvmmsg": 299, "fanotify_init": 300, "prlimit64": 302, "name_to_handle_at": 303,
    "open_by_handle_at": 304, "clock_adjtime": 305, "sendmmsg": 307, "setns": 308, "process_vm_readv": 310,
    "process_vm_writev": 311, "kcmp": 312, "finit_module": 313, "seccomp": 317, "memfd_create": 319, "bpf": 321,
    "execveat": 322, "userfaultfd": 323, "pidfd_send_signal": 424, "io_uring_setup": 425, "io_uring_enter": 426,
    "io_uring_register": 427, "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432,
    "fspick": 433, "pidfd_open": 434, "clone3": 435, "pidfd_getfd": 438, "process_madvise": 440,
    "mount_setattr": 442, "landlock_create_ruleset": 444, "memfd_secret": 447, "not-a-call": 999,
}  # fmt: skip


def call(name: str, *arguments: int | bytes | ctypes.Array[ctypes.c_char] | None) -> tuple[int, int]:
    """Makes a system call. Returns its result, and its errno if the result is -1."""
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
    ctypes.set_errno(0)
    result = _libc.syscall(ctypes.c_long(NUMBERS[name]), *words)
    return result, ctypes.get_errno() if result == -1 else 0


def outcome(result: int, error: int) -> str:
    """Returns the name of the error, or the result of a successful call."""
    return errno.errorcode.get(error, str(error)) if result == -1 else f"succeeded with {result}"


def refusal(name: str, *arguments: int | bytes | ctypes.Array[ctypes.c_char] | None) -> tuple[bool, str]:
    """Makes a system call with invalid arguments. Returns whether the filter refused it, and the outcome.

    The filter refuses with EPERM or ENOSYS. Without the filter, the kernel would report invalid arguments.
    """
    result, error = call(name, *arguments)
    return result == -1 and error in (errno.EPERM, errno.ENOSYS), outcome(result, error)


def run_in_child(step: object) -> int:
    """Calls `step` in a forked child. Returns its wait status, for :func:`os.WTERMSIG` and similar functions."""
    assert callable(step)
    child = os.fork()
    if child == 0:
        try:
            step()
        finally:
            os._exit(0)
    return os.waitpid(child, 0)[1]
