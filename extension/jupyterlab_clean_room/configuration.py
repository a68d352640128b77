"""The address of the coordinator and the credential for calls to it."""

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
    """Return the folder with the person's keys, trust roots and settings, which the `clean-room` command also uses."""
    named = os.environ.get("CLEAN_ROOM_HOME", "")
    if named:
        return Path(named)
    settings = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(settings) if settings else Path.home() / ".config") / "clean-room"


class CleanRoom(Configurable):
    """Settings of the clean room's server extension."""

    coordinator_url = Unicode(
        help="Address of the coordinator: https, or http on this computer. "
        "Default: CLEAN_ROOM_URL, or else `url` in the person's config.json."
    ).tag(config=True)
    allow_plain_http = Bool(
        False, help="Accept an http address of another computer. The credential is then sent without encryption."
    ).tag(config=True)
    token_file = Unicode(
        help="File with the credential. It is read for every call. "
        "Default: CLEAN_ROOM_TOKEN_FILE, or else `tokenFile` in the person's config.json."
    ).tag(config=True)
    command_timeout = Float(600.0, help="Maximum duration of one clean-room command, in seconds.").tag(config=True)

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
        """Return a value from the file that the `clean-room` command also reads, so that both use the same settings."""
        try:
            value = json.loads((person_folder() / "config.json").read_text("utf-8")).get(name, "")
        except (OSError, ValueError, AttributeError):
            return ""
        return value if isinstance(value, str) else ""

    def origin(self) -> str:
        """Return the coordinator's address without a trailing slash.

        Raises Problem if no address is set, or if it is not safe to send a credential to it.
        """
        parts = urlsplit(self.coordinator_url)
        if not parts.hostname:
            raise Problem(
                503,
                "unavailable",
                "This Jupyter server does not know where the clean room is.",
                "Set CLEAN_ROOM_URL or c.CleanRoom.coordinator_url, and restart Jupyter.",
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
                "It is not safe to send a credential to the configured address of the clean room. Nothing was sent.",
                "Use an https address, or set c.CleanRoom.allow_plain_http on a network that you trust.",
            )
        return self.coordinator_url.rstrip("/")

    def credential(self) -> str | None:
        """Return the person's bearer credential, or None if there is none.

        Raises Problem if the file cannot be read, or if its content is not a credential.
        """
        if self.token_file:
            try:
                text = Path(self.token_file).expanduser().read_text("ascii").strip()
            except (OSError, UnicodeDecodeError) as cause:
                raise Problem(
                    503,
                    "unavailable",
                    "The clean room's credential file cannot be read. Nothing was sent.",
                    "Check c.CleanRoom.token_file or CLEAN_ROOM_TOKEN_FILE, and the permissions of the file.",
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
                "Replace it with the credential that you got from the clean room.",
            )
        return text

    @cached_property
    def client(self) -> httpx.AsyncClient:
        """The HTTP client for all calls. Its read timeout is long, because event streams can pause for minutes."""
        loopback = _LOOPBACK.fullmatch(urlsplit(self.coordinator_url).hostname or "")
        return httpx.AsyncClient(
            follow_redirects=False,
            # A proxy that is set in the environment cannot reach this computer's own addresses.
            trust_env=not loopback,
            timeout=httpx.Timeout(connect=10.0, read=300.0, write=60.0, pool=None),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
        )
