"""Extreme values of each type, written by DuckDB as a provider writes them."""

import json
import math
import random
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Context, Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clean_room import CleanRoomError, DamagedDatasetError, Dataset, open_dataset

UTC = timezone.utc


@dataclass(frozen=True)
class Case:
    """A column with values, and its types. ``required`` is the pandas type if no value can be missing."""

    column: dict[str, Any]
    sql: str
    texts: tuple[str, ...]
    expected: tuple[Any, ...]
    arrow: pa.DataType
    pandas: str
    required: str = ""


def decimals(precision: int, scale: int, *values: str) -> Case:
    return Case(
        {"type": "decimal", "precision": precision, "scale": scale},
        f"DECIMAL({precision}, {scale})",
        tuple(f"'{value}'" for value in values),
        tuple(Decimal(value) for value in values),
        pa.decimal128(precision, scale),
        "object",
    )


def timestamps(kind: str, column: dict[str, Any], arrow: pa.DataType, *values: tuple[str, object]) -> Case:
    texts, expected = zip(*values, strict=True)
    unit = "ns" if column["unit"] == "nanosecond" else "us"
    return Case(
        {"type": "timestamp", **column},
        kind,
        tuple(f"'{text}'" for text in texts),
        expected,
        arrow,
        f"datetime64[{unit}, UTC]" if column["zoned"] else f"datetime64[{unit}]",
    )


