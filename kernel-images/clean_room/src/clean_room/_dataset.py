"""Opens datasets by name."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from ._description import read_description
from ._errors import DamagedDatasetError, DatasetNameError, UnknownDatasetError
from ._library import library
from ._stage import Stage, current_stage, datasets_folder
from ._stand_in import Privacy, StandIn
from ._tables import query, read_arrow, read_pandas
from ._versions import warn_if_outdated

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    import pyarrow as pa

    from ._description import Rows
    from ._schema import Schema

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,38}/[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True)
class Dataset:
    """A dataset that has been opened. In a notebook it is displayed as what it is, and its schema."""

    name: str
    schema: Schema
    description: str
    stage: Stage
    #: The version number that the provider gave this data, if the schema file contains one.
    version: int | None
    #: The approximate number of rows of the real data, if the provider states it.
    rows: Rows | None
    #: The kind of stand-in: ``random``, ``synthetic`` or ``public``; ``None`` for the real data.
    stand_in: str | None
    #: The differential privacy of a synthetic stand-in.
    privacy: Privacy | None
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

    def describe(self) -> pd.DataFrame:
        """Returns the columns as the provider declares them, as a table. Does not read the rows."""
        pandas = library("pandas", "describe()")
        table = {
            "type": [column.kind for column in self.schema],
            "nullable": [column.nullable for column in self.schema],
            "role": [column.role or "" for column in self.schema],
            "minimum": [column.minimum or "" for column in self.schema],
            "maximum": [column.maximum or "" for column in self.schema],
            "categories": [", ".join(column.categories) for column in self.schema],
            "format": [column.format or "" for column in self.schema],
            "description": [column.description for column in self.schema],
        }
        return pandas.DataFrame(table, index=pandas.Index(self.schema.names, name="column"))

    def _sentences(self) -> list[str]:
        version = "" if self.version is None else f" v{self.version}"
        if self.stage == "execution":
            origin = "the real data"
        else:
            origin = f"a {self.stand_in} stand-in" if self.stand_in else "a stand-in"
        facts = [] if self.rows is None else [f"The real data has {self.rows}."]
        if self.stage == "programming":
            facts += StandIn(self.stand_in, None, self.privacy).sentences()
        return [f"{self.name}{version}: {origin}", *([self.description] if self.description else []), *facts]

    def __repr__(self) -> str:
        """Returns the name, what the data is, and the schema."""
        return "\n".join([*self._sentences(), repr(self.schema)])

    def _repr_html_(self) -> str:
        head, *facts = self._sentences()
        name, origin = head.split(": ", 1)
        lines = "".join(f"<p>{escape(fact)}</p>" for fact in facts)
        return f"<p><b>{escape(name)}</b>: {escape(origin)}</p>{lines}{self.schema._repr_html_()}"


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

    Warns with OutdatedStandInWarning if a newer version than that of the stand-in is known here.

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
    stand_in = described.stand_in if stage == "programming" else StandIn(None, None, None)
    if stand_in.digest is not None:
        _check_digest(path, stand_in.digest, name)
    if stage == "programming":
        warn_if_outdated(datasets_folder(stage), name, described.version)
    return Dataset(
        name=name,
        schema=described.schema,
        description=described.description,
        stage=stage,
        version=described.version,
        rows=described.rows,
        stand_in=stand_in.kind,
        privacy=stand_in.privacy,
        path=path,
    )
