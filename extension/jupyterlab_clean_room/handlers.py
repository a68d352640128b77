"""Which addresses this extension answers."""

from typing import Any

from jupyter_server.utils import url_path_join

from .command import CommandHandler
from .relay import RelayHandler
from .trust import TrustHandler


def handlers(base_url: str) -> list[tuple[str, type[Any]]]:
    """Tornado's rules, all below `base_url/clean-room/`."""
    return [
        (url_path_join(base_url, "clean-room", "api", "(.*)"), RelayHandler),
        (url_path_join(base_url, "clean-room", "command", "([a-z-]+)"), CommandHandler),
        (url_path_join(base_url, "clean-room", "trust"), TrustHandler),
    ]
