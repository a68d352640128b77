"""Warns when a cached stand-in is older than the newest version that is known here."""

import json
import warnings
from pathlib import Path

from ._errors import OutdatedStandInWarning

#: A file in the folder of stand-ins that ``clean-room stand-ins`` writes: the newest version by dataset.
NEWEST_VERSIONS = "newest-versions.json"


def _newest_version(folder: Path, name: str) -> int | None:
    try:
        newest = json.loads((folder / NEWEST_VERSIONS).read_text(encoding="utf-8"))[name]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return newest if isinstance(newest, int) else None


def warn_if_outdated(folder: Path, name: str, version: int | None) -> None:
    """Warns with OutdatedStandInWarning, at the line that called ``open_dataset``."""
    newest = _newest_version(folder, name)
    if version is None or newest is None or version >= newest:
        return
    warnings.warn(
        f"This is the stand-in of version {version} of {name}, but version {newest} is available. "
        f"A run uses the version that you select when you submit. Download it: clean-room stand-ins {name}",
        OutdatedStandInWarning,
        stacklevel=3,
    )
