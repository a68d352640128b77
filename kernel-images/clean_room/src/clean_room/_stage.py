"""Which stage this is, and where its files are."""

import os
from pathlib import Path
from typing import Literal

Stage = Literal["programming", "execution"]

# Only the jail of a kernel image has this folder.
_KERNEL_IMAGE = Path("/usr/lib/clean-room/executor")
_DATA = Path("/data")
_PARAMETERS = Path("/clean-room/parameters.json")


def current_stage() -> Stage:
    """Tell ``execution``, inside a kernel image, from ``programming``, anywhere else."""
    return "execution" if _KERNEL_IMAGE.is_dir() else "programming"


def datasets_folder(stage: Stage) -> Path:
    """Where the stage keeps ``PARTY/DATASET/{data.parquet,schema.json}``."""
    if stage == "execution":
        return _DATA
    named = os.environ.get("CLEAN_ROOM_STAND_INS")
    return Path(named) if named else Path.home() / ".local/share/clean-room/stand-ins"


def parameters_file(stage: Stage) -> Path | None:
    """Where the stage keeps the parameters, if it has any."""
    if stage == "execution":
        return _PARAMETERS if _PARAMETERS.is_file() else None
    named = os.environ.get("CLEAN_ROOM_PARAMETERS")
    return Path(named) if named else None
