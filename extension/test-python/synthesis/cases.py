"""The cases of the audit: every mechanism, and every kind of column, each with two neighbouring tables."""

import io
import json

import numpy as np
import pyarrow as pa
from audit import Case, bounded_range, gaussian_mu, log_odds, mu

from clean_room_synthesis.request import ColumnRequest
from clean_room_synthesis.rows import read_table
from clean_room_synthesis.schema import codec_of
from clean_room_synthesis.spend import mechanisms
from clean_room_synthesis.spend.mechanisms import Candidate
from clean_room_synthesis.table import CodeTable, View


def codes(values: list[int], size: int) -> CodeTable:
    return CodeTable([np.array(values, np.uint8)], [size])


def _counts(without: CodeTable, with_unit: CodeTable, contribution: int = 1) -> Case:
    size = with_unit.sizes[0]
    view = View((0,), (None,), (size,))
    before, after = (np.bincount(table.columns[0], minlength=size) for table in (without, with_unit))
    cell = int(np.argmax(after - before))
    return Case(
        lambda rho: mechanisms.counts(view, contribution, rho),
        without,
        with_unit,
        lambda answer: float(answer[cell]),
        mu,
        gaussian_mu,
    )


def _choice() -> Case:
    # The row moves the counts of one candidate away from their fit, and those of the other one towards it.
    candidates = [
        Candidate(View((0,), (None,), (2,)), np.array([5, 0]), 0),
        Candidate(View((0,), (np.array([0, 0]),), (1,)), np.array([10]), 5),
    ]
    return Case(
        lambda rho: mechanisms.choice(candidates, 1, rho),
        codes([0] * 5, 2),
        codes([0] * 5 + [1], 2),
        float,
        log_odds,
        bounded_range,
        rho=0.2,
    )


def _quantile() -> Case:
    return Case(
        lambda rho: mechanisms.quantile(0, 10, 0.5, 1, rho),
        codes([9, 9], 10),
        codes([9, 9, 2], 10),
        float,
        log_odds,
        bounded_range,
        rho=0.2,
    )


def _texts() -> Case:
    def table(rows: int) -> CodeTable:
        texts = pa.array(["frequent"] * rows).dictionary_encode()
        return CodeTable([np.zeros(rows, np.uint8)], [1], {0: texts})

    return Case(
        lambda rho: mechanisms.frequent_texts(0, 1, rho, 1e-6),
        table(1000),
        table(1001),
        lambda answer: float(answer.get("frequent", 0)),
        mu,
        gaussian_mu,
    )


def _degrees() -> Case:
    def table(persons: list[int]) -> CodeTable:
        return CodeTable([np.zeros(len(persons), np.uint8)], [1], persons=np.array(persons))

    return Case(
        lambda rho: mechanisms.degrees(3, 3, rho),
        table([1, 1, 2]),
        table([1, 1, 2, 3, 3, 3]),
        lambda answer: float(answer[2]),
        mu,
        gaussian_mu,
        tight=False,
    )


def _rows() -> Case:
    return Case(lambda rho: mechanisms.row_count(1, rho), codes([0] * 4, 1), codes([0] * 5, 1), float, mu, gaussian_mu)


def read(column: dict, fields: list[str], **request: object) -> CodeTable:
    """Reads a table of one column as the process does."""
    name = json.dumps(column["name"])
    source = io.BytesIO("\n".join([f'{name},"n"', *(f"{field},1" for field in fields)]).encode() + b"\n")
    return read_table(source, [codec_of(ColumnRequest(column, **request))], None, 1)


def _kind(type_: str, common: str, rare: str, **declared: object) -> Case:
    column = {"name": "x", "type": type_, "nullable": True, **declared}
    return _counts(*(read(column, fields, bins=8) for fields in ([common] * 4, [common] * 4 + [rare])))


def cases() -> dict[str, Case]:
    """Returns all cases by name."""
    stamp = {"zoned": True, "unit": "microsecond"}
    return {
        "counts": _counts(codes([0] * 5, 2), codes([0] * 5 + [1], 2)),
        "counts of three rows per person": _counts(codes([0] * 5, 2), codes([0] * 5 + [1] * 3, 2), contribution=3),
        "number of rows": _rows(),
        "choice": _choice(),
        "quantile": _quantile(),
        "frequent texts": _texts(),
        "rows per person": _degrees(),
        "missing value": _kind("text", '"a"', "", categories=["a", "b"]),
        "category": _kind("text", '"a"', '"b"', categories=["a", "b"]),
        "undeclared category": _kind("text", '"b"', '"secret"', categories=["a", "b"]),
        "boolean": _kind("boolean", "true", "false"),
        "integer": _kind("integer", "3", "7", minimum="0", maximum="9"),
        "number beyond its bounds": _kind("number", "0.5", "1e300", minimum="0", maximum="1"),
        "decimal": _kind("decimal", "1.25", "8.75", precision=10, scale=2, minimum="0", maximum="9.99"),
        "date": _kind("date", "2020-01-01", "2020-01-31", minimum="2020-01-01", maximum="2020-01-31"),
        "time": _kind("time", "01:00:00", "23:59:59"),
        "timestamp": _kind(
            "timestamp",
            "2020-01-01 00:00:00+00",
            "2020-06-01 00:00:00+00",
            minimum="2020-01-01T00:00:00Z",
            maximum="2020-12-31T00:00:00Z",
            **stamp,
        ),
        "identifier that is missing": _kind("text", '"P1"', "", role="identifier"),
    }
