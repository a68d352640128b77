"""Checks the identity, capabilities, descriptors and limits of the sandbox."""

import ctypes
import errno
import fcntl
import os
import resource
import struct
from collections.abc import Iterator

from .kernel_calls import call, refusal

# The name of a check, whether the protection is in place, and details for the log of the operator.
Check = tuple[str, bool, str]

PR_GET_NO_NEW_PRIVS = 39
PR_SET_SECUREBITS = 28


def checks(targets: dict[str, int | str]) -> Iterator[Check]:
    """Yields all checks of this module."""
    uid = int(targets["uid"])
    yield "user", set(os.getresuid() + os.getresgid()) == {uid}, f"{os.getresuid()} {os.getresgid()}"
    yield "groups", set(os.getgroups()) <= allowed_groups(targets), str(os.getgroups())
    yield "no-capabilities", held_capabilities() == "0" * 48, held_capabilities()
    yield "no-new-privileges", call("prctl", PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)[0] == 1, ""
    yield "securebits", *refusal("prctl", PR_SET_SECUREBITS, 0, 0, 0, 0)
    yield "become-root", *refusal("setuid", 0)
    yield "become-root-group", *refusal("setgid", 0)
    yield "change-user", *refusal("setresuid", 0, 0, 0)
    yield "change-group", *refusal("setresgid", 0, 0, 0)
    yield "join-groups", *refusal("setgroups", 0, None)
    yield "take-capabilities", *refusal("capset", None, None)
    yield "raise-limit", *refusal("setrlimit", resource.RLIMIT_NOFILE, None)
    yield "limit-others", *refusal("prlimit64", 0, resource.RLIMIT_NOFILE, 1, None)
    yield "descriptors", *no_foreign_descriptors()
    yield "limits", *limits_are_set()


def allowed_groups(targets: dict[str, int | str]) -> set[int]:
    """Returns the group ids that the sandbox may have.

    A user namespace with only one user cannot drop the groups of its creator. They appear as group 65534 (nogroup).
    """
    return set() if targets["profile"] == "second-uid" else {int(targets["uid"]), 65534}


def held_capabilities() -> str:
    """Returns the effective, permitted and inheritable capabilities as hexadecimal digits, or the name of an error."""
    header = ctypes.create_string_buffer(struct.pack("=Ii", 0x20080522, 0))
    data = ctypes.create_string_buffer(24)
    result, error = call("capget", header, data)
    return data.raw.hex() if result == 0 else errno.errorcode.get(error, "?")


def no_foreign_descriptors() -> tuple[bool, str]:
    """Returns whether only descriptors 0 to 4 are open, and the numbers of all others."""
    foreign: list[int] = []
    for descriptor in range(5, resource.getrlimit(resource.RLIMIT_NOFILE)[0]):
        try:
            fcntl.fcntl(descriptor, fcntl.F_GETFD)
            foreign.append(descriptor)
        except OSError:
            continue
    return not foreign, str(foreign)


def limits_are_set() -> tuple[bool, str]:
    """Returns whether all resource limits are set, and the names of those that are not."""
    kinds = ("CORE", "FSIZE", "NOFILE", "NPROC", "DATA", "CPU", "MEMLOCK", "MSGQUEUE")
    unset = [kind for kind in kinds if resource.getrlimit(getattr(resource, f"RLIMIT_{kind}", 12))[1] < 0]
    core = resource.getrlimit(resource.RLIMIT_CORE)[1]
    return not unset and core == 0, " ".join(unset)
