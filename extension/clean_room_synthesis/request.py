"""Reads the request: the declared schema, the unit of privacy, and the budget. All of it is public."""

import json
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from .failure import InvalidRequest

#: The largest request, in bytes: 10,000 columns with many categories.
MAX_REQUEST = 64 * 2**20
#: The largest number of rows that can be asked for.
MAX_ROWS = 100_000_000


@dataclass(frozen=True)
class ColumnRequest:
    """A declared column (a `Column` of the protocol), and how it is modelled."""

    column: dict[str, Any]
    bins: int | Literal["auto"] | None = None
    discover: bool = False

    @property
    def name(self) -> str:
        return self.column["name"]


@dataclass(frozen=True)
class Request:
    columns: list[ColumnRequest]
    #: The identifier of persons, if persons are protected instead of rows.
    person: str | None
    rows_per_person: int
    target: str | None
    epsilon: Decimal
    delta: Decimal
    #: The declared number of rows, or `None` if it is measured with noise.
    rows: int | None
    output_rows: int | None
    output: str
    input: str | None
    raking: Literal["on", "off", "auto"]


def parse_json(line: bytes) -> dict[str, Any]:
    """Parses the line of a request."""
    try:
        document = json.loads(line)
    except ValueError as error:
        raise InvalidRequest("The request is not JSON.") from error
    if not isinstance(document, dict):
        raise InvalidRequest("The request is not an object.")
    return document


def parse_document(document: dict[str, Any]) -> Request:
    """Checks a request for a synthetic stand-in.

    Raises:
        InvalidRequest: The request does not have the form of the contract (README.md of this package).
    """
    try:
        unit = document.get("unit", {"kind": "row"})
        rows = document["rows"]
        request = Request(
            columns=[
                ColumnRequest(entry["column"], entry.get("bins"), bool(entry.get("discover", False)))
                for entry in document["columns"]
            ],
            person=unit["column"] if unit["kind"] == "person" else None,
            rows_per_person=int(unit["rowsPerPerson"]) if unit["kind"] == "person" else 1,
            target=document.get("target"),
            epsilon=Decimal(str(document["epsilon"])),
            delta=Decimal(str(document["delta"])),
            rows=int(rows["count"]) if rows["source"] == "declared" else None,
            output_rows=document["output"].get("rows"),
            output=document["output"]["path"],
            input=document.get("input"),
            raking=document.get("raking", "auto"),
        )
    except (KeyError, TypeError, ValueError, AttributeError, InvalidOperation) as error:
        raise InvalidRequest("The request does not have the expected form.") from error
    _check(request, document)
    return request


def _check(request: Request, document: dict[str, Any]) -> None:
    names = [column.name for column in request.columns]
    rules = [
        (len(names) > 0 and len(set(names)) == len(names), "The columns need different names."),
        (document.get("unit", {}).get("kind", "row") in ("row", "person"), "The unit is a row or a person."),
        (request.person is None or request.person in names, "The identifier of persons is not a column."),
        (1 <= request.rows_per_person <= 1_000_000, "The number of rows per person is between 1 and a million."),
        (request.target is None or request.target in names, "The target is not a column."),
        (request.target is None or request.target != request.person, "The target cannot identify persons."),
        (0 < request.epsilon <= 100, "Epsilon is more than 0 and at most 100."),
        (0 < request.delta < Decimal("0.001"), "Delta is more than 0 and less than 0.001."),
        (request.rows is None or 0 < request.rows <= MAX_ROWS, "The number of rows is too small or too large."),
        (
            request.output_rows is None or 0 < request.output_rows <= MAX_ROWS,
            "The number of rows of the stand-in is too small or too large.",
        ),
        (request.raking in ("on", "off", "auto"), "Raking is on, off or auto."),
        ("tables" not in document, "Several tables cannot be synthesised together. Make a stand-in for each of them."),
    ]
    for holds, reason in rules:
        if not holds:
            raise InvalidRequest(reason)
