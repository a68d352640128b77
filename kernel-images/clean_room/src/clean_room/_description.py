"""Reads ``schema.json``, which contains the provider's signed description of a dataset."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ._errors import DamagedDatasetError
from ._schema import Schema, read_column


@dataclass(frozen=True)
class Description:
    """The content of ``schema.json``."""

    schema: Schema
    description: str
    version: int | None
    stand_in_kind: str | None
    stand_in_digest: str | None


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


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
    stand_in = _object(document.get("standIn"))
    return Description(
        schema=Schema(tuple(read_column(column) for column in columns)),
        description=str(document.get("description", "")),
        version=version if isinstance(version, int) else None,
        stand_in_kind=stand_in.get("kind"),
        stand_in_digest=stand_in.get("digest"),
    )
