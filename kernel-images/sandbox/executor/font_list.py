"""Matplotlib's list of fonts, made when the image was built: without it a notebook's first figure waits for one."""

import os
import shutil
from pathlib import Path

MADE = Path("/usr/share/clean-room/matplotlib")


def place() -> None:
    """Puts it where matplotlib looks for it. An image without matplotlib has none."""
    if MADE.is_dir():
        shutil.copytree(MADE, os.environ["MPLCONFIGDIR"], dirs_exist_ok=True)
