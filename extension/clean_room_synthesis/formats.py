"""Values made only from the declared schema: identifiers, texts of a format, and other texts."""

import re
import uuid
from typing import Any

import numpy as np
import pyarrow as pa

from .axis import axis_of
from .failure import InvalidRequest

_PIECE = re.compile(r"(\\d|\\.|\[[^\]]+\]|[^\\\[\]{}()*+?|^$])(?:\{(\d+)(?:,(\d+))?\})?")
_WORDS = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heath", "inlet", "knoll", "lagoon", "meadow")
#: How often values that occur already are drawn again.
_TRIES = 20


def regenerate(random: np.random.Generator, column: dict[str, Any], rows: int) -> pa.Array:
    """Returns invented values of a declared column. Those of identifiers differ where the format allows it."""
    different = column.get("role") == "identifier"
    match column["type"]:
        case "uuid":
            return pa.array([str(uuid.UUID(bytes=random.bytes(16), version=4)) for _ in range(rows)], pa.string())
        case "integer":
            low, high = int(column.get("minimum", 1)), int(column.get("maximum", max(10**9, 10 * rows)))
            return pa.array(
                _different(lambda count: random.integers(low, high, count, endpoint=True), rows), pa.int64()
            )
        case "boolean":
            return pa.array(random.random(rows) < 0.5)
        case "number" | "decimal" | "date" | "time" | "timestamp":
            axis = axis_of(column)
            positions = axis.draw(random, [axis.lower, axis.end], np.zeros(rows, np.int64))
            return axis.values(positions, None)
    if "format" in column:
        pieces = parse_format(column["format"], column["name"])
        make = lambda count: _of_format(random, pieces, count)  # noqa: E731
        return pa.array(_different(make, rows) if different else make(rows), pa.string())
    if different:
        # Numbered as in random stand-ins, so that tables of several providers can be joined.
        return pa.array([f"{column['name']}-{row:06}" for row in range(1, rows + 1)])
    words = np.array(_WORDS)[random.integers(0, len(_WORDS), (rows, 2))]
    return pa.array([f"{first} {second}" for first, second in words], pa.string())


def parse_format(text: str, column: str) -> list[tuple[str, int, int]]:
    """Returns the pieces of a format: the possible letters, and the smallest and largest number of them.

    Raises:
        InvalidRequest: The format has more than literal characters, `\\d`, ranges and counts.
    """
    pieces, at = [], 0
    while at < len(text):
        found = _PIECE.match(text, at)
        if found is None:
            raise InvalidRequest("The format has a construct that is not supported.", column)
        low = int(found[2]) if found[2] else 1
        pieces.append((_letters(found[1]), low, int(found[3]) if found[3] else low))
        at = found.end()
    return pieces


def _letters(piece: str) -> str:
    if piece == r"\d":
        return "0123456789"
    if not piece.startswith("["):
        return piece[-1]
    ranges = re.findall(r"(\\d)|(.)-(.)|(.)", piece[1:-1])
    return "".join(
        "0123456789" if digit else single or "".join(map(chr, range(ord(low), ord(high) + 1)))
        for digit, low, high, single in ranges
    )


def _of_format(random: np.random.Generator, pieces: list[tuple[str, int, int]], rows: int) -> list[str]:
    texts = np.full(rows, "", object)
    for letters, low, high in pieces:
        alphabet = np.array(list(letters), object)
        counts = random.integers(low, high, rows, endpoint=True)
        for position in range(high):
            drawn = alphabet[random.integers(0, len(alphabet), rows)]
            texts = texts + (drawn if position < low else np.where(position < counts, drawn, ""))
    return texts.tolist()


def _different(make: Any, rows: int) -> list[Any]:
    """Draws values until all differ, or gives up after some tries: a format may have fewer values than rows."""
    values = dict.fromkeys(make(rows))
    for _ in range(_TRIES):
        if len(values) >= rows:
            return list(values)[:rows]
        values |= dict.fromkeys(make(rows))
    return (list(values) * (rows // max(len(values), 1) + 1))[:rows]
