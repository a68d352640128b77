"""Reads the Parquet file of a dataset, with column types that depend only on the schema."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ._errors import DamagedDatasetError, MissingLibraryError

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    import pyarrow as pa

    from ._schema import Column, Schema

# Timestamps are converted through microseconds, because other casts would use the time zone of this machine.
_SQL_CASTS = {
    "integer": "cast({0} as BIGINT)",
    "number": "cast({0} as DOUBLE)",
    "boolean": "cast({0} as BOOLEAN)",
    "text": "cast({0} as VARCHAR)",
    "date": "cast({0} as DATE)",
    "timestamp": "make_timestamp(epoch_us({0}))",
}


def _library(name: str, purpose: str) -> Any:  # noqa: ANN401 (a module that may be absent)
    try:
        return importlib.import_module(name)
    except ImportError as error:
        package = name.split(".", maxsplit=1)[0]
        raise MissingLibraryError(
            f'{purpose} needs {package}, which is not installed here. Run: pip install "clean-room[data]"'
        ) from error


def _arrow_type(column: Column) -> pa.DataType:
    pyarrow = _library("pyarrow", "Reading a dataset")
    types = {
        "integer": pyarrow.int64(),
        "number": pyarrow.float64(),
        "boolean": pyarrow.bool_(),
        "text": pyarrow.string(),
        "date": pyarrow.date32(),
        "timestamp": pyarrow.timestamp("us", tz="UTC"),
    }
    return types[column.type]


def read_arrow(path: Path, schema: Schema) -> pa.Table:
    """Reads the columns of the schema, with the types of the schema.

    Raises DamagedDatasetError if the file does not have these columns.
    """
    pyarrow = _library("pyarrow", "Reading a dataset")
    parquet = _library("pyarrow.parquet", "Reading a dataset")
    target = pyarrow.schema(
        [pyarrow.field(column.name, _arrow_type(column), nullable=column.nullable) for column in schema]
    )
    try:
        with parquet.ParquetFile(path) as file:
            return file.read(columns=list(schema.names)).select(list(schema.names)).cast(target)
    except (OSError, KeyError, ValueError, pyarrow.ArrowException) as error:
        raise DamagedDatasetError(
            f"{path} does not contain the table that its schema describes: {error}"
        ) from error


def read_pandas(path: Path, schema: Schema) -> pd.DataFrame:
    """Reads a data frame whose dtypes are the same with and without missing values."""
    pandas = _library("pandas", "to_pandas()")
    pyarrow = _library("pyarrow", "to_pandas()")
    nullable = {pyarrow.int64(): pandas.Int64Dtype(), pyarrow.bool_(): pandas.BooleanDtype()}
    table = read_arrow(path, schema)
    series = {
        column.name: table.column(column.name).to_pandas(
            types_mapper=nullable.get if column.nullable else None, date_as_object=False
        )
        for column in schema
    }
    return pandas.DataFrame(series)


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def query(path: Path, schema: Schema, sql: str) -> pd.DataFrame:
    """Runs SQL on the table ``data`` in memory and returns the result. Timestamps are in UTC."""
    duckdb = _library("duckdb", "sql()")
    _library("pandas", "sql()")
    columns = ", ".join(
        f"{_SQL_CASTS[column.type].format(name)} as {name}"
        for column in schema
        for name in [_identifier(column.name)]
    )
    file = "'" + str(path).replace("'", "''") + "'"
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"create view data as select {columns} from read_parquet({file})")  # noqa: S608
        return connection.execute(sql).df()
