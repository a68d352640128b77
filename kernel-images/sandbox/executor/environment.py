"""Prepares the interpreter before the workspace joins its search path: the font list, and the `clean_room` package."""

import importlib.abc
import os
import shutil
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

OWN_PACKAGE = "clean_room"
# Made when the image was built. Without it, the first figure of a notebook would wait until matplotlib has made one.
FONT_LIST_FOLDER = Path("/usr/share/clean-room/matplotlib")


def install_font_list() -> None:
    """Copies the font list to the folder in which matplotlib looks for it. Images without matplotlib have none."""
    if FONT_LIST_FOLDER.is_dir():
        shutil.copytree(FONT_LIST_FOLDER, os.environ["MPLCONFIGDIR"], dirs_exist_ok=True)


class OwnPackageFinder(importlib.abc.MetaPathFinder):
    """Finds `clean_room` in the image, so that a workspace file of the same name cannot replace it.

    It remembers the search path at its creation, so it must be created before the workspace is added to that path.
    """

    def __init__(self) -> None:
        self._path = list(sys.path)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Returns the module in the image for `clean_room`, and None for all other names."""
        return PathFinder.find_spec(name, self._path, target) if name == OWN_PACKAGE else None
