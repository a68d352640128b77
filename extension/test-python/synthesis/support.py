"""Runs the process as its caller does."""

import csv
import io
import json
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

#: Tables of other projects, which are not copied into this one. Tests that need them are skipped without them.
SHARED = Path(__file__).resolve().parents[4] / "shared/data"


def column(name: str, type_: str, nullable: bool = False, **declared: Any) -> dict[str, Any]:
    return {"name": name, "type": type_, "nullable": nullable, **declared}


@dataclass(frozen=True)
class Outcome:
    """What the process returned: exit code, answer, the file it wrote, and everything it printed."""

    exit_code: int
    answer: dict[str, Any]
    text: str
    printed: bytes

    @property
    def rows(self) -> list[dict[str, str]]:
        """The rows without the empty field at the end of each record."""
        names, *rows = csv.reader(io.StringIO(self.text))
        return [dict(zip(names[:-1], row[:-1], strict=True)) for row in rows]

    def values(self, name: str) -> list[str]:
        return [row[name] for row in self.rows]


def synthesize(tmp_path: Path, table: bytes, columns: list[dict[str, Any]], **request: Any) -> Outcome:
    """Runs the process on a table. Columns are entries of the request, or plain declarations."""
    path = tmp_path / "stand-in.csv"
    path.unlink(missing_ok=True)
    document = {
        "columns": [entry if "column" in entry else {"column": entry} for entry in columns],
        "unit": {"kind": "row"},
        "epsilon": "50",
        "delta": "0.000001",
        "rows": {"source": "declared", "count": max(1, table.count(b"\n") - 1)},
        "output": {"path": str(path)},
        "raking": "off",
        **request,
    }
    outcome = run([], document, table)
    return replace(outcome, text=path.read_text() if path.exists() else "")


def run(arguments: list[str], document: dict[str, Any], table: bytes = b"") -> Outcome:
    """Runs the process with a request."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "clean_room_synthesis", *arguments],
        input=json.dumps(document).encode() + b"\n" + table,
        capture_output=True,
        cwd=Path(__file__).parents[2],
        timeout=120,
    )
    return Outcome(done.returncode, json.loads(done.stdout), "", done.stdout + done.stderr)
