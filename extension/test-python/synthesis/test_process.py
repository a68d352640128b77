"""Tests of `python -m clean_room_synthesis`: what it answers, what it writes, and what it never says."""

import random
import re
from collections import Counter
from statistics import mean

import pytest
from support import column, synthesize

RANDOM = random.Random(7)  # noqa: S311


def _csv(names, rows):
    lines = [",".join(names), *(",".join(row) for row in rows)]
    return ("\n".join(lines) + "\n").encode()


def _smokers(rows=4000):
    """Rows in which charges depend on smoking."""
    table = []
    for _ in range(rows):
        smoker = RANDOM.random() < 0.2
        charges = RANDOM.gauss(30_000 if smoker else 9_000, 2_000)
        table.append((str(RANDOM.randint(18, 64)), '"yes"' if smoker else '"no"', f"{max(charges, 0):.2f}"))
    return _csv(["age", "smoker", "charges"], table)


SMOKERS = [
    column("age", "integer", minimum="0", maximum="110"),
    column("smoker", "text", categories=["no", "yes"]),
    column("charges", "decimal", precision=12, scale=2, minimum="0", maximum="1000000"),
]


def test_relations_and_totals_are_kept(tmp_path):
    outcome = synthesize(tmp_path, _smokers(), SMOKERS, epsilon="5", target="smoker")
    charges = {value: [] for value in ("no", "yes")}
    for row in outcome.rows:
        charges[row["smoker"]].append(float(row["charges"]))
    assert len(outcome.rows) == 4000
    assert 0.15 < len(charges["yes"]) / 4000 < 0.25
    assert 8_000 < mean(charges["no"]) < 10_500
    assert 26_000 < mean(charges["yes"]) < 34_000


def test_the_answer_says_what_was_spent(tmp_path):
    answer = synthesize(tmp_path, _smokers(), SMOKERS, epsilon="1", target="smoker").answer
    assert (answer["epsilon"], answer["delta"], answer["mechanism"]) == ("1", "0.000001", "tree/v1")
    assert answer["modelled"] == ["age", "smoker", "charges"]
    assert answer["target"] == "smoker"
    assert sum(query["rho"] for query in answer["queries"]) == pytest.approx(answer["spent"]["rho"], rel=1e-6)
    assert answer["rho"] * 0.999 < answer["spent"]["rho"] <= answer["rho"]
    assert answer["spent"]["delta"] == 0
    assert 0 < float(answer["expectedError"]["oneWay"]) < float(answer["expectedError"]["twoWay"]) < 1


def test_raking_asks_more_queries_of_the_same_budget(tmp_path):
    answer = synthesize(tmp_path, _smokers(), SMOKERS, epsilon="1", raking="on").answer
    assert answer["mechanism"] == "tree-raking/v1"
    assert len(answer["queries"]) > 24
    assert answer["spent"]["rho"] <= answer["rho"]


