"""Positions of ordered values: integers, decimals, numbers, dates and times as numbers, and bins of them.

Bounds and bins come from the declared schema. Bins that a query chose are edges of a grid that also comes from there.
"""

import math
import random as python_random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .failure import InvalidRequest

#: Cells of the grid from which automatic bins are chosen.
GRID = 4096
#: Integers with at most this many values have a code each.
EVERY_VALUE = 128
_DAY = 86_400_000_000


@dataclass(frozen=True)
class Axis:
    """The declared range of an ordered column. Positions are integers, except for the type `number`."""

    column: dict[str, Any]
    lower: int | float
    upper: int | float

    @property
    def whole(self) -> bool:
        return self.column["type"] != "number"

    @property
    def arrow(self) -> pa.DataType:
        return arrow_type(self.column)

    @property
    def end(self) -> int | float:
        """The first position after the range."""
        return self.upper + 1 if self.whole else self.upper

    def positions(self, values: pa.Array) -> np.ndarray:
        """Returns the position of each value, as 64-bit integers where they fit. Missing values are at the start."""
        if pa.types.is_decimal(values.type):
            return self._decimal_positions(values)
        if pa.types.is_date32(values.type):
            values = values.cast(pa.int32())
        if self.whole:
            numbers = pc.fill_null(values.cast(pa.int64()), int(self.lower))
        else:
            numbers = pc.fill_null(values, float(self.lower))
        return np.nan_to_num(
            numbers.to_numpy(zero_copy_only=False), nan=self.lower, posinf=self.upper, neginf=self.lower
        )

    def _decimal_positions(self, values: pa.Array) -> np.ndarray:
        if self.column["precision"] > 18:
            # Only the choice of a bin depends on these positions, so that the precision of a float is enough.
            floats = pc.fill_null(values.cast(pa.float64()), float(self.lower) / 10 ** self.column["scale"])
            return floats.to_numpy(zero_copy_only=False) * 10.0 ** self.column["scale"]
        # The low halves of the 128-bit integers that decimals are.
        words = np.frombuffer(values.buffers()[1], np.int64)[2 * values.offset :][: 2 * len(values) : 2]
        missing = values.is_null().to_numpy(zero_copy_only=False)
        return np.where(missing, int(self.lower), words)

    def values(self, positions: np.ndarray, missing: np.ndarray | None) -> pa.Array:
        """Returns the values at positions."""
        column = self.column
        if column["type"] == "decimal":
            return self._decimals(positions, missing)
        if not self.whole:
            return pa.array(positions, pa.float64(), mask=missing)
        numbers = pa.array(positions.astype(np.int64), pa.int64(), mask=missing)
        if column["type"] == "date":
            return numbers.cast(pa.int32()).cast(pa.date32())
        return numbers.cast(self.arrow)

    def _decimals(self, positions: np.ndarray, missing: np.ndarray | None) -> pa.Array:
        if positions.dtype == object:
            words = b"".join(int(position).to_bytes(16, "little", signed=True) for position in positions)
        else:
            halves = np.empty((len(positions), 2), np.int64)
            halves[:, 0] = positions
            halves[:, 1] = positions >> 63
            words = halves.tobytes()
        present = None if missing is None else pa.array(~missing).buffers()[1]
        return pa.Array.from_buffers(self.arrow, len(positions), [present, pa.py_buffer(words)])

    def equal_edges(self, bins: int) -> list[int | float]:
        """Returns edges of bins of equal width."""
        if self.whole:
            width = int(self.end) - int(self.lower)
            return sorted({int(self.lower) + width * number // bins for number in range(bins + 1)})
        return sorted({float(edge) for edge in np.linspace(self.lower, self.upper, bins + 1)})

    def grid(self) -> list[int | float]:
        """Returns edges of a fine grid: half of equal width, half of a width that grows with the distance from zero.

        The lower bound and zero, which often are frequent values, are cells of their own.
        """
        edges = set(self.equal_edges(GRID if self.column["type"] in ("date", "time", "timestamp") else GRID // 2))
        if self.whole and self.end - self.lower <= GRID:
            return sorted({int(self.lower) + step for step in range(int(self.end - self.lower) + 1)})
        if self.column["type"] in ("integer", "decimal", "number"):
            largest = max(abs(self.lower), abs(self.upper))
            sizes = [largest * 10 ** (-8 * step / (GRID // 4)) for step in range(GRID // 4)]
            points = [sign * (round(size) if self.whole else size) for size in sizes for sign in (-1, 1)]
            for point in (self.lower, 0):
                points += [point, point + 1 if self.whole else point + self._step()]
            edges |= {type(self.lower)(point) for point in points if self.lower <= point <= self.end}
        return sorted(edges)

    def _step(self) -> float:
        return 10.0**-self.decimals

    @property
    def decimals(self) -> int:
        """The number of digits after the decimal point of values of type `number`."""
        if "decimals" in self.column:
            return self.column["decimals"]
        return min(15, max(0, 6 - math.floor(math.log10(max(self.upper - self.lower, 1e-9)))))

    def draw(self, random: np.random.Generator, edges: Sequence[int | float], bins: np.ndarray) -> np.ndarray:
        """Returns a random position in the bin of each row; all positions of a bin are equally likely."""
        if not self.whole:
            lows, widths = np.array(edges[:-1]), np.diff(np.array(edges))
            return self.rounded(lows[bins] + random.random(len(bins)) * widths[bins])
        if edges[0] < -(2**63) or edges[-1] > 2**63:
            return np.array([python_random.randrange(edges[code], edges[code + 1]) for code in bins], object)  # noqa: S311
        lows = np.array([edge % 2**64 for edge in edges[:-1]], np.uint64)
        widths = np.array([min(high - low, 2**64 - 1) for low, high in pairwise(edges)], np.uint64)
        return (lows[bins] + random.integers(0, widths[bins], dtype=np.uint64)).astype(np.int64)

    def rounded(self, positions: np.ndarray) -> np.ndarray:
        """Returns positions of a column of type `number` with the declared number of decimals, within the bounds."""
        return np.clip(np.round(positions, self.decimals), self.lower, self.upper)


def arrow_type(column: dict[str, Any]) -> pa.DataType:
    """Returns the Arrow type of an ordered column."""
    match column["type"]:
        case "integer":
            return pa.int64()
        case "number":
            return pa.float64()
        case "decimal":
            return pa.decimal128(column["precision"], column["scale"])
        case "date":
            return pa.date32()
        case "time":
            return pa.time64("us")
    unit = "ns" if column["unit"] == "nanosecond" else "us"
    return pa.timestamp(unit, tz="UTC" if column["zoned"] else None)


def axis_of(column: dict[str, Any]) -> Axis:
    """Returns the axis of a declared column.

    Raises:
        InvalidRequest: The column does not declare its smallest and largest value.
    """
    bounds = [column.get("minimum"), column.get("maximum")]
    if column["type"] == "time":
        bounds = [bounds[0] or "00:00:00", bounds[1] or "23:59:59.999999"]
    if None in bounds:
        raise InvalidRequest("Declare the smallest and the largest value of this column.", column["name"])
    try:
        lower, upper = (_position(column, text) for text in bounds)
    except (ValueError, ArithmeticError) as error:
        raise InvalidRequest("A bound does not have the form of the column's type.", column["name"]) from error
    if not lower <= upper:
        raise InvalidRequest("The smallest value is larger than the largest.", column["name"])
    return Axis(column, lower, upper)


def _position(column: dict[str, Any], text: str) -> int | float:
    match column["type"]:
        case "number":
            return float(text)
        case "integer" | "decimal":
            return int(Decimal(text).scaleb(column.get("scale", 0)).to_integral_value())
        case "date":
            return date.fromisoformat(text).toordinal() - date(1970, 1, 1).toordinal()
        case "time":
            return _clock(text) // 1000
    day, clock = text.removesuffix("Z").split("T")
    days = date.fromisoformat(day).toordinal() - date(1970, 1, 1).toordinal()
    nanoseconds = days * _DAY * 1000 + _clock(clock)
    return nanoseconds if column["unit"] == "nanosecond" else nanoseconds // 1000


def _clock(text: str) -> int:
    """Returns nanoseconds since midnight."""
    parts = re.fullmatch(r"(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?", text)
    if parts is None:
        raise ValueError
    hours, minutes, seconds = (int(part) for part in parts.groups()[:3])
    whole = timedelta(hours=hours, minutes=minutes, seconds=seconds) // timedelta(seconds=1)
    return whole * 10**9 + int((parts[4] or "0").ljust(9, "0"))
