"""Gives every column type of a schema one type in Arrow and pandas, and checks files against a schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._errors import DamagedDatasetError
from ._library import library

if TYPE_CHECKING:
    import uuid
    from pathlib import Path

    import pandas as pd
    import pyarrow as pa

    from ._schema import Column, Schema


def stored_type(column: Column) -> pa.DataType:
    """Returns the Arrow type of a column in the Parquet file."""
    pyarrow = library("pyarrow", "Reading a dataset")
    match column.type:
        case "decimal":
            return pyarrow.decimal128(column.precision, column.scale)
        case "timestamp":
            unit = "ns" if column.unit == "nanosecond" else "us"
            return pyarrow.timestamp(unit, tz="UTC" if column.zoned else None)
        case "time":
            return pyarrow.time64("us")
        case "uuid":
            return pyarrow.uuid()
    types = {
        "integer": pyarrow.int64(),
        "number": pyarrow.float64(),
        "boolean": pyarrow.bool_(),
        "text": pyarrow.string(),
        "date": pyarrow.date32(),
    }
    return types[column.type]


def arrow_type(column: Column) -> pa.DataType:
    """Returns the Arrow type of a column for notebooks. Text with categories is a dictionary."""
    pyarrow = library("pyarrow", "Reading a dataset")
    stored = stored_type(column)
    return pyarrow.dictionary(pyarrow.int32(), stored) if _is_categorical(column) else stored


def _is_categorical(column: Column) -> bool:
    return column.type == "text" and bool(column.categories)


def _same_type(found: pa.DataType, expected: pa.DataType) -> bool:
    types = library("pyarrow.types", "Reading a dataset")
    if types.is_dictionary(found):
        found = found.value_type
    if types.is_string(expected):
        return types.is_string(found) or types.is_large_string(found)
    return bool(found == expected)


def _damaged(path: Path, reason: str) -> DamagedDatasetError:
    return DamagedDatasetError(f"{path} does not contain the table that its schema describes: {reason}")


def check_file(path: Path, schema: Schema) -> None:
    """Checks that the file has exactly the columns of the schema, with their types.

    Raises DamagedDatasetError that names the first column that differs.
    """
    pyarrow = library("pyarrow", "Reading a dataset")
    parquet = library("pyarrow.parquet", "Reading a dataset")
    try:
        found = parquet.read_schema(path)
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        raise _damaged(path, str(error)) from error
    if found.names != list(schema.names):
        raise _damaged(path, f"its columns are {', '.join(found.names)}.")
    for field, column in zip(found, schema, strict=True):
        if not _same_type(field.type, stored_type(column)):
            raise _damaged(path, f'the column "{column.name}" has the type {field.type}, not {column.kind}.')


def typed_array(values: pa.ChunkedArray, column: Column, path: Path) -> pa.Array:
    """Returns the values of a column with its Arrow type.

    Raises DamagedDatasetError if a value is missing or is not a category, against the schema.
    """
    pyarrow = library("pyarrow", "Reading a dataset")
    compute = library("pyarrow.compute", "Reading a dataset")
    if values.null_count > 0 and not column.nullable:
        raise _damaged(path, f'the column "{column.name}" has missing values.')
    stored = stored_type(column)
    array = pyarrow.concat_arrays(values.cast(stored).chunks or [pyarrow.array([], stored)])
    if not _is_categorical(column):
        return array
    categories = pyarrow.array(column.categories, stored)
    codes = compute.index_in(array, value_set=categories)
    if codes.null_count > array.null_count:
        raise _damaged(path, f'the column "{column.name}" has a value that is not one of its categories.')
    return pyarrow.DictionaryArray.from_arrays(codes, categories)


def to_series(values: pa.ChunkedArray | pa.Array, *, nullable: bool) -> pd.Series:
    """Converts Arrow values to a pandas Series, with a dtype for each Arrow type, nullable or not."""
    pandas = library("pandas", "to_pandas()")
    pyarrow = library("pyarrow", "to_pandas()")
    if isinstance(values.type, pyarrow.UuidType):
        values = pyarrow.array([_text(value) for value in values.to_pylist()], pyarrow.string())
    mapped: dict[Any, Any] = {pyarrow.bool_(): pandas.BooleanDtype()}
    for size in (8, 16, 32, 64):
        mapped[getattr(pyarrow, f"int{size}")()] = getattr(pandas, f"Int{size}Dtype")()
        mapped[getattr(pyarrow, f"uint{size}")()] = getattr(pandas, f"UInt{size}Dtype")()
    series = values.to_pandas(types_mapper=mapped.get if nullable else None, date_as_object=False)
    # Without rows, pyarrow does not give the type that pandas gives to other text.
    return series.astype(pandas.Series(["text"]).dtype) if values.type == pyarrow.string() else series


def _text(value: uuid.UUID | None) -> str | None:
    return None if value is None else str(value)
