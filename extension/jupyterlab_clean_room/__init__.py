"""The Python half of the clean room's JupyterLab extension."""

from importlib.metadata import version
from typing import Any

from jupyter_server.serverapp import ServerApp

from .configuration import CleanRoom
from .handlers import handlers

__version__ = version("jupyterlab-clean-room")


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "@clean-room/jupyterlab"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    return [{"module": "jupyterlab_clean_room"}]


def _load_jupyter_server_extension(server_app: ServerApp) -> None:
    configuration = CleanRoom(parent=server_app)
    server_app.web_app.settings["clean_room"] = configuration
    server_app.web_app.add_handlers(".*$", handlers(server_app.base_url))
    server_app.log.info("Clean room: coordinator at %s", configuration.coordinator_url or "(not configured)")
