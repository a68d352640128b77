"""How far a stand-in is from the real table."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from .compared import ComparedColumn

#: The number of random tables of three columns that are compared.
TRIPLES = 100


def total_variation(columns: Sequence[ComparedColumn]) -> float:
    """Returns the error of the table of some columns: the share of rows that would have to change."""
    sizes = [len(column.coded[2]) for column in columns]
    cells = [
        np.ravel_multi_index([column.coded[table] for column in columns], sizes).astype(np.int64) for table in (0, 1)
    ]
    used, places = np.unique(np.concatenate(cells), return_inverse=True)
    shares = [np.bincount(part, minlength=len(used)) / max(1, len(part)) for part in np.split(places, [len(cells[0])])]
    return float(np.abs(shares[0] - shares[1]).sum() / 2)


def one_way(columns: Sequence[ComparedColumn]) -> dict[str, float]:
    """Returns the error of each column."""
    return {column.name: total_variation([column]) for column in columns}


def two_way(columns: Sequence[ComparedColumn]) -> dict[tuple[str, str], float]:
    """Returns the error of each pair of columns."""
    return {(first.name, second.name): total_variation([first, second]) for first, second in combinations(columns, 2)}


def three_way(columns: Sequence[ComparedColumn], random: np.random.Generator) -> float:
    """Returns the mean error of random tables of three columns."""
    triples = list(combinations(columns, 3)) if len(columns) < 10 else []
    if len(triples) > TRIPLES or not triples:
        drawn = [random.choice(len(columns), min(3, len(columns)), replace=False) for _ in range(TRIPLES)]
        triples = [tuple(columns[number] for number in numbers) for numbers in drawn]
    return float(np.mean([total_variation(triple) for triple in triples]))


def correlations(columns: Sequence[ComparedColumn]) -> dict[tuple[str, str], tuple[float, float]]:
    """Returns the correlation of each pair of number columns, in the real table and in the stand-in."""
    numeric = [column for column in columns if column.numeric]
    return {
        (first.name, second.name): (
            _correlation(first.numbers[0], second.numbers[0]),
            _correlation(first.numbers[1], second.numbers[1]),
        )
        for first, second in combinations(numeric, 2)
    }


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    known = ~np.isnan(first) & ~np.isnan(second)
    first, second = first[known], second[known]
    if len(first) < 2 or first.std() == 0 or second.std() == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])
