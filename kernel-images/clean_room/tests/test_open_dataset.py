import json
import warnings
from pathlib import Path

import pytest

from clean_room import (
    DamagedDatasetError,
    DatasetNameError,
    OutdatedStandInWarning,
    UnknownDatasetError,
    available_datasets,
    open_dataset,
)

from .conftest import Make


def test_opens_the_stand_in_while_programming(stand_ins: Path, make_dataset: Make) -> None:
    make_dataset(stand_ins)
    dataset = open_dataset("hospital/visits")
    assert (dataset.stage, dataset.stand_in, dataset.version) == ("programming", "random", 3)
    assert dataset.description == "Visits to a <hospital>"
    assert dataset.schema.names[:2] == ("age", "visits")
    assert dataset.schema["age"].maximum == "120"


def test_opens_the_real_data_while_executing(
    jail: Path, make_dataset: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLEAN_ROOM_STAND_INS", "/nowhere")
    make_dataset(jail / "data", standIn={"kind": "random", "digest": "sha256:" + "0" * 64})
    dataset = open_dataset("hospital/visits")
    assert (dataset.stage, dataset.stand_in) == ("execution", None)
    assert len(dataset.to_pandas()) == 2


def test_the_default_folder_is_in_the_home_folder(
    tmp_path: Path, make_dataset: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLEAN_ROOM_STAND_INS", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    make_dataset(tmp_path / ".local/share/clean-room/stand-ins")
    assert available_datasets() == ["hospital/visits"]


@pytest.mark.parametrize(
    "name",
    ["visits", "hospital/", "/visits", "Hospital/visits", "hospital/visits/x", "../visits", "a/../b", "", 3],
)
def test_invalid_names_are_refused(stand_ins: Path, name: object) -> None:
    assert stand_ins.is_dir()
    with pytest.raises(DatasetNameError, match="hospital/visits"):
        open_dataset(name)  # type: ignore[arg-type]


def test_the_error_for_an_unknown_dataset_lists_available_ones(stand_ins: Path, make_dataset: Make) -> None:
    with pytest.raises(UnknownDatasetError, match="No dataset is available"):
        open_dataset("hospital/visits")
    make_dataset(stand_ins, "hospital/visits")
    make_dataset(stand_ins, "bank/loans")
    with pytest.raises(UnknownDatasetError) as raised:
        open_dataset("hospital/visit")
    assert "bank/loans, hospital/visits" in str(raised.value)
    assert "clean-room stand-ins hospital/visit" in str(raised.value)


def test_the_error_for_an_unknown_dataset_in_a_run_names_the_submission(jail: Path) -> None:
    assert jail.is_dir()
    with pytest.raises(UnknownDatasetError, match="submission"):
        open_dataset("hospital/visits")


def test_an_incomplete_stand_in_is_unknown(stand_ins: Path, make_dataset: Make) -> None:
    (make_dataset(stand_ins) / "data.parquet").unlink()
    with pytest.raises(UnknownDatasetError):
        open_dataset("hospital/visits")


def test_a_changed_stand_in_is_refused(stand_ins: Path, make_dataset: Make) -> None:
    path = make_dataset(stand_ins) / "data.parquet"
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(DamagedDatasetError, match="signed"):
        open_dataset("hospital/visits")


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        '{"table": {"columns": []}}',
        '{"table": {"columns": [{"name": "a", "type": "blob"}]}}',
        '{"table": {"columns": [{"name": "a", "type": "decimal", "precision": 3}]}}',
        '{"table": {"columns": [{"name": "a", "type": "timestamp", "zoned": true}]}}',
        '{"table": {"columns": [{"name": "a", "type": "date"}]}, "standIn": {"privacy": {"epsilon": "1"}}}',
    ],
)
def test_a_malformed_schema_is_refused(stand_ins: Path, make_dataset: Make, text: str) -> None:
    (make_dataset(stand_ins) / "schema.json").write_text(text)
    with pytest.raises(DamagedDatasetError):
        open_dataset("hospital/visits")


def test_the_columns_may_be_at_the_top_level_of_the_schema(stand_ins: Path, make_dataset: Make) -> None:
    folder = make_dataset(stand_ins)
    document = json.loads((folder / "schema.json").read_text())
    (folder / "schema.json").write_text(json.dumps(document["table"]))
    assert len(open_dataset("hospital/visits").schema) == 7


