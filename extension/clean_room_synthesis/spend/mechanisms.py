"""Mechanisms of OpenDP on tables of codes: noisy counts, choices, quantiles, frequent texts.

Four claims about sensitivity are ours, because OpenDP cannot check them:

- A row becomes a cell or a code, or is left out, without regard to other rows. One row changes such a vector by one
  element at most.
- The score of a table of counts is the sum of |count - fit|, minus a constant. One row changes it by at most 1, because
  the fit consists of integers that depend only on earlier answers.
- A row belongs to one text. One row changes one count of texts by 1.
- A row changes the number of rows of one person: one value less and one more in the list of these numbers.

A unit of privacy has `contribution` rows at most, so it changes a table of counts by up to `contribution` in L2: all
its rows can be in one cell.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
import opendp.combinators as combinators
import opendp.domains as domains
import opendp.measurements as measurements
import opendp.measures as measures
import opendp.metrics as metrics
import opendp.mod as mod
import opendp.transformations as transformations
import pyarrow.compute as pc

from ..table import CodeTable, View, tabulate

mod.enable_features("contrib", "honest-but-curious")

_ZCDP = measures.zero_concentrated_divergence()
#: zCDP with a delta, which only thresholds use.
PRIVACY = measures.approximate(_ZCDP)
ROWS = metrics.symmetric_distance()
TABLE = domains.user_domain("CodeTable", lambda value: isinstance(value, CodeTable))
_CODES = domains.vector_domain(domains.atom_domain(T="i32"))
_SCORES = domains.vector_domain(domains.atom_domain(T="i64"))
_TEXTS = domains.map_domain(domains.atom_domain(T="String"), domains.atom_domain(T="i32"))

#: OpenDP rounds losses up. A mechanism takes this share less than planned, so that the last one still fits.
SLACK = 1e-9


@dataclass(frozen=True)
class Candidate:
    """A view that can be chosen, with the counts that a model expects and a penalty for the noise of its counts."""

    view: View
    fit: np.ndarray
    penalty: float


def noise_of(contribution: int, rho: float) -> float:
    """Returns the scale of the noise with which one unit of privacy has the zCDP loss `rho`."""
    return contribution / sqrt(2 * rho * (1 - SLACK))


def row_count(contribution: int, rho: float) -> mod.Measurement:
    """Counts rows."""
    codes = _codes(lambda table: np.zeros(table.rows, np.int32))
    counted = codes >> transformations.then_count(TO="i32")
    return combinators.make_approximate(counted >> measurements.then_gaussian(noise_of(contribution, rho)))


def counts(view: View, contribution: int, rho: float) -> mod.Measurement:
    """Counts the rows of each cell."""
    listed = _codes(lambda table: table.cells(view))
    counted = listed >> _by_code(view.cells)
    return combinators.make_approximate(counted >> measurements.then_gaussian(noise_of(contribution, rho)))


def choice(
    candidates: Sequence[Candidate], contribution: int, rho: float, exact: dict[View, np.ndarray] | None = None
) -> mod.Measurement:
    """Chooses a candidate whose counts differ much from its fit, by the exponential mechanism.

    Args:
        exact: Keeps the exact counts of views for the next choice from the same table.
    """
    kept = {} if exact is None else exact
    fits = [np.rint(candidate.fit).astype(np.int64) for candidate in candidates]
    penalties = [round(candidate.penalty) for candidate in candidates]

    def scores(table: CodeTable) -> np.ndarray:
        missing = [candidate.view for candidate in candidates if exact is None or candidate.view not in kept]
        kept.update(zip(missing, tabulate(table, missing), strict=True))
        scored = zip(candidates, fits, penalties, strict=True)
        return np.array(
            [int(np.abs(kept[candidate.view] - fit).sum()) - penalty for candidate, fit, penalty in scored], np.int64
        )

    scored = transformations.make_user_transformation(
        TABLE, ROWS, _SCORES, metrics.linf_distance(T="i64"), scores, lambda rows: rows
    )
    scale = noise_of(contribution, rho)
    return combinators.make_approximate(scored >> measurements.then_noisy_max(_ZCDP, scale=scale))


def quantile(column: int, size: int, share: float, contribution: int, rho: float) -> mod.Measurement:
    """Finds the code below which about the given share of a column is, among its codes below `size`."""

    def present(table: CodeTable) -> np.ndarray:
        codes = table.columns[column].astype(np.int32)
        return codes[codes < size]

    scale = max(share, 1 - share) * noise_of(contribution, rho)
    found = _codes(present) >> measurements.then_private_quantile(
        _ZCDP, candidates=list(range(size)), alpha=share, scale=scale
    )
    return combinators.make_approximate(found)


def degrees(most: int, contribution: int, rho: float) -> mod.Measurement:
    """Counts the persons that have 1, 2, … `most` rows."""
    listed = transformations.make_user_transformation(
        TABLE,
        ROWS,
        _CODES,
        ROWS,
        lambda table: np.minimum(np.unique(table.persons, return_counts=True)[1], most).astype(np.int32) - 1,
        lambda rows: 2 * rows,
    )
    noisy = listed >> _by_code(most) >> measurements.then_gaussian(2 * noise_of(contribution, rho))
    return combinators.make_approximate(noisy)


def frequent_texts(column: int, contribution: int, rho: float, delta: float) -> mod.Measurement:
    """Counts the texts that occur more often than one unit of privacy can explain, except with probability `delta`.

    OpenDP 0.16.0 omits the mass at the threshold itself (opendp#2922), so delta is met by the threshold below the one
    that is used.
    """

    def histogram(table: CodeTable) -> dict[str, int]:
        counted = pc.value_counts(table.texts[column].drop_null())
        return dict(zip(counted.field(0).to_pylist(), counted.field(1).to_pylist(), strict=True))

    counted = transformations.make_user_transformation(
        TABLE,
        ROWS,
        _TEXTS,
        metrics.l02inf_distance(metrics.absolute_distance(T="i32")),
        histogram,
        lambda rows: (rows, rows, rows),
    )
    noise = noise_of(contribution, rho)

    def above(threshold: int) -> mod.Measurement:
        privacy = "Approximate<ZeroConcentratedDivergence>"
        return counted >> measurements.then_gaussian_threshold(noise, threshold, MO=privacy)

    low, high = contribution, contribution + ceil(40 * noise) + 2
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if above(middle).map(contribution)[1] <= delta else (middle + 1, high)
    return above(low + 1)


def _codes(of: Callable[[CodeTable], np.ndarray]) -> mod.Transformation:
    return transformations.make_user_transformation(TABLE, ROWS, _CODES, ROWS, of, lambda rows: rows)


def _by_code(size: int) -> Callable:
    # Counts are signed, because noise makes them negative: unsigned counts would be cut at zero.
    return transformations.then_count_by_categories(
        categories=np.arange(size, dtype=np.int32), null_category=False, MO="L2Distance<i32>", TOA="i32"
    )
