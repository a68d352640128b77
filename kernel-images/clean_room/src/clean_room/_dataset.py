"""Opens datasets by name."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from ._description import read_description
from ._errors import DamagedDatasetError, DatasetNameError, UnknownDatasetError
from ._stage import Stage, current_stage, datasets_folder
from ._tables import query, read_arrow, read_pandas

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    import pyarrow as pa

    from ._schema import Schema

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,38}/[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True)
class Dataset:
    """A dataset that has been opened. In a notebook it is displayed as its schema."""

    name: str
    schema: Schema
    description: str
    stage: Stage
    #: The version number that the provider gave this data, if the schema file contains one.
    version: int | None
    #: The kind of stand-in: ``random``, ``synthetic`` or ``public``; ``None`` for the real data.
    stand_in: str | None
    #: The Parquet file with the rows.
    path: Path

    def to_arrow(self) -> pa.Table:
        """Reads the whole dataset as a pyarrow Table."""
        return read_arrow(self.path, self.schema)

    def to_pandas(self) -> pd.DataFrame:
        """Reads the whole dataset as a pandas DataFrame."""
        return read_pandas(self.path, self.schema)

    def sql(self, sql: str) -> pd.DataFrame:
        """Runs a DuckDB SQL query on the dataset and returns the result. The table is called ``data``.

        >>> open_dataset("hospital/visits").sql("select count(*) as n from data")  # doctest: +SKIP
        """
        return query(self.path, self.schema, sql)

    def _origin(self) -> str:
        if self.stage == "execution":
            return "the real data"
        return f"a {self.stand_in} stand-in" if self.stand_in else "a stand-in"

    def __repr__(self) -> str:
        """Returns the name, the origin of the data, and the schema."""
        head = f"{self.name}: {self._origin()}"
        return "\n".join(part for part in (head, self.description, repr(self.schema)) if part)

    def _repr_html_(self) -> str:
        description = f"<p>{escape(self.description)}</p>" if self.description else ""
        head = f"<p><b>{escape(self.name)}</b>: {escape(self._origin())}</p>"
        return head + description + self.schema._repr_html_()


def available_datasets() -> list[str]:
    """Returns the names of the datasets that can be opened now."""
    folder = datasets_folder(current_stage())
    found = (path.parent.relative_to(folder).as_posix() for path in folder.glob("*/*/schema.json"))
    return sorted(name for name in found if _NAME.fullmatch(name))


def _unknown_dataset(name: str, stage: Stage) -> UnknownDatasetError:
    names = available_datasets()
    available = f"Available: {', '.join(names)}." if names else "No dataset is available."
    advice = (
        "Select it when you submit the notebook: a run sees only the datasets of its submission."
        if stage == "execution"
        else (
            "Download its stand-in: open the Clean Room panel of JupyterLab and select the dataset, "
            f"or run this command in a terminal: clean-room stand-ins {name}"
        )
    )
    return UnknownDatasetError(f'There is no dataset "{name}". {available} {advice}')


def _check_digest(path: Path, digest: str, name: str) -> None:
    found = "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()
    if found != digest:
        raise DamagedDatasetError(
            f"The stand-in of {name} is not the file that its provider signed. "
            f"Download it again: clean-room stand-ins {name}"
        )


def open_dataset(name: str) -> Dataset:
    """Opens a dataset by its name, such as ``hospital/visits``.

    While you write the notebook, this is the stand-in of the dataset. Where it runs, it is the real data.

    Raises DatasetNameError if the name is not valid, UnknownDatasetError if the dataset is not available, and
    DamagedDatasetError if its files are not those that the provider signed.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise DatasetNameError(
            f"{name!r} is not the name of a dataset. "
            "A name has two parts in lowercase letters, such as hospital/visits."
        )
    stage = current_stage()
    folder = datasets_folder(stage) / name
    path = folder / "data.parquet"
    if not (folder / "schema.json").is_file() or not path.is_file():
        raise _unknown_dataset(name, stage)
    described = read_description(folder / "schema.json")
    if stage == "programming" and described.stand_in_digest is not None:
        _check_digest(path, described.stand_in_digest, name)
    return Dataset(
        name=name,
        schema=described.schema,
        description=described.description,
        stage=stage,
        version=described.version,
        stand_in=described.stand_in_kind if stage == "programming" else None,
        path=path,
    )
