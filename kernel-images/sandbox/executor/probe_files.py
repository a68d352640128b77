"""Checks which files the sandbox can reach and change."""

import errno
import os
import stat
from collections.abc import Iterator

from .kernel_calls import refusal
from .probe_identity import Check

# These paths exist outside the jail. Inside the jail they must not exist.
OUTSIDE = {
    "launcher": "/run/container_launcher",
    "launcher-token": "/run/container_launcher/attestation_verifier_claims_token",
    "supervisor-environment": "/proc/1/environ",
    "supervisor-memory": "/proc/1/mem",
    "own-process-folder": "/proc/self/maps",
    "kernel-settings": "/sys/kernel",
    "supervisor-program": "/usr/lib/clean-room/supervisor.js",
    "warden-program": "/usr/lib/clean-room/warden",
    "physical-memory": "/dev/mem",
    "terminal": "/dev/tty",
}
READ_ONLY = ("/", "/usr", "/etc", "/dev", "/data", "/run", "/proc", "/usr/lib/clean-room/executor")
WRITABLE = ("/nb", "/tmp", "/dev/shm")


def checks(targets: dict[str, int | str]) -> Iterator[Check]:
    """Yields all checks of this module."""
    for name, path in OUTSIDE.items():
        yield f"unreachable-{name}", *unreachable(path)
    for folder in READ_ONLY:
        yield f"read-only-{folder}", *read_only(folder)
    for folder in WRITABLE:
        yield f"writable-{folder}", *writable(folder)
    yield "no-way-up", *no_way_up()
    yield "null-device", *null_device()
    yield "chroot", *refusal("chroot", b"/tmp")
    yield "mount", *refusal("mount", b"none", b"/tmp", b"tmpfs", 0, None)
    yield "unmount", *refusal("umount2", b"/nowhere", 0)
    yield "pivot-root", *refusal("pivot_root", b"/nowhere", b"/nowhere")
    yield "file-system-context", *refusal("fsopen", b"tmpfs", 0)
    yield "open-tree", *refusal("open_tree", -100, b"/nowhere", 0)
    yield "move-mount", *refusal("move_mount", -1, b"", -1, b"", 0)
    yield "mount-attributes", *refusal("mount_setattr", -1, b"", 0, None, 0)
    yield "file-handle", *refusal("open_by_handle_at", -1, None, 0)
    yield "make-device", *refusal("mknod", b"/nb/device", stat.S_IFCHR | 0o600, os.makedev(1, 1))
    yield "change-owner", *refusal("chown", b"/nowhere", 0, 0)


def unreachable(path: str) -> tuple[bool, str]:
    """Returns whether `path` does not exist, and the error of the system."""
    try:
        os.lstat(path)
    except OSError as error:
        return error.errno in (errno.ENOENT, errno.ENOTDIR), os.strerror(error.errno or 0)
    return False, "exists"


def read_only(folder: str) -> tuple[bool, str]:
    """Returns whether no file can be created in `folder`, and the error of the system."""
    path = os.path.join(folder, "clean-room-probe")
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except OSError as error:
        return error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT), os.strerror(error.errno or 0)
    os.unlink(path)
    return False, "a file could be created"


def writable(folder: str) -> tuple[bool, str]:
    """Returns whether a file can be created in `folder`, and the error of the system."""
    path = os.path.join(folder, "clean-room-probe")
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        os.unlink(path)
    except OSError as error:
        return False, os.strerror(error.errno or 0)
    return True, ""


def no_way_up() -> tuple[bool, str]:
    """Returns whether ".." of the root folder is the root folder itself."""
    root = os.stat("/")
    here = os.getcwd()
    for _ in range(40):
        os.chdir("..")
    top = os.stat(".")
    os.chdir(here)
    return (root.st_dev, root.st_ino) == (top.st_dev, top.st_ino), ""


def null_device() -> tuple[bool, str]:
    """Returns whether /dev/null is the null device and can be opened."""
    try:
        found = os.stat("/dev/null")
        os.close(os.open("/dev/null", os.O_RDWR))
    except OSError as error:
        return False, os.strerror(error.errno or 0)
    return stat.S_ISCHR(found.st_mode) and found.st_rdev == os.makedev(1, 3), ""
