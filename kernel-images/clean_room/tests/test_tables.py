import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clean_room import DamagedDatasetError, Dataset, MissingLibraryError, open_dataset

from .conftest import FULL, MISSING, TYPES, Make

ROWS = {
    "no missing values": [FULL, FULL],
    "some missing values": [FULL, MISSING],
    "only missing values": [MISSING],
    "no rows": [],
}


@pytest.fixture(params=list(ROWS))
def dataset(request: pytest.FixtureRequest, stand_ins: Path, make_dataset: Make) -> Dataset:
    make_dataset(stand_ins, rows=ROWS[request.param])
    return open_dataset("hospital/visits")


def test_pandas_types_do_not_depend_on_the_rows(dataset: Dataset) -> None:
    frame = dataset.to_pandas()
    assert [str(kind) for kind in frame.dtypes[:4]] == ["int64", "Int64", "float64", "boolean"]
    assert [str(kind) for kind in frame.dtypes[5:]] == ["datetime64[ms]", "datetime64[us, UTC]"]
    assert frame["ward"].cat.categories.tolist() == ["a", "b"]


def test_arrow_types_do_not_depend_on_the_rows(dataset: Dataset) -> None:
    table = dataset.to_arrow()
    ward = pa.dictionary(pa.int32(), pa.string())
    assert table.schema.types == [*TYPES[:4], ward, *TYPES[5:]]
    assert table.column("ward").combine_chunks().dictionary.to_pylist() == ["a", "b"]
    assert [field.nullable for field in table.schema] == [column.nullable for column in dataset.schema]


def test_arrow_keeps_the_values(stand_ins: Path, make_dataset: Make) -> None:
    make_dataset(stand_ins)
    rows = open_dataset("hospital/visits").to_arrow().to_pylist()
    assert [tuple(row.values()) for row in rows] == [FULL, MISSING]


def test_sql_queries_the_table_data(stand_ins: Path, make_dataset: Make) -> None:
    make_dataset(stand_ins)
    frame = open_dataset("hospital/visits").sql(
        'select count(*) as n, sum(visits) as v, max("odd ""name""") as d, '
        "max(extract(hour from seen)) as h from data"
    )
    assert frame.columns.tolist() == ["n", "v", "d", "h"]
    assert frame["n"].tolist() == [2]
    assert frame["h"].tolist() == [23]


def test_sql_timestamps_are_in_utc_in_every_time_zone(
    stand_ins: Path, make_dataset: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    make_dataset(stand_ins)
    frame = open_dataset("hospital/visits").sql(
        "select cast(seen as date) as day, seen from data where visits = 2"
    )
    assert str(frame["day"][0])[:10] == "2026-01-02"
    assert "23:30" in str(frame["seen"][0])


def test_sql_accepts_a_path_with_a_quote(
    tmp_path: Path, make_dataset: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLEAN_ROOM_STAND_INS", str(tmp_path / "it's"))
    make_dataset(tmp_path / "it's")
    assert open_dataset("hospital/visits").sql("select age from data")["age"].tolist() == [1, 2]


def test_a_file_with_other_columns_is_refused(jail: Path, make_dataset: Make) -> None:
    folder = make_dataset(jail / "data")
    pq.write_table(pa.table({"age": ["old"]}), folder / "data.parquet")
    with pytest.raises(DamagedDatasetError, match="schema describes"):
        open_dataset("hospital/visits").to_arrow()


@pytest.mark.parametrize("library", ["pandas", "pyarrow", "duckdb"])
def test_the_error_for_a_missing_library_says_what_to_install(
    stand_ins: Path, make_dataset: Make, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    make_dataset(stand_ins)
    dataset = open_dataset("hospital/visits")
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingLibraryError, match=rf'{library}.*pip install "clean-room\[data\]"'):
        dataset.sql("select 1") if library == "duckdb" else dataset.to_pandas()