MICROSECOND = {"unit": "microsecond"}
CASES = {
    "integer": Case(
        {"type": "integer"},
        "BIGINT",
        ("9223372036854775807", "-9223372036854775808", "9007199254740993", "0"),
        (2**63 - 1, -(2**63), 2**53 + 1, 0),
        pa.int64(),
        "Int64",
        "int64",
    ),
    "decimal of 38 digits": decimals(38, 0, "9" * 38, "-" + "9" * 38, "1"),
    "decimal with 38 decimals": decimals(38, 38, "0." + "9" * 38, "0." + "0" * 37 + "1"),
    "decimal of 4 digits": decimals(4, 2, "12.50", "-0.01", "99.99"),
    "decimal of 18 digits": decimals(18, 9, "123456789.123456789"),
    "number": Case(
        {"type": "number"},
        "DOUBLE",
        ("'-0.0'", "'inf'", "1.7976931348623157e308", "5e-324", "0.1"),
        (-0.0, math.inf, 1.7976931348623157e308, 5e-324, 0.1),
        pa.float64(),
        "float64",
    ),
    "boolean": Case(
        {"type": "boolean"}, "BOOLEAN", ("true", "false"), (True, False), pa.bool_(), "boolean", "bool"
    ),
    "text": Case(
        {"type": "text"},
        "VARCHAR",
        ("'00001'", "''", "'NA'", "'a\nb'", "'Å😀'"),
        ("00001", "", "NA", "a\nb", "Å😀"),
        pa.string(),
        "str",
    ),
    "text with categories": Case(
        {"type": "text", "categories": ["z", "unused", "a"]},
        "VARCHAR",
        ("'a'", "'z'"),
        ("a", "z"),
        pa.dictionary(pa.int32(), pa.string()),
        "category",
    ),
    "date": Case(
        {"type": "date"},
        "DATE",
        ("'0001-01-01'", "'9999-12-31'", "'1969-12-31'"),
        (date(1, 1, 1), date(9999, 12, 31), date(1969, 12, 31)),
        pa.date32(),
        "datetime64[ms]",
    ),
    "time": Case(
        {"type": "time"},
        "TIME",
        ("'00:00:00'", "'23:59:59.999999'", "'12:00:00.5'"),
        (time(0), time(23, 59, 59, 999999), time(12, 0, 0, 500000)),
        pa.time64("us"),
        "object",
    ),
    "zoned timestamp": timestamps(
        "TIMESTAMPTZ",
        {"zoned": True, **MICROSECOND},
        pa.timestamp("us", tz="UTC"),
        ("0001-01-01 00:00:00+00", datetime(1, 1, 1, tzinfo=UTC)),
        ("2020-01-01 01:00:00.000001+01", datetime(2020, 1, 1, 0, 0, 0, 1, tzinfo=UTC)),
        ("9999-12-31 23:59:59.999999+00", datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
    ),
    "naive timestamp": timestamps(
        "TIMESTAMP",
        {"zoned": False, **MICROSECOND},
        pa.timestamp("us"),
        ("0001-01-01 00:00:00", datetime(1, 1, 1)),  # noqa: DTZ001
        ("9999-12-31 23:59:59.999999", datetime(9999, 12, 31, 23, 59, 59, 999999)),  # noqa: DTZ001
    ),
    "uuid": Case(
        {"type": "uuid"},
        "UUID",
        ("'00000000-0000-0000-0000-000000000000'", "'FFFFFFFF-e29b-41d4-a716-446655440000'"),
        (UUID(int=0), UUID("ffffffff-e29b-41d4-a716-446655440000")),
        pa.uuid(),
        "str",
    ),
}
NANOSECONDS = Case(
    {"type": "timestamp", "zoned": False, "unit": "nanosecond"},
    "TIMESTAMP_NS",
    ("'1677-09-22 00:00:00.123456789'", "'2262-04-11 23:47:16.854775806'"),
    (),
    pa.timestamp("ns"),
    "datetime64[ns]",
)
ALL = {**CASES, "nanoseconds": NANOSECONDS}


def write(folder: Path, case: Case, values: tuple[str, ...], *, nullable: bool = True) -> Dataset:
    path = folder / "hospital/visits"
    path.mkdir(parents=True, exist_ok=True)
    column = {"name": "c", "nullable": nullable, **case.column}
    (path / "schema.json").write_text(json.dumps({"table": {"columns": [column]}}))
    rows = " union all ".join(
        f"select {index} i, ({value})::{case.sql} c" for index, value in enumerate(values)
    )
    empty = f"select 0 i, null::{case.sql} c where false"
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(f"create table t as {rows or empty}")
        file = path / "data.parquet"
        options = "format parquet, compression zstd, parquet_version v1"
        connection.execute(f"copy (select c from t order by i) to '{file}' ({options})")  # noqa: S608
    return open_dataset("hospital/visits")


def written(case: Case, value: Any) -> str:  # noqa: ANN401
    """Returns a value as pandas writes it. Days and points in time are one type in pandas."""
    return value.isoformat() if case.column["type"] in ("date", "timestamp") else str(value)


@pytest.mark.parametrize("name", CASES)
def test_values_are_kept_to_the_last_unit(stand_ins: Path, name: str) -> None:
    case = CASES[name]
    dataset = write(stand_ins, case, (*case.texts, "null"))
    arrow = dataset.to_arrow().column("c").to_pylist()
    assert arrow == [*case.expected, None]
    assert [str(value) for value in arrow[:-1]] == [str(value) for value in case.expected]
    for series in (dataset.to_pandas()["c"], dataset.sql("select c from data")["c"]):
        assert series.isna().tolist() == [*(False for _ in case.expected), True]
        for value, expected in zip(series[:-1], case.expected, strict=True):
            assert written(case, value).startswith(written(case, expected))


def test_nanoseconds_are_kept(stand_ins: Path) -> None:
    dataset = write(stand_ins, NANOSECONDS, NANOSECONDS.texts)
    expected = ["1677-09-22 00:00:00.123456789", "2262-04-11 23:47:16.854775806"]
    assert dataset.to_arrow().column("c").cast(pa.string()).to_pylist() == expected
    for frame in (dataset.to_pandas(), dataset.sql("select * from data")):
        assert [str(value) for value in frame["c"]] == expected


def test_the_sign_of_zero_is_kept(stand_ins: Path) -> None:
    frame = write(stand_ins, CASES["number"], ("'-0.0'",)).to_pandas()
    assert math.copysign(1, frame["c"][0]) == -1


@pytest.mark.parametrize("name", ALL)
def test_types_do_not_depend_on_the_values(stand_ins: Path, name: str) -> None:
    case = ALL[name]
    for values in (case.texts, (*case.texts, "null"), ("null",), ()):
        dataset = write(stand_ins, case, values)
        assert dataset.to_arrow().schema.types == [case.arrow]
        assert str(dataset.to_pandas()["c"].dtype) == case.pandas
        result = "str" if name == "text with categories" else case.pandas
        assert str(dataset.sql("select c from data")["c"].dtype) == result
    for values in (case.texts, ()):
        frame = write(stand_ins, case, values, nullable=False).to_pandas()
        assert str(frame["c"].dtype) == (case.required or case.pandas)


def test_categories_are_those_of_the_schema_in_its_order(stand_ins: Path) -> None:
    case = CASES["text with categories"]
    for values in (case.texts, ("null",), ()):
        dataset = write(stand_ins, case, values)
        assert dataset.to_pandas()["c"].cat.categories.tolist() == ["z", "unused", "a"]
        assert dataset.to_arrow().column("c").chunk(0).dictionary.to_pylist() == ["z", "unused", "a"]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("other", ALL)
def test_a_file_with_another_type_is_refused(stand_ins: Path, name: str, other: str) -> None:
    case = ALL[name]
    stored = Case(case.column, ALL[other].sql, (), (), case.arrow, case.pandas)
    dataset = write(stand_ins, stored, ("null",))
    if case.sql == stored.sql:
        dataset.to_pandas()
        return
    for read in (dataset.to_arrow, dataset.to_pandas, lambda: dataset.sql("select c from data")):
        with pytest.raises(DamagedDatasetError, match='the column "c" has the type'):
            read()


def test_a_value_that_is_not_a_category_is_refused(stand_ins: Path) -> None:
    with pytest.raises(DamagedDatasetError, match="not one of its categories"):
        write(stand_ins, CASES["text with categories"], ("'b'", "null")).to_pandas()


def test_a_missing_value_in_a_required_column_is_refused(stand_ins: Path) -> None:
    with pytest.raises(DamagedDatasetError, match="missing values"):
        write(stand_ins, CASES["integer"], ("null",), nullable=False).to_pandas()


@pytest.mark.parametrize("kind", [pa.large_string(), pa.dictionary(pa.int8(), pa.string())])
def test_text_may_be_stored_in_other_ways(stand_ins: Path, kind: pa.DataType) -> None:
    dataset = write(stand_ins, CASES["text"], ())
    pq.write_table(pa.table({"c": pa.array(["a", None]).cast(kind)}), dataset.path)
    assert dataset.to_arrow().schema.types == [pa.string()]
    assert dataset.to_arrow().column("c").to_pylist() == ["a", None]


def test_the_sum_of_integers_is_an_integer(stand_ins: Path) -> None:
    dataset = write(stand_ins, CASES["integer"], ("9007199254740993", "1"))
    frame = dataset.sql("select sum(c) as s from data")
    assert (frame["s"].tolist(), str(frame["s"].dtype)) == ([9007199254740994], "Int64")
    with pytest.raises(CleanRoomError, match="more than 64 bits"):
        write(stand_ins, CASES["integer"], ("9223372036854775807", "1")).sql("select sum(c) as s from data")


def test_sums_of_decimals_are_exact(stand_ins: Path) -> None:
    dataset = write(stand_ins, CASES["decimal of 4 digits"], ("0.10", "0.20", "null"))
    assert dataset.to_pandas()["c"].sum() == Decimal("0.30")
    assert dataset.sql("select sum(c) as s from data")["s"].tolist() == [Decimal("0.30")]


def test_results_may_have_two_columns_of_one_name_or_none(stand_ins: Path) -> None:
    dataset = write(stand_ins, CASES["integer"], ("1",))
    assert dataset.sql("select c, c from data").columns.tolist() == ["c", "c"]
    assert dataset.sql("create table other (a int)").empty


def random_value(kind: str, numbers: random.Random) -> Any:  # noqa: ANN401
    days = numbers.randint(-700_000, 2_900_000)
    micros = numbers.randint(0, 86_400_000_000 - 1)
    digits = numbers.choice([9, 18, 30, 38])
    return {
        "integer": numbers.randint(-(2**63), 2**63 - 1),
        "decimal": Decimal(numbers.randint(-(10**digits) + 1, 10**digits - 1)).scaleb(-10, EXACT),
        "number": numbers.uniform(-1, 1) * 10.0 ** numbers.randint(-300, 300),
        "text": "".join(chr(numbers.choice([34, 39, 44, 10, 0x41, 0xE5, 0x1F600])) for _ in range(5)),
        "date": date(1970, 1, 1) + timedelta(days=days),
        "time": (datetime(1, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)).time(),
        "timestamp": datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=days, microseconds=micros),
        "uuid": UUID(int=numbers.getrandbits(128)),
    }[kind]