def test_types_are_written_as_they_are_read(tmp_path):
    columns = [
        column("big", "integer", minimum=str(-(2**63) + 1), maximum=str(2**63 - 1)),
        column("huge", "decimal", precision=38, scale=2, minimum="0", maximum="9" * 36),
        column("share", "number", minimum="0", maximum="1", decimals=3),
        column("day", "date", minimum="1900-01-01", maximum="2100-12-31"),
        column("clock", "time"),
        column(
            "at",
            "timestamp",
            zoned=True,
            unit="microsecond",
            minimum="2020-01-01T00:00:00Z",
            maximum="2020-12-31T23:59:59Z",
        ),
        column(
            "local",
            "timestamp",
            zoned=False,
            unit="nanosecond",
            minimum="2020-01-01T00:00:00",
            maximum="2020-12-31T23:59:59",
        ),
        column("ok", "boolean"),
        column("key", "uuid"),
    ]
    fields = (
        "9007199254740993",
        "123456789012345678901234567890.12",
        "0.125",
        "2020-02-29",
        "12:00:00.000001",
        "2020-06-01 12:00:00.123456+00",
        "2020-06-01 12:00:00.123456789",
        "true",
        "123e4567-e89b-12d3-a456-426614174000",
    )
    outcome = synthesize(tmp_path, _csv([c["name"] for c in columns], [fields] * 200), columns)
    patterns = {
        "big": r"-?\d+",
        "huge": r"\d+\.\d\d",
        "share": r"[01](\.\d{1,3})?",
        "day": r"(19|20|21)\d\d-\d\d-\d\d",
        "clock": r"\d\d:\d\d:\d\d\.\d{6}",
        "at": r"2020-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}Z",
        "local": r"2020-\d\d-\d\d \d\d:\d\d:\d\d\.\d{9}",
        "ok": "true|false",
        "key": r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
    }
    for name, pattern in patterns.items():
        assert all(re.fullmatch(pattern, value) for value in outcome.values(name)), name
    assert Counter(outcome.values("ok")).most_common(1)[0][0] == "true"


def test_missing_values_and_empty_texts_differ(tmp_path):
    columns = [column("a", "text", nullable=True, categories=["", 'say "hi"']), column("b", "boolean")]
    fields = ["", '""', '"say ""hi"""', '""']
    outcome = synthesize(tmp_path, _csv(["a", "b"], [(value, "true") for value in fields * 200]), columns)
    written = Counter(line.split(",")[0] for line in outcome.text.splitlines()[1:])
    assert set(written) == {"", '""', '"say ""hi"""'}
    assert abs(written['""'] - 400) < 40
    assert abs(written[""] - 200) < 40


def test_identifiers_and_formats_are_invented(tmp_path):
    columns = [
        column("patient", "text", role="identifier", format=r"P\d{6}"),
        column("postcode", "text", format=r"[A-C][A-Z]{1,2}\d"),
        column("note", "text", nullable=True),
    ]
    rows = [(f'"P{number:06d}"', '"AB1"', '"private words"') for number in range(500)]
    outcome = synthesize(tmp_path, _csv(["patient", "postcode", "note"], rows), columns)
    assert len(set(outcome.values("patient"))) == 500
    assert all(re.fullmatch(r"P\d{6}", value) for value in outcome.values("patient"))
    assert all(re.fullmatch(r"[A-C][A-Z]{1,2}\d", value) for value in outcome.values("postcode"))
    assert "private" not in outcome.text


def test_identifiers_of_any_type_are_invented(tmp_path):
    columns = [
        column("day", "date", role="identifier", minimum="2020-01-01", maximum="2020-12-31"),
        column("score", "number", role="identifier", minimum="0", maximum="1", decimals=2),
        column("code", "integer", role="identifier", minimum="1000", maximum="9999"),
        column("flag", "boolean"),
    ]
    rows = [("2021-01-01", "7.25", "5", "true")] * 300
    outcome = synthesize(tmp_path, _csv([c["name"] for c in columns], rows), columns, target="flag")
    assert all(value.startswith("2020-") for value in outcome.values("day"))
    assert all(0 <= float(value) <= 1 for value in outcome.values("score"))
    assert len(set(outcome.values("code"))) == 300
    assert Counter(outcome.values("flag"))["true"] > 280
    assert outcome.answer["target"] is None


def test_rare_texts_are_never_discovered(tmp_path):
    texts = ["asthma"] * 700 + ["diabetes"] * 300 + [f"rare {number}" for number in range(50)]
    columns = [{"column": column("diagnosis", "text"), "discover": True}]
    outcome = synthesize(tmp_path, _csv(["diagnosis"], [(f'"{text}"',) for text in texts]), columns, epsilon="2")
    found = Counter(outcome.values("diagnosis"))
    assert 0.55 < found["asthma"] / 1050 < 0.8
    assert 0.2 < found["diabetes"] / 1050 < 0.4
    assert "rare" not in outcome.text
    assert 0 < outcome.answer["spent"]["delta"] <= 5e-7


