"""A table of codes: what is left of a table after encoding, and the only form in which queries read it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

#: The group of each code of a column: neighbouring codes, in order. `None` is the column as it is.
Groups = np.ndarray | None
#: Tables of counts up to this size are counted once, and grouped in several ways.
_FULL = 100_000


@dataclass(frozen=True, eq=False)
class View:
    """A table of counts that can be asked for: columns, and how the codes of each are grouped."""

    columns: tuple[int, ...]
    groups: tuple[Groups, ...]
    shape: tuple[int, ...]

    @property
    def cells(self) -> int:
        return int(np.prod(self.shape))

    def aggregate(self, counts: np.ndarray) -> np.ndarray:
        """Returns the counts of this view from the counts of the same columns without groups."""
        for axis, groups in enumerate(self.groups):
            if groups is not None:
                counts = np.add.reduceat(counts, np.searchsorted(groups, np.arange(self.shape[axis])), axis=axis)
        return counts


@dataclass
class CodeTable:
    """Columns of codes, from 0 to before the column's size. Every method works row by row, or counts rows."""

    columns: list[np.ndarray]
    sizes: list[int]
    #: Columns of text whose values are not declared, by the number of the column.
    texts: dict[int, pa.DictionaryArray] = field(default_factory=dict)
    #: The person of each row, as a number, if persons are protected.
    persons: np.ndarray | None = None

    @property
    def rows(self) -> int:
        return max(len(codes) for codes in self.columns)

    def replace(self, column: int, codes: np.ndarray, size: int) -> None:
        """Replaces a column."""
        self.columns[column] = codes.astype(smallest(size))
        self.sizes[column] = size

    def cells(self, view: View) -> np.ndarray:
        """Returns the number of each row's cell in a view."""
        cell = np.zeros(self.rows, np.int32)
        for column, groups, size in zip(view.columns, view.groups, view.shape, strict=True):
            codes = self.columns[column]
            cell *= np.int32(size)
            cell += codes if groups is None else groups.astype(np.int32)[codes]
        return cell


def tabulate(table: CodeTable, views: Sequence[View], weights: np.ndarray | None = None) -> Iterator[np.ndarray]:
    """Yields the exact counts of each view, or sums of weights. Columns that several views share are counted once."""
    full: dict[tuple[int, ...], np.ndarray] = {}
    for view in views:
        shape = tuple(table.sizes[column] for column in view.columns)
        if np.prod(shape) > _FULL:
            yield _count(table, view, weights)
            continue
        if view.columns not in full:
            wider = next((columns for columns in full if columns[1:] == view.columns), None)
            full[view.columns] = (
                _count(table, View(view.columns, (None,) * len(shape), shape), weights)
                if wider is None
                else full[wider].sum(0)
            )
        yield view.aggregate(full[view.columns])


def _count(table: CodeTable, view: View, weights: np.ndarray | None) -> np.ndarray:
    return np.bincount(table.cells(view), weights, view.cells).reshape(view.shape)


def smallest(size: int) -> type:
    """Returns the smallest type for codes of a column."""
    return np.uint8 if size <= 2**8 else np.uint16 if size <= 2**16 else np.int32
