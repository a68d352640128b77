"""The verbs of the `clean-room` command that the browser can call, and the checks of their arguments."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .problem import Problem

_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_ASSET = re.compile(r"[a-z0-9][a-z0-9-]{0,38}/[a-z0-9][a-z0-9_-]{0,62}")
_PARTY = re.compile(r"[a-z0-9][a-z0-9-]{0,38}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Call:
    """One call of the command: its arguments and its standard input."""

    arguments: list[str]
    stdin: bytes = b""
    # A folder to create first.
    creates: Path | None = None


def _submit(body: dict[str, Any], root: Path | None) -> Call:
    """Make a revision from the files on disk. Sign and submit it, unless `dryRun` is set."""
    _refuse_unknown_fields(
        body,
        "notebook",
        "files",
        "datasets",
        "purpose",
        "parameters",
        "compute",
        "party",
        "dryRun",
        "expect",
        "revisionOf",
    )
    top = _workspace_root(root)
    compute = body.get("compute")
    if not isinstance(compute, dict):
        raise Problem(400, "malformed", "“compute” is missing.")
    arguments = [
        "submit",
        str(_workspace_path(body.get("notebook"), top)),
        *(f"--file={_workspace_path(name, top)}" for name in _list(body, "files")),
        *(f"--dataset={name}" for name in _dataset_names(body)),
        f"--purpose={_line(body, 'purpose')}",
        f"--parameters={_line(body, 'parameters')}",
        f"--processors={_count(compute, 'processors')}",
        f"--memory-bytes={_count(compute, 'memoryBytes')}",
        *(["--gpu"] if compute.get("accelerator") == "gpu" else []),
        f"--party={_text(body, 'party', _PARTY)}",
        *([f"--revision-of={_text(body, 'revisionOf', _IDENTIFIER)}"] if "revisionOf" in body else []),
        "--json",
    ]
    if body.get("dryRun") is True:
        return Call([*arguments, "--dry-run"])
    return Call([*arguments, f"--expect-image={_text(body, 'expect', _DIGEST)}"])


def _results(body: dict[str, Any], root: Path | None) -> Call:
    """Open a run's outputs: only to return them, or into a folder in the workspace."""
    _refuse_unknown_fields(body, "run", "party", "to")
    arguments = ["results", _text(body, "run", _IDENTIFIER), f"--party={_text(body, 'party', _PARTY)}", "--json"]
    if "to" not in body:
        return Call(arguments)
    folder = _workspace_path(body["to"], _workspace_root(root))
    return Call([*arguments, f"--to={folder}"], creates=folder)


def _verify(body: dict[str, Any], _: Path | None) -> Call:
    """Verify a receipt that is given as text."""
    _refuse_unknown_fields(body, "receipt")
    receipt = body.get("receipt")
    if not isinstance(receipt, str) or not receipt:
        raise Problem(400, "malformed", "“receipt” is missing.")
    return Call(["verify", "-", "--json"], receipt.encode())


def _stand_ins(body: dict[str, Any], _: Path | None) -> Call:
    """Download signed stand-ins to the local cache that kernels read."""
    _refuse_unknown_fields(body, "datasets", "party")
    return Call(["stand-ins", *_dataset_names(body), f"--party={_text(body, 'party', _PARTY)}", "--json"])


VERBS: dict[str, Callable[[dict[str, Any], Path | None], Call]] = {
    "submit": _submit,
    "results": _results,
    "verify": _verify,
    "stand-ins": _stand_ins,
}


def call_for(verb: str, body: Any, root: Path | None) -> Call:
    """Return the call for a request from the browser. Raises Problem if any part of the request is not valid."""
    build = VERBS.get(verb)
    if build is None:
        raise Problem(404, "not-found", "There is no such command.")
    if not isinstance(body, dict):
        raise Problem(400, "malformed", "The body of the request is not a JSON object.")
    return build(body, root)


def _refuse_unknown_fields(body: dict[str, Any], *names: str) -> None:
    unknown = sorted(set(body) - set(names))
    if unknown:
        raise Problem(400, "malformed", f"“{unknown[0]}” is not a field of this command.")


def _text(body: dict[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise Problem(400, "malformed", f"“{name}” is missing or not valid.")
    return value


def _line(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or "\0" in value or len(value) > 65_536:
        raise Problem(400, "malformed", f"“{name}” is missing or not plain text.")
    return value


def _count(body: dict[str, Any], name: str) -> int:
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 1 << 53:
        raise Problem(400, "malformed", f"“{name}” is missing or not a whole number.")
    return value


def _list(body: dict[str, Any], name: str) -> list[Any]:
    value = body.get(name)
    if not isinstance(value, list) or len(value) > 10_000:
        raise Problem(400, "malformed", f"“{name}” is missing or not a list.")
    return value


def _dataset_names(body: dict[str, Any]) -> list[str]:
    names = _list(body, "datasets")
    if not all(isinstance(name, str) and _ASSET.fullmatch(name) for name in names):
        raise Problem(400, "malformed", "“datasets” is not a list of dataset names.")
    return names


def _workspace_root(root: Path | None) -> Path:
    if root is None:
        raise Problem(
            503,
            "unavailable",
            "This Jupyter server does not keep its files on a local disk, so the command cannot read them.",
        )
    return root.resolve()


def _workspace_path(name: Any, top: Path) -> Path:
    """Return the absolute path of a file or folder in the workspace. Raises Problem if links lead out of it."""
    if not isinstance(name, str) or not name or "\0" in name or len(name) > 4096:
        raise Problem(400, "malformed", "A path is missing or not valid.")
    path = (top / name).resolve()
    if path == top or not path.is_relative_to(top):
        raise Problem(400, "malformed", f"“{name[:200]}” is not in the workspace.")
    return path
