"""Checks that the sandbox cannot communicate with anything outside it."""

import os
import socket
import struct
from collections.abc import Iterator

from .kernel_calls import refusal
from .probe_identity import Check

FAMILIES = {
    "unix": 1, "inet": 2, "inet6": 10, "netlink": 16, "packet": 17, "alg": 38, "vsock": 40, "smc": 43, "xdp": 44,
}  # fmt: skip


def unix_address(path: bytes) -> bytes:
    """Returns the address (struct sockaddr_un) of a Unix socket."""
    return struct.pack("=H", socket.AF_UNIX) + path


def inet_address(host: str, port: int) -> bytes:
    """Returns the address (struct sockaddr_in) of an IPv4 socket."""
    return struct.pack("!2sH4s8x", struct.pack("=H", socket.AF_INET), port, socket.inet_aton(host))


def checks(targets: dict[str, int | str]) -> Iterator[Check]:
    """Yields all checks of this module."""
    for name, family in FAMILIES.items():
        yield f"socket-{name}", *refusal("socket", family, socket.SOCK_STREAM, 0)
    yield "socket-raw", *refusal("socket", socket.AF_INET, socket.SOCK_RAW, 1)
    yield "socket-datagram", *refusal("socket", socket.AF_INET, socket.SOCK_DGRAM, 0)
    yield "datagram-pair", *refusal("socketpair", socket.AF_UNIX, socket.SOCK_DGRAM, 0, bytes(8))
    ours, theirs = socket.socketpair()
    held = ours.fileno()
    abstract = unix_address(b"\0" + str(targets["abstract"]).encode())
    launcher = unix_address(b"/run/container_launcher/teeserver.sock\0")
    supervisor = inet_address("127.0.0.1", int(targets["tcp"]))
    metadata = inet_address("169.254.169.254", 80)
    yield "connect-abstract", *refusal("connect", held, abstract, len(abstract))
    yield "connect-launcher", *refusal("connect", held, launcher, len(launcher))
    yield "connect-supervisor", *refusal("connect", held, supervisor, len(supervisor))
    yield "connect-metadata", *refusal("connect", held, metadata, len(metadata))
    yield "send-to-address", *refusal("sendto", held, b"x", 1, 0, abstract, len(abstract))
    yield "send-message", *refusal("sendmsg", held, None, 0)
    yield "send-messages", *refusal("sendmmsg", held, None, 0, 0)
    yield "receive-message", *refusal("recvmsg", held, None, 0)
    yield "receive-messages", *refusal("recvmmsg", held, None, 0, 0, None)
    yield "bind", *refusal("bind", held, abstract, len(abstract))
    yield "listen", *refusal("listen", held, 1)
    yield "accept", *refusal("accept", held, None, None)
    yield "socket-option", *refusal("setsockopt", held, 0, 0, None, 0)
    ours.close()
    theirs.close()
    yield "no-names", *no_names()
    yield "dev-log", not os.path.exists("/dev/log"), ""


def no_names() -> tuple[bool, str]:
    """Returns whether host names cannot be resolved, and the error of the resolver."""
    try:
        found = socket.getaddrinfo("metadata.google.internal", 80)
    except OSError as error:
        return True, str(error)
    return False, str(found[0][4])
