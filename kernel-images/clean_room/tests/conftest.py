"""Creates datasets as in the two stages, from one schema and different rows."""

import json
from collections.abc import Callable, Sequence
from datetime import date, datetime, timezone
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clean_room import _stage

COLUMNS: list[dict[str, Any]] = [
    {"name": "age", "type": "integer", "nullable": False, "minimum": "0", "maximum": "120"},
    {"name": "visits", "type": "integer", "nullable": True, "role": "sensitive"},
    {"name": "cost", "type": "number", "nullable": True, "description": "In <euro>"},
    {"name": "smoker", "type": "boolean", "nullable": True},
    {"name": "ward", "type": "text", "nullable": True, "categories": ["a", "b"], "role": "identifier"},
    {"name": 'odd "name"', "type": "date", "nullable": True},
    {"name": "seen", "type": "timestamp", "nullable": True, "zoned": True, "unit": "microsecond"},
]
#: The types in the Parquet file.
TYPES = [
    pa.int64(),
    pa.int64(),
    pa.float64(),
    pa.bool_(),
    pa.string(),
    pa.date32(),
    pa.timestamp("us", tz="UTC"),
]
FULL = (1, 2, 3.5, True, "a", date(2026, 1, 2), datetime(2026, 1, 2, 23, 30, tzinfo=timezone.utc))
MISSING = (2, None, None, None, None, None, None)

Make = Callable[..., Path]


@pytest.fixture
def make_dataset() -> Make:
    def make(
        root: Path,
        name: str = "hospital/visits",
        rows: Sequence[tuple[Any, ...]] = (FULL, MISSING),
        **more: object,
    ) -> Path:
        folder = root / name
        folder.mkdir(parents=True)
        fields = [
            pa.field(c["name"], kind, nullable=c["nullable"]) for c, kind in zip(COLUMNS, TYPES, strict=True)
        ]
        columns = [[row[index] for row in rows] for index in range(len(COLUMNS))]
        pq.write_table(pa.table(columns, schema=pa.schema(fields)), folder / "data.parquet")
        digest = "sha256:" + sha256((folder / "data.parquet").read_bytes()).hexdigest()
        document = {
            "format": "clean-room.asset/v1",
            "name": name,
            "version": 3,
            "description": "Visits to a <hospital>",
            "table": {"columns": COLUMNS},
            "standIn": {"kind": "random", "digest": digest, "bytes": 1, "rows": len(rows)},
        }
        (folder / "schema.json").write_text(json.dumps({**document, **more}))
        return folder

    return make


@pytest.fixture
def stand_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provides an empty folder of stand-ins for the programming stage."""
    folder = tmp_path / "stand-ins"
    folder.mkdir()
    monkeypatch.setattr(_stage, "_KERNEL_IMAGE", tmp_path / "absent")
    monkeypatch.setenv("CLEAN_ROOM_STAND_INS", str(folder))
    monkeypatch.delenv("CLEAN_ROOM_PARAMETERS", raising=False)
    return folder


@pytest.fixture
def jail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provides an execution stage: the folders of a kernel image's jail, below a temporary folder."""
    root = tmp_path / "jail"
    for name in ("executor", "data", "clean-room"):
        (root / name).mkdir(parents=True)
    monkeypatch.setattr(_stage, "_KERNEL_IMAGE", root / "executor")
    monkeypatch.setattr(_stage, "_DATA", root / "data")
    monkeypatch.setattr(_stage, "_PARAMETERS", root / "clean-room/parameters.json")
    return root
