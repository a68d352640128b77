"""Finds out in which stage the notebook runs, and where the files of that stage are."""

import os
from pathlib import Path
from typing import Literal

#: ``programming`` while a notebook is written, ``execution`` where a submitted notebook runs.
Stage = Literal["programming", "execution"]

# This folder exists only in the jail of a kernel image.
_KERNEL_IMAGE = Path("/usr/lib/clean-room/executor")
_DATA = Path("/data")
_PARAMETERS = Path("/clean-room/parameters.json")


def current_stage() -> Stage:
    """Returns ``execution`` inside a kernel image and ``programming`` everywhere else."""
    return "execution" if _KERNEL_IMAGE.is_dir() else "programming"


def datasets_folder(stage: Stage) -> Path:
    """Returns the folder with the files ``PARTY/DATASET/{data.parquet,schema.json}``."""
    if stage == "execution":
        return _DATA
    configured = os.environ.get("CLEAN_ROOM_STAND_INS")
    return Path(configured) if configured else Path.home() / ".local/share/clean-room/stand-ins"


def parameters_file(stage: Stage) -> Path | None:
    """Returns the file with the parameters, or None if there are none."""
    if stage == "execution":
        return _PARAMETERS if _PARAMETERS.is_file() else None
    configured = os.environ.get("CLEAN_ROOM_PARAMETERS")
    return Path(configured) if configured else None
