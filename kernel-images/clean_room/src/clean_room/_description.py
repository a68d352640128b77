"""Reads ``schema.json``, which contains the provider's signed description of a dataset."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ._errors import DamagedDatasetError
from ._schema import Schema, read_column
from ._stand_in import StandIn, read_stand_in


@dataclass(frozen=True)
class Rows:
    """The approximate number of rows of the real data."""

    about: int
    #: ``declared`` if the provider made the number public, ``noisy`` if it was measured with noise.
    source: str

    def __str__(self) -> str:
        """Returns the number of rows in words."""
        return f"about {self.about:,} rows ({self.source})"


@dataclass(frozen=True)
class Description:
    """The content of ``schema.json``."""

    schema: Schema
    description: str
    version: int | None
    rows: Rows | None
    stand_in: StandIn


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _read_rows(value: object) -> Rows | None:
    rows = _object(value)
    about = rows.get("about")
    return Rows(about, str(rows.get("source", "declared"))) if isinstance(about, int) else None


def read_description(path: Path) -> Description:
    """Reads the file. Ignores unknown fields, so that later versions can add some.

    Raises DamagedDatasetError if the file cannot be read or lists no columns.
    """
    try:
        document = _object(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise DamagedDatasetError(f"{path} cannot be read: {error}.") from error
    columns = _object(document.get("table", document)).get("columns")
    if not isinstance(columns, list) or not columns:
        raise DamagedDatasetError(f"{path} lists no columns.")
    version = document.get("version")
    return Description(
        schema=Schema(tuple(read_column(column) for column in columns)),
        description=str(document.get("description", "")),
        version=version if isinstance(version, int) else None,
        rows=_read_rows(document.get("rows")),
        stand_in=read_stand_in(_object(document.get("standIn"))),
    )