def test_repr_shows_name_and_schema(stand_ins: Path, make_dataset: Make) -> None:
    make_dataset(stand_ins)
    dataset = open_dataset("hospital/visits")
    text, html = repr(dataset), dataset._repr_html_()
    assert "hospital/visits v3: a random stand-in" in text
    assert "0 to 120" in text
    assert "ward (identifier)" in text
    assert "visits (sensitive)" in text
    assert "timestamp (UTC), may be missing" in text
    assert "good for writing code, not for results" in text
    assert "<hospital>" in text
    assert "&lt;hospital&gt;" in html
    assert "In &lt;euro&gt;" in html
    assert "<hospital>" not in html


PRIVACY = {
    "epsilon": "1",
    "delta": "0.000000001",
    "unit": "person",
    "rowsPerPerson": 3,
    "mechanism": "tree/v1",
    "target": "cost",
    "modelled": ["age", "cost"],
    "expectedError": {"oneWay": "0.011", "twoWay": "0.05"},
}


def test_repr_says_how_good_a_synthetic_stand_in_is(stand_ins: Path, make_dataset: Make) -> None:
    path = make_dataset(stand_ins) / "schema.json"
    document = json.loads(path.read_text())
    document["standIn"] |= {"kind": "synthetic", "privacy": PRIVACY}
    path.write_text(json.dumps({**document, "rows": {"about": 20000, "source": "noisy"}}))
    dataset = open_dataset("hospital/visits")
    assert dataset.privacy is not None
    assert (dataset.privacy.epsilon, dataset.privacy.rows_per_person) == ("1", 3)
    for text in (repr(dataset), dataset._repr_html_()):
        for part in (
            "hospital/visits v3",
            "a synthetic stand-in",
            "about 20,000 rows (noisy)",
            "good for tables, fair for models",
            "ε = 1, δ = 1e-9, protects persons (at most 3 rows each). Mechanism: tree/v1.",
            "models of cost",
            "modelled: age, cost. All other columns are independent",
            "1.1 % of the rows in tables of one column, 5 % in tables of two",
        ):
            assert part in text


def test_the_real_data_is_not_described_as_a_stand_in(jail: Path, make_dataset: Make) -> None:
    stand_in = {"kind": "synthetic", "digest": "sha256:" + "0" * 64, "privacy": PRIVACY}
    path = make_dataset(jail / "data", standIn=stand_in) / "schema.json"
    rows = {"about": 2, "source": "declared"}
    path.write_text(json.dumps({**json.loads(path.read_text()), "rows": rows}))
    text = repr(open_dataset("hospital/visits"))
    assert "hospital/visits v3: the real data" in text
    assert "about 2 rows (declared)" in text
    assert "ε" not in text


def test_describe_returns_the_columns_without_reading_the_rows(stand_ins: Path, make_dataset: Make) -> None:
    folder = make_dataset(stand_ins)
    dataset = open_dataset("hospital/visits")
    (folder / "data.parquet").unlink()
    table = dataset.describe()
    assert table.index.tolist() == list(dataset.schema.names)
    assert table.loc["age", ["type", "nullable", "minimum", "maximum"]].tolist() == [
        "integer",
        False,
        "0",
        "120",
    ]
    assert table.loc["ward", ["role", "categories"]].tolist() == ["identifier", "a, b"]
    assert table.loc["cost", "description"] == "In <euro>"


@pytest.mark.parametrize("newest", ['{"hospital/visits": 3}', '{"bank/loans": 9}', "{", "[]", None])
def test_the_newest_stand_in_opens_without_a_warning(
    stand_ins: Path, make_dataset: Make, newest: str | None
) -> None:
    make_dataset(stand_ins)
    if newest is not None:
        (stand_ins / "newest-versions.json").write_text(newest)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        open_dataset("hospital/visits")


def test_an_older_stand_in_opens_with_a_warning(stand_ins: Path, make_dataset: Make) -> None:
    make_dataset(stand_ins)
    (stand_ins / "newest-versions.json").write_text('{"hospital/visits": 4}')
    with pytest.warns(OutdatedStandInWarning, match="version 3 .* version 4") as warned:
        open_dataset("hospital/visits")
    assert warned[0].filename == __file__
    assert available_datasets() == ["hospital/visits"]
