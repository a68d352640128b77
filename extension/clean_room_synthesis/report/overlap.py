"""Rare values and rows that a stand-in shares with the real table. A `public` stand-in must not copy them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .compared import ComparedColumn

#: A value is rare if at most so many real rows have it.
RARE = 2
#: The share of a stand-in's values that may be rare real ones beyond what another sample of real values would share.
TOLERATED = 0.05


@dataclass(frozen=True)
class Overlap:
    """The share of a stand-in's values, or rows, that are rare real ones."""

    name: str
    copied: float
    #: The share that another sample of the same population would have, estimated with two halves of the real table.
    expected: float

    @property
    def refused(self) -> bool:
        return self.copied > self.expected + TOLERATED


def overlaps(columns: Sequence[ComparedColumn]) -> list[Overlap]:
    """Compares each column whose values are not declared, and whole rows (named `rows`)."""
    open_ = [column for column in columns if "categories" not in column.column and column.column["type"] != "boolean"]
    compared = [_overlap(column.name, _texts(column.real), _texts(column.stand_in)) for column in open_]
    return [*compared, _overlap("rows", *_rows(columns))]


def reasons(found: Sequence[Overlap]) -> list[str]:
    """Returns why a stand-in must not be public. An empty list means that it may be."""
    return [
        f"{overlap.copied:.0%} of {'its rows' if overlap.name == 'rows' else f'the values of {overlap.name}'} are "
        f"copies of rare real ones; about {overlap.expected:.0%} would agree by chance."
        for overlap in found
        if overlap.refused
    ]


def _overlap(name: str, real: np.ndarray, stand_in: np.ndarray) -> Overlap:
    order = np.random.default_rng(0).permutation(len(real))
    first, second = real[order[::2]], real[order[1::2]]
    # A half has half of the values that can agree.
    return Overlap(name, _share(real, stand_in), min(1.0, 2 * _share(first, second)))


def _share(real: np.ndarray, others: np.ndarray) -> float:
    values, counts = np.unique(real, return_counts=True)
    return float(np.isin(others, values[counts <= RARE]).mean()) if len(others) else 0.0


def _texts(values: pa.Array) -> np.ndarray:
    return values.drop_null().cast(pa.string()).to_numpy(zero_copy_only=False).astype(str)


def _rows(columns: Sequence[ComparedColumn]) -> tuple[np.ndarray, np.ndarray]:
    """Returns a number for each row of both tables; equal rows have equal numbers."""
    rows = np.zeros(len(columns[0].real) + len(columns[0].stand_in), np.int64)
    for column in columns:
        both = [pc.fill_null(values.cast(pa.string()), "\0") for values in (column.real, column.stand_in)]
        codes = pa.chunked_array(both).dictionary_encode().unify_dictionaries().combine_chunks().indices
        pairs = rows * (1 + len(rows)) + codes.to_numpy(zero_copy_only=False)
        rows = np.unique(pairs, return_inverse=True)[1]
    real, stand_in = np.split(rows, [len(columns[0].real)])
    return real, stand_in
