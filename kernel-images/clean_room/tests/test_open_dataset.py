import json
from pathlib import Path

import pytest

from clean_room import (
    DamagedDatasetError,
    DatasetNameError,
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
    assert "hospital/visits: a random stand-in" in text
    assert "0 to 120" in text
    assert "ward (identifier)" in text
    assert "<hospital>" in text
    assert "&lt;hospital&gt;" in html
    assert "In &lt;euro&gt;" in html
    assert "<hospital>" not in html
