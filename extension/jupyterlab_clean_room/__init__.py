"""The Jupyter Server extension of the clean room, in the same distribution as its JupyterLab extension."""

from importlib.metadata import version
from typing import Any

from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import url_path_join

from .command import CommandHandler
from .configuration import CleanRoom
from .relay import RelayHandler
from .trust import RevocationsHandler, TrustHandler

__version__ = version("jupyterlab-clean-room")


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "@clean-room/jupyterlab"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    return [{"module": "jupyterlab_clean_room"}]


def _handlers(base_url: str) -> list[tuple[str, type[Any]]]:
    """Return Tornado's rules for the addresses below `base_url/clean-room/`."""
    return [
        (url_path_join(base_url, "clean-room", "api", "(.*)"), RelayHandler),
        (url_path_join(base_url, "clean-room", "command", "([a-z-]+)"), CommandHandler),
        (url_path_join(base_url, "clean-room", "trust"), TrustHandler),
        (url_path_join(base_url, "clean-room", "revocations"), RevocationsHandler),
    ]


def _load_jupyter_server_extension(server_app: ServerApp) -> None:
    configuration = CleanRoom(parent=server_app)
    server_app.web_app.settings["clean_room"] = configuration
    server_app.web_app.add_handlers(".*$", _handlers(server_app.base_url))
    server_app.log.info("Clean room: coordinator at %s", configuration.coordinator_url or "(not configured)")
