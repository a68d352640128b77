"""Reads the Parquet file of a dataset, with column types that depend only on the schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._errors import CleanRoomError, DamagedDatasetError
from ._library import library
from ._types import arrow_type, check_file, to_series, typed_array

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    import pyarrow as pa

    from ._schema import Schema


def read_arrow(path: Path, schema: Schema) -> pa.Table:
    """Reads the columns of the schema, with the types of the schema.

    Raises DamagedDatasetError if the file does not have exactly these columns, types and categories.
    """
    pyarrow = library("pyarrow", "Reading a dataset")
    parquet = library("pyarrow.parquet", "Reading a dataset")
    check_file(path, schema)
    target = pyarrow.schema(
        [pyarrow.field(column.name, arrow_type(column), nullable=column.nullable) for column in schema]
    )
    try:
        with parquet.ParquetFile(path) as file:
            stored = file.read()
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        raise DamagedDatasetError(f"{path} cannot be read: {error}") from error
    columns = [
        typed_array(values, column, path) for values, column in zip(stored.columns, schema, strict=True)
    ]
    return pyarrow.Table.from_arrays(columns, schema=target)


def read_pandas(path: Path, schema: Schema) -> pd.DataFrame:
    """Reads a data frame whose dtypes are the same with and without missing values."""
    pandas = library("pandas", "to_pandas()")
    table = read_arrow(path, schema)
    return pandas.DataFrame(
        {column.name: to_series(table.column(column.name), nullable=column.nullable) for column in schema}
    )


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def query(path: Path, schema: Schema, sql: str) -> pd.DataFrame:
    """Runs SQL on the table ``data`` in memory and returns the result. The time zone is UTC.

    Results that DuckDB computes as 128-bit integers, such as sums of integers, become 64-bit integers.

    Raises DamagedDatasetError if the file does not have the columns and types of the schema, and
    CleanRoomError if a result does not fit into 64 bits.
    """
    duckdb = library("duckdb", "sql()")
    pandas = library("pandas", "sql()")
    check_file(path, schema)
    columns = ", ".join(_identifier(column.name) for column in schema)
    # The view names columns by position, because DuckDB renames columns whose names differ only in case.
    source = f"select * from read_parquet({_text(str(path))}, hive_partitioning = false)"  # noqa: S608
    with duckdb.connect(":memory:") as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(f"create view data({columns}) as {source}")
        result = connection.sql(sql)
        if result is None:
            return pandas.DataFrame()
        names = result.columns
        wide = [str(kind) in ("HUGEINT", "UHUGEINT") for kind in result.types]
        table = result.to_arrow_table()
    series = [
        to_series(_narrow(values, name) if is_wide else values, nullable=True)
        for name, is_wide, values in zip(names, wide, table.columns, strict=True)
    ]
    frame = pandas.concat(series, axis=1)
    frame.columns = names
    return frame


def _narrow(values: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    pyarrow = library("pyarrow", "sql()")
    try:
        return values.cast(pyarrow.int64())
    except pyarrow.ArrowInvalid as error:
        raise CleanRoomError(
            f'The result "{name}" has an integer of more than 64 bits. '
            "Cast it to DECIMAL(38, 0), VARCHAR or DOUBLE in the query."
        ) from error