EXACT = Context(prec=38)
RANDOM = {
    "integer": ({}, pa.int64()),
    "decimal": ({"precision": 38, "scale": 10}, pa.decimal128(38, 10)),
    "number": ({}, pa.float64()),
    "text": ({}, pa.string()),
    "date": ({}, pa.date32()),
    "time": ({}, pa.time64("us")),
    "timestamp": ({"zoned": True, **MICROSECOND}, pa.timestamp("us", tz="UTC")),
    "uuid": ({}, pa.uuid()),
}


@pytest.mark.parametrize("kind", RANDOM)
def test_random_values_are_the_same_from_every_writer(stand_ins: Path, kind: str) -> None:
    numbers = random.Random(kind)  # noqa: S311
    values = [random_value(kind, numbers) if numbers.random() < 0.9 else None for _ in range(2000)]
    more, arrow = RANDOM[kind]
    path = stand_ins / "hospital/visits"
    path.mkdir(parents=True)
    column = {"name": "c", "type": kind, "nullable": True, **more}
    (path / "schema.json").write_text(json.dumps({"table": {"columns": [column]}}))
    source = pa.table({"c": pa.array(values, arrow)})
    file = path / "data.parquet"
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.register("source", source)
        connection.execute(f"copy source to '{file}' (format parquet, compression zstd, parquet_version v1)")
    dataset = open_dataset("hospital/visits")
    by_duckdb, frame = dataset.to_arrow(), dataset.to_pandas()
    pd.testing.assert_frame_equal(frame, dataset.sql("select c from data"))
    pq.write_table(source, file)
    by_pyarrow = dataset.to_arrow()
    assert by_duckdb.column("c").to_pylist() == values
    assert by_duckdb.equals(by_pyarrow)
    pd.testing.assert_frame_equal(frame, dataset.to_pandas())
