"""Imports the libraries that only some methods need."""

import importlib
from typing import Any

from ._errors import MissingLibraryError


def library(name: str, purpose: str) -> Any:  # noqa: ANN401 (a module that may be absent)
    """Returns an imported module. Raises MissingLibraryError, which says what to install, if it is absent."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        package = name.split(".", maxsplit=1)[0]
        raise MissingLibraryError(
            f'{purpose} needs {package}, which is not installed here. Run: pip install "clean-room[data]"'
        ) from error