def test_a_person_counts_with_few_rows(tmp_path):
    rows = [('"busy"', "9")] * 3000 + [(f'"P{person}"', "1") for person in range(1000) for _ in range(2)]
    columns = [
        column("person", "text", role="identifier", format=r"N\d{6}"),
        column("visits", "integer", minimum="0", maximum="9"),
    ]
    unit = {"kind": "person", "column": "person", "rowsPerPerson": 2}
    outcome = synthesize(tmp_path, _csv(["person", "visits"], rows), columns, unit=unit, rows={"source": "noisy"})
    per_person = Counter(Counter(outcome.values("person")).values())
    assert outcome.answer["unit"] == {"kind": "person", "rowsPerPerson": 2}
    assert outcome.answer["rows"]["source"] == "noisy"
    assert 1900 < len(outcome.rows) < 2100
    assert Counter(outcome.values("visits"))["9"] < 50
    assert per_person[2] > 900


def test_the_declared_bounds_do_not_move_the_mean(tmp_path):
    rows = [(f"{RANDOM.lognormvariate(1, 0.5):.2f}",) for _ in range(5000)]
    columns = [column("visits", "number", minimum="0", maximum="1000000", decimals=2)]
    outcome = synthesize(tmp_path, _csv(["visits"], rows), columns, epsilon="1")
    assert mean(float(value) for value in outcome.values("visits")) == pytest.approx(3.1, rel=0.3)


def test_wide_tables_model_what_pays(tmp_path):
    names = [f"c{number}" for number in range(120)]
    rows = [[str(RANDOM.randint(0, 5)) for _ in names] for _ in range(500)]
    columns = [column(name, "integer", minimum="0", maximum="9") for name in names]
    outcome = synthesize(tmp_path, _csv(names, rows), columns)
    assert len(outcome.answer["modelled"]) == 30
    assert len(outcome.rows) == 500
    assert list(outcome.rows[0]) == names


def test_constant_and_empty_tables(tmp_path):
    columns = [column("k", "text", categories=["only"]), column("n", "integer", minimum="5", maximum="5")]
    outcome = synthesize(tmp_path, b"k,n\n", columns, rows={"source": "declared", "count": 3})
    assert outcome.text.splitlines()[1:] == ['"only",5,'] * 3
    columns = [column("n", "integer", minimum="0", maximum="9")]
    assert len(synthesize(tmp_path, b"n\n", columns, rows={"source": "declared", "count": 30}).rows) == 30


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"columns": [{"column": column("n", "integer")}]}, "Declare the smallest and the largest value"),
        ({"epsilon": "0"}, "Epsilon is"),
        ({"delta": "1"}, "Delta is"),
        ({"target": "other"}, "The target is not a column"),
        ({"unit": {"kind": "person", "column": "other", "rowsPerPerson": 1}}, "The identifier of persons"),
        ({"tables": []}, "Several tables cannot be synthesised together"),
        ({"rows": {}}, "does not have the expected form"),
    ],
)
def test_an_invalid_request_is_refused_with_a_reason(tmp_path, changes, reason):
    columns = [column("n", "integer", minimum="0", maximum="9")]
    outcome = synthesize(tmp_path, b"n\n1\n", **{"columns": columns, **changes})
    assert outcome.exit_code == 2
    assert outcome.answer["error"]["stage"] == "request"
    assert reason in outcome.answer["error"]["reason"]


def test_errors_do_not_contain_values(tmp_path):
    columns = [column("n", "integer", minimum="0", maximum="9")]
    outcome = synthesize(tmp_path, b"n\n1\nsecret-4711\n", columns)
    assert outcome.exit_code == 1
    assert outcome.answer == {"error": {"stage": "read", "class": "ArrowInvalid"}}
    assert b"4711" not in outcome.printed
    assert outcome.text == ""
