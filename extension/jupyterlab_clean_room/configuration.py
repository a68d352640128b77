"""Where the coordinator is and which credential goes with a call."""

import json
import os
import re
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from traitlets import Bool, Float, Unicode, default
from traitlets.config import Configurable

from .problem import Problem

_LOOPBACK = re.compile(r"(localhost|[a-z0-9.-]+\.localhost|127(\.\d{1,3}){3}|::1)")
_CREDENTIAL = re.compile(r"[\x21-\x7e]{1,8192}")


def person_folder() -> Path:
    """Where the person's keys, trust roots and settings lie; the `clean-room` command looks in the same place."""
    named = os.environ.get("CLEAN_ROOM_HOME", "")
    if named:
        return Path(named)
    settings = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(settings) if settings else Path.home() / ".config") / "clean-room"


class CleanRoom(Configurable):
    """Settings of the clean room's server extension, and what follows from them."""

    coordinator_url = Unicode(
        help="Address of the coordinator: https, or http on this machine. "
        "When not set: CLEAN_ROOM_URL, else `url` of the person's config.json."
    ).tag(config=True)
    allow_plain_http = Bool(
        False, help="Accept an http address of another machine. The credential then travels unprotected."
    ).tag(config=True)
    token_file = Unicode(
        help="File with the credential, read for every call. "
        "When not set: CLEAN_ROOM_TOKEN_FILE, else `tokenFile` of the person's config.json."
    ).tag(config=True)
    command_timeout = Float(600.0, help="Seconds that one clean-room command may take.").tag(config=True)

    @default("coordinator_url")
    def _coordinator_url(self) -> str:
        return os.environ.get("CLEAN_ROOM_URL", "") or self._person_setting("url")

    @default("token_file")
    def _token_file(self) -> str:
        named = os.environ.get("CLEAN_ROOM_TOKEN_FILE", "")
        if named or os.environ.get("CLEAN_ROOM_TOKEN", ""):
            return named
        from_file = self._person_setting("tokenFile")
        return str(person_folder() / from_file) if from_file else ""

    @staticmethod
    def _person_setting(name: str) -> str:
        """A value of the file that the `clean-room` command reads too, so that both speak to the same place."""
        try:
            value = json.loads((person_folder() / "config.json").read_text("utf-8")).get(name, "")
        except (OSError, ValueError, AttributeError):
            return ""
        return value if isinstance(value, str) else ""

    def origin(self) -> str:
        """The coordinator's address without a trailing slash. Raises Problem when there is none safe to call."""
        parts = urlsplit(self.coordinator_url)
        if not parts.hostname:
            raise Problem(
                503,
                "unavailable",
                "This Jupyter server does not know where the clean room is.",
                "Set CLEAN_ROOM_URL, or c.CleanRoom.coordinator_url, and start Jupyter again.",
            )
        plain = parts.scheme == "http"
        if (
            parts.scheme not in ("http", "https")
            or parts.query
            or parts.fragment
            or parts.username is not None
            or (plain and not self.allow_plain_http and not _LOOPBACK.fullmatch(parts.hostname))
        ):
            raise Problem(
                503,
                "unavailable",
                "The configured address of the clean room is not safe to send a credential to. Nothing was sent.",
                "Use an https address, or set c.CleanRoom.allow_plain_http on a network that you trust.",
            )
        return self.coordinator_url.rstrip("/")

    def credential(self) -> str | None:
        """The bearer credential of this server's person; None when there is none. Raises Problem when unreadable."""
        if self.token_file:
            try:
                text = Path(self.token_file).expanduser().read_text("ascii").strip()
            except (OSError, UnicodeDecodeError) as cause:
                raise Problem(
                    503,
                    "unavailable",
                    "The clean room's credential file can't be read. Nothing was sent.",
                    "Check c.CleanRoom.token_file (or CLEAN_ROOM_TOKEN_FILE) and the file's permissions.",
                ) from cause
        else:
            text = os.environ.get("CLEAN_ROOM_TOKEN", "").strip()
            if not text:
                return None
        if not _CREDENTIAL.fullmatch(text):
            raise Problem(
                503,
                "unavailable",
                "The clean room's credential is not one line of plain text. Nothing was sent.",
                "Replace the credential by the one that the clean room gave.",
            )
        return text

    @cached_property
    def client(self) -> httpx.AsyncClient:
        """One pool of connections for all calls. Event streams stay open: reading may pause for several heartbeats."""
        loopback = _LOOPBACK.fullmatch(urlsplit(self.coordinator_url).hostname or "")
        return httpx.AsyncClient(
            follow_redirects=False,
            # A proxy from the environment is for the way out, never for this machine.
            trust_env=not loopback,
            timeout=httpx.Timeout(connect=10.0, read=300.0, write=60.0, pool=None),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
        )
