"""Turns values into codes and codes into values, by the declared schema. Nothing here is learned from data."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .axis import EVERY_VALUE, Axis, axis_of
from .failure import InvalidRequest
from .formats import parse_format, regenerate
from .request import ColumnRequest

#: Bins of an axis if the request does not say more.
AUTO_BINS = 16
_ORDERED = ("integer", "decimal", "number", "date", "time", "timestamp")


class Codec:
    """Codes of one column. If the column may have missing values, its last code is for those."""

    def __init__(self, column: dict[str, Any], size: int):
        self.column = column
        self.nullable: bool = column["nullable"]
        self.present = size

    @property
    def size(self) -> int:
        """The number of codes."""
        return self.present + self.nullable

    @property
    def arrow(self) -> pa.DataType:
        """The type with which values are read."""
        return pa.string()

    def encode(self, values: pa.Array) -> np.ndarray:
        """Returns a code for each value. Values that do not fit the declaration have the first code."""
        codes = np.clip(self._encode(values), 0, self.present - 1).astype(np.int32)
        missing = values.is_null().to_numpy(zero_copy_only=False)
        return np.where(missing, self.present if self.nullable else 0, codes).astype(np.int32)

    def decode(self, random: np.random.Generator, codes: np.ndarray) -> pa.Array:
        """Returns a value for each code."""
        missing = codes == self.present if self.nullable else None
        return self._decode(random, np.minimum(codes, self.present - 1), missing)

    def _encode(self, values: pa.Array) -> np.ndarray:
        raise NotImplementedError

    def _decode(self, random: np.random.Generator, codes: np.ndarray, missing: np.ndarray | None) -> pa.Array:
        raise NotImplementedError


class Categories(Codec):
    """A column whose values are declared: a code for each."""

    def __init__(self, column: dict[str, Any]):
        texts = column.get("categories", ["false", "true"])
        super().__init__(column, len(texts))
        self.texts = pa.array(texts, pa.string())

    def _encode(self, values: pa.Array) -> np.ndarray:
        return pc.fill_null(pc.index_in(values, self.texts), 0).to_numpy(zero_copy_only=False)

    def _decode(self, random: np.random.Generator, codes: np.ndarray, missing: np.ndarray | None) -> pa.Array:
        values = self.texts.take(pa.array(codes, mask=missing))
        types = {"integer": pa.int64(), "boolean": pa.bool_()}
        return values.cast(types.get(self.column["type"], pa.string()))


class Bins(Codec):
    """An ordered column: a code for each bin. Within a bin, values are equally likely."""

    def __init__(self, axis: Axis, edges: list[int | float], automatic: bool = False):
        super().__init__(axis.column, max(1, len(edges) - 1))
        self.axis = axis
        self.edges = edges if len(edges) > 1 else [axis.lower, axis.end]
        #: Whether the edges are a grid from which a query chooses bins.
        self.automatic = automatic
        #: The numbers of the first and of the last bins that are beyond where a query found values.
        self.outer = (0, 0)

    @property
    def arrow(self) -> pa.DataType:
        return self.axis.arrow

    def _encode(self, values: pa.Array) -> np.ndarray:
        positions = self.axis.positions(values)
        inner = self.edges[1:-1]
        whole = positions.dtype == np.int64
        return np.searchsorted(np.array(inner, np.int64 if whole else np.float64), positions, side="right")

    def _decode(self, random: np.random.Generator, codes: np.ndarray, missing: np.ndarray | None) -> pa.Array:
        positions = self.axis.draw(random, self.edges, codes)
        return self.axis.values(positions, missing)

    def equal_starts(self, bins: int) -> list[int]:
        """Returns the codes of the grid at which bins of equal width begin."""
        grid = np.array(self.edges[:-1], np.float64)
        wanted = np.array(self.axis.equal_edges(bins)[:-1], np.float64)
        return sorted({int(start) for start in np.searchsorted(grid, wanted)})

    def with_more_starts(self, starts: Sequence[int], bins: int) -> list[int]:
        """Returns the given codes of the grid, and more: at equal distances between them, at doubling ones outside.

        A declared bound is often far from all values. Bins of doubling width tell how far the values reach.
        """
        edges = np.array(self.edges[:-1], np.float64)
        ordered = sorted(starts)
        low, middle, high = (edges[ordered[at]] for at in (0, len(ordered) // 2, -1))
        smallest = max(np.diff(edges).min(), (edges[-1] - edges[0]) * 1e-12)
        wanted = list(np.linspace(low, high, max(bins, 1) + 1))
        for start, direction in ((low, -1), (high, 1)):
            width = max(abs(start - middle) / 2, smallest)
            while edges[0] < start < edges[-1]:
                start += direction * width
                width *= 2
                wanted.append(start)
        more = np.searchsorted(edges, [edge for edge in wanted if edges[0] < edge < edges[-1]])
        return [*starts, *({int(start) for start in more} - {*starts})]

    def coarsen(self, starts: Sequence[int], inner: tuple[int, int]) -> tuple["Bins", np.ndarray]:
        """Returns bins that begin at some codes of the grid, and the new code of each code.

        A code that occurs more than once in `starts` is a frequent value: it becomes a bin of its own.

        Args:
            inner: The smallest and the largest code that a query found.
        """
        frequent = {start for start in starts if list(starts).count(start) > 1}
        first = sorted({0, *starts, *(start + 1 for start in frequent)} - {self.present})
        coarse = Bins(self.axis, [*(self.edges[start] for start in first), self.edges[-1]])
        coarse.outer = (first.index(inner[0]), len(first) - 1 - first.index(inner[1]))
        lookup = np.searchsorted(np.array(first), np.arange(self.present), side="right") - 1
        return coarse, np.append(lookup, coarse.present) if self.nullable else lookup


class Invented(Codec):
    """A column whose values never come from data: only whether a value is missing is modelled."""

    def __init__(self, column: dict[str, Any]):
        super().__init__(column, 1)

    def _encode(self, values: pa.Array) -> np.ndarray:
        return np.zeros(len(values), np.int32)

    def _decode(self, random: np.random.Generator, codes: np.ndarray, missing: np.ndarray | None) -> pa.Array:
        values = regenerate(random, self.column, len(codes))
        return values if missing is None else pc.if_else(pa.array(missing), pa.scalar(None, values.type), values)


class Discovered(Invented):
    """A column of text whose frequent values are found by a query. All other values are invented."""

    def __init__(self, column: dict[str, Any], texts: Sequence[str] | None = None):
        super().__init__(column)
        self.known = texts is not None
        self.texts = pa.array(texts or [], pa.string())
        self.present = 1 + len(self.texts)

    @property
    def arrow(self) -> pa.DataType:
        return pa.dictionary(pa.int32(), pa.string())

    def _encode(self, values: pa.Array) -> np.ndarray:
        found = pc.index_in(values.dictionary, self.texts)
        codes = pc.fill_null(found.take(values.indices), len(self.texts))
        return codes.to_numpy(zero_copy_only=False)

    def _decode(self, random: np.random.Generator, codes: np.ndarray, missing: np.ndarray | None) -> pa.Array:
        other = regenerate(random, self.column, len(codes))
        known = self.texts.take(pa.array(codes, mask=codes == len(self.texts)))
        values = pc.coalesce(known, other)
        return values if missing is None else pc.if_else(pa.array(missing), pa.scalar(None, values.type), values)


def codec_of(request: ColumnRequest) -> Codec:
    """Returns the codec of a declared column.

    Raises:
        InvalidRequest: The declaration is not enough to model the column.
    """
    column = request.column
    if column.get("role") == "identifier" or column["type"] == "uuid":
        if column["type"] in _ORDERED and column["type"] != "integer":
            axis_of(column)
        if "format" in column:
            parse_format(column["format"], column["name"])
        return Invented(column)
    if column["type"] == "boolean" or "categories" in column:
        return Categories(column)
    if column["type"] in _ORDERED:
        return _bins(request)
    if "format" in column:
        parse_format(column["format"], column["name"])
        return Invented(column)
    return Discovered(column) if request.discover else Invented(column)


def _bins(request: ColumnRequest) -> Bins:
    axis = axis_of(request.column)
    if isinstance(request.bins, int):
        if not 1 <= request.bins <= 1000:
            raise InvalidRequest("The number of bins is between 1 and 1000.", request.name)
        return Bins(axis, axis.equal_edges(request.bins))
    if request.bins is None and axis.whole and axis.end - axis.lower <= EVERY_VALUE:
        return Bins(axis, axis.grid())
    return Bins(axis, axis.grid(), automatic=True)
