"""Keeps the name of our own package ours: a file of the workspace with that name would be found first."""

import importlib.abc
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

PACKAGE = "clean_room"


class OwnPackageFinder(importlib.abc.MetaPathFinder):
    """To be made before the workspace joins the search path."""

    def __init__(self) -> None:
        self._path = list(sys.path)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return PathFinder.find_spec(name, self._path, target) if name == PACKAGE else None
