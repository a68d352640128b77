from pathlib import Path

import pytest

from clean_room import ParametersError, parameters


def test_no_parameters_are_an_empty_dict(stand_ins: Path) -> None:
    assert stand_ins.is_dir()
    assert parameters() == {}


def test_parameters_are_read_from_the_configured_file_while_programming(
    stand_ins: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stand_ins.is_dir()
    path = tmp_path / "p.json"
    monkeypatch.setenv("CLEAN_ROOM_PARAMETERS", str(path))
    with pytest.raises(ParametersError, match="cannot be read"):
        parameters()
    path.write_text('{"folds": 7}')
    assert {"folds": 5} | parameters() == {"folds": 7}


def test_parameters_are_read_from_the_submission_while_executing(
    jail: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLEAN_ROOM_PARAMETERS", "/nowhere.json")
    assert parameters() == {}
    (jail / "clean-room/parameters.json").write_text('{"folds": 3}')
    assert parameters() == {"folds": 3}


@pytest.mark.parametrize("text", ["[1]", '"x"', "{"])
def test_parameters_that_are_not_an_object_are_refused(jail: Path, text: str) -> None:
    (jail / "clean-room/parameters.json").write_text(text)
    with pytest.raises(ParametersError):
        parameters()
