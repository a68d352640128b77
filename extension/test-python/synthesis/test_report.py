"""Tests of what the provider learns about a stand-in: the report, and whether an uploaded table may be public."""

import json
import random

import numpy as np
import pytest
from support import SHARED, column, run, synthesize

RANDOM = random.Random(11)  # noqa: S311

INSURANCE = [
    column("age", "integer", minimum="18", maximum="64"),
    column("sex", "text", categories=["female", "male"]),
    column("bmi", "number", minimum="10", maximum="60"),
    column("children", "integer", minimum="0", maximum="5"),
    column("smoker", "text", categories=["no", "yes"]),
    column("region", "text", categories=["northeast", "northwest", "southeast", "southwest"]),
    column("charges", "number", minimum="0", maximum="100000"),
]


def _insured(rows=1000):
    lines = ["age,sex,bmi,children,smoker,region,charges"]
    for _ in range(rows):
        smoker = RANDOM.random() < 0.2
        fields = [
            str(RANDOM.randint(18, 64)),
            RANDOM.choice(["female", "male"]),
            f"{RANDOM.gauss(30, 6):.2f}",
            str(RANDOM.randint(0, 5)),
            "yes" if smoker else "no",
            RANDOM.choice(["northeast", "northwest", "southeast", "southwest"]),
            f"{min(99_000, (30_000 if smoker else 8_000) * RANDOM.lognormvariate(0, 0.3)):.4f}",
        ]
        lines.append(",".join(fields))
    return "\n".join(lines) + "\n"


def _check(tmp_path, real, stand_in):
    paths = {}
    for name, text in (("real", real), ("standIn", stand_in)):
        paths[name] = str(tmp_path / f"{name}.csv")
        (tmp_path / f"{name}.csv").write_text(text)
    outcome = run(["check-public"], {"columns": [{"column": entry} for entry in INSURANCE], **paths})
    assert outcome.exit_code == 0
    return outcome.answer["reasons"]


@pytest.mark.skipif(not SHARED.exists(), reason=f"{SHARED} does not exist")
def test_a_public_stand_in_with_copied_values_is_refused(tmp_path):
    real, stand_in = ((SHARED / f"insurance-stage{stage}.csv").read_text() for stage in (2, 1))
    reasons = _check(tmp_path, real, stand_in)
    assert reasons == ["100% of the values of charges are copies of rare real ones; about 0% would agree by chance."]


def test_copied_rows_are_refused(tmp_path):
    real = _insured()
    header, *rows = real.splitlines()
    copies = "\n".join([header, *rows[:100], *_insured(900).splitlines()[1:]]) + "\n"
    assert any("10% of its rows are copies" in reason for reason in _check(tmp_path, real, copies))


def test_an_independent_table_may_be_public(tmp_path):
    assert _check(tmp_path, _insured(), _insured()) == []


def test_the_report_is_one_page_with_a_sentence_for_each_figure(tmp_path):
    real = _insured()
    made = synthesize(tmp_path, real.encode(), INSURANCE, epsilon="3", target="smoker")
    (tmp_path / "real.csv").write_text(real)
    (tmp_path / "made.csv").write_text(made.text)
    columns = [{"column": entry} for entry in INSURANCE]
    request = {
        "columns": columns,
        "epsilon": "3",
        "delta": "1e-6",
        "rows": {"source": "declared", "count": 1000},
        "output": {"path": "unused"},
    }
    page = tmp_path / "report.html"
    (tmp_path / "draw.js").write_text("const end = '</script>';")
    outcome = run(
        ["report"],
        {
            "columns": columns,
            "real": str(tmp_path / "real.csv"),
            "standIn": str(tmp_path / "made.csv"),
            "target": "smoker",
            "request": request,
            "report": str(page),
            "scripts": [str(tmp_path / "draw.js")],
        },
    )
    text = page.read_text()
    assert outcome.answer == {"reasons": []}
    assert "Keep it on this computer." in text
    assert "A model that predicts whether smoker is yes reaches" in text
    assert "An attack that guesses whether a row was used" in text
    assert "<script>const end = '<\\/script>';</script>" in text
    specs = text.split('<script type="application/vega-lite+json">')[1:]
    assert len(specs) > len(INSURANCE)
    errors = json.loads(specs[1].split("</script>")[0])["data"]["values"]
    assert [entry["column"] for entry in errors] == [entry["name"] for entry in INSURANCE]
    assert np.mean([entry["error"] for entry in errors]) < 0.15
