"""Everything that spends privacy: noise, selection, thresholds, composition and conversion, all by OpenDP.

This is the only module that imports OpenDP, and the only one that computes from rows what leaves a table. Four claims about
sensitivity are ours, because OpenDP cannot check them:

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
from dataclasses import dataclass, field
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

from .table import CodeTable, View, tabulate

mod.enable_features("contrib", "honest-but-curious")

_ZCDP = measures.zero_concentrated_divergence()
_PRIVACY = measures.approximate(_ZCDP)
_ROWS = metrics.symmetric_distance()
_TABLE = domains.user_domain("CodeTable", lambda value: isinstance(value, CodeTable))
_CODES = domains.vector_domain(domains.atom_domain(T="i32"))
_SCORES = domains.vector_domain(domains.atom_domain(T="i64"))
_TEXTS = domains.map_domain(domains.atom_domain(T="String"), domains.atom_domain(T="i32"))

#: OpenDP rounds losses up. A query takes this share less than planned, so that the last one still fits.
SLACK = 1e-9
#: Queries in one composition. The cost of the privacy filter grows with the square of the number of compositions.
BATCH = 64


@dataclass(frozen=True)
class Query:
    """An entry of the list of queries: what was asked, and its loss."""

    kind: str
    columns: tuple[int, ...]
    rho: float
    delta: float = 0.0
    #: The number of counts in the answer.
    cells: int = 1


@dataclass(frozen=True)
class Candidate:
    """A view that can be chosen, with the counts that a model expects and a penalty for the noise of its counts."""

    view: View
    fit: np.ndarray
    penalty: float


@dataclass
class Release:
    """Answers queries about a table until its privacy is spent."""

    table: CodeTable
    contribution: int
    epsilon: float
    delta: float
    #: The part of delta that thresholds may use.
    threshold_delta: float = 0.0
    queries: list[Query] = field(default_factory=list)
    #: Exact counts that choices have already used. They never leave this object.
    _exact: dict[View, np.ndarray] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        #: The zCDP loss that corresponds to epsilon and delta.
        self.rho: float = mod.binary_search(
            lambda rho: self._converted(rho).check(self.contribution, (self.epsilon, self.delta)), bounds=(1e-12, 100.0)
        )
        self._filter = self._privacy_filter(self.rho)
        self._answer = self._filter(self.table)

    def _privacy_filter(self, rho: float) -> mod.Measurement:
        odometer = combinators.make_fully_adaptive_composition(_TABLE, _ROWS, _PRIVACY)
        return combinators.make_privacy_filter(odometer, d_in=self.contribution, d_out=(rho, self.threshold_delta))

    def _converted(self, rho: float) -> mod.Measurement:
        return combinators.make_fix_delta(combinators.make_zCDP_to_approxDP(self._privacy_filter(rho)), self.delta)

    @property
    def spent(self) -> tuple[float, float]:
        """The loss of all answers so far: rho, and the delta of thresholds."""
        return self._answer.privacy_loss(self.contribution)

    def noise_of(self, rho: float) -> float:
        """Returns the standard deviation of the noise of a query of loss `rho`."""
        return self.contribution / sqrt(2 * rho * (1 - SLACK))

    def count(self, rho: float) -> int:
        """Returns the number of rows with noise."""
        codes = self._codes(lambda table: np.zeros(table.rows, np.int32))
        measured = codes >> transformations.then_count(TO="i32") >> measurements.then_gaussian(self.noise_of(rho))
        return int(self._ask(Query("count", (), rho), measured))

    def counts(self, view: View, rho: float) -> np.ndarray:
        """Returns a table of counts with noise."""
        return self.many_counts([view], [rho])[0]

    def many_counts(self, views: Sequence[View], rhos: Sequence[float]) -> list[np.ndarray]:
        """Returns several tables of counts with noise."""
        noisy = []
        for start in range(0, len(views), BATCH):
            part = list(zip(views[start : start + BATCH], rhos[start : start + BATCH], strict=True))
            parts = [self._approximate(self._counts(view, rho)) for view, rho in part]
            answers = self._answer(combinators.make_composition(parts))
            self.queries += [Query("counts", view.columns, rho, cells=view.cells) for view, rho in part]
            noisy += [
                np.asarray(answer, np.float64).reshape(view.shape)
                for (view, _), answer in zip(part, answers, strict=True)
            ]
        return noisy

    def _counts(self, view: View, rho: float) -> mod.Measurement:
        categories = np.arange(view.cells, dtype=np.int32)
        counted = self._codes(lambda table: table.cells(view)) >> transformations.then_count_by_categories(
            categories=categories, null_category=False, MO="L2Distance<i32>", TOA="i32"
        )
        return counted >> measurements.then_gaussian(self.noise_of(rho))

    def choose(self, candidates: Sequence[Candidate], rho: float) -> int:
        """Returns the number of a candidate whose counts differ much from its fit, by the exponential mechanism."""
        fits = [np.rint(candidate.fit).astype(np.int64) for candidate in candidates]
        penalties = [round(candidate.penalty) for candidate in candidates]

        def scores(table: CodeTable) -> np.ndarray:
            counted = self._exact_counts(table, [candidate.view for candidate in candidates])
            return np.array(
                [
                    int(np.abs(counts - fit).sum()) - penalty
                    for counts, fit, penalty in zip(counted, fits, penalties, strict=True)
                ],
                np.int64,
            )

        scored = transformations.make_user_transformation(
            _TABLE, _ROWS, _SCORES, metrics.linf_distance(T="i64"), scores, lambda rows: rows
        )
        chosen = scored >> measurements.then_noisy_max(_ZCDP, scale=self.noise_of(rho))
        columns = sorted({column for candidate in candidates for column in candidate.view.columns})
        return self._ask(Query("choice", tuple(columns), rho), chosen)

    def _exact_counts(self, table: CodeTable, views: list[View]) -> list[np.ndarray]:
        missing = [view for view in views if view not in self._exact]
        self._exact |= zip(missing, tabulate(table, missing), strict=True)
        return [self._exact[view] for view in views]

    def quantiles(self, column: int, size: int, shares: Sequence[float], rho: float) -> list[int]:
        """Returns codes below which about the given shares of a column are, among its codes below `size`."""

        def present(table: CodeTable) -> np.ndarray:
            codes = table.columns[column].astype(np.int32)
            return codes[codes < size]

        codes = self._codes(present)
        part = rho / len(shares)
        parts = [
            self._approximate(
                codes
                >> measurements.then_private_quantile(
                    _ZCDP,
                    candidates=list(range(size)),
                    alpha=share,
                    scale=max(share, 1 - share) * self.noise_of(part),
                )
            )
            for share in shares
        ]
        answers = self._answer(combinators.make_composition(parts))
        self.queries.append(Query("quantiles", (column,), rho))
        return [int(answer) for answer in answers]

    def texts(self, column: int, rho: float, delta: float) -> dict[str, int]:
        """Returns texts that occur often enough, with their noisy counts."""

        def histogram(table: CodeTable) -> dict[str, int]:
            counted = pc.value_counts(table.texts[column].drop_null())
            return dict(zip(counted.field(0).to_pylist(), counted.field(1).to_pylist(), strict=True))

        counted = transformations.make_user_transformation(
            _TABLE,
            _ROWS,
            _TEXTS,
            metrics.l02inf_distance(metrics.absolute_distance(T="i32")),
            histogram,
            lambda rows: (rows, rows, rows),
        )
        measured = counted >> self._threshold(rho, delta, counted)
        answer = self._answer(measured)
        self.queries.append(Query("texts", (column,), rho, delta))
        return answer

    def degrees(self, most: int, rho: float) -> np.ndarray:
        """Returns the noisy numbers of persons that have 1, 2, … `most` rows."""
        listed = transformations.make_user_transformation(
            _TABLE,
            _ROWS,
            _CODES,
            _ROWS,
            lambda table: np.minimum(np.unique(table.persons, return_counts=True)[1], most).astype(np.int32) - 1,
            lambda rows: 2 * rows,
        )
        counted = listed >> transformations.then_count_by_categories(
            categories=np.arange(most, dtype=np.int32), null_category=False, MO="L2Distance<i32>", TOA="i32"
        )
        answer = self._ask(Query("degrees", (), rho), counted >> measurements.then_gaussian(2 * self.noise_of(rho)))
        return np.asarray(answer, np.float64)

    def _threshold(self, rho: float, delta: float, counted: mod.Transformation) -> Callable:
        """Returns the noise and threshold for texts.

        OpenDP 0.16.0 omits the mass at the threshold itself (opendp#2922), so delta is met by the threshold below the
        one that is used.
        """
        noise = self.noise_of(rho)

        def release(threshold: int) -> Callable:
            return measurements.then_gaussian_threshold(noise, threshold, MO="Approximate<ZeroConcentratedDivergence>")

        low, high = self.contribution, self.contribution + ceil(40 * noise) + 2
        while low < high:
            middle = (low + high) // 2
            meets = (counted >> release(middle)).map(self.contribution)[1] <= delta
            low, high = (low, middle) if meets else (middle + 1, high)
        return release(low + 1)

    def _codes(self, of: Callable[[CodeTable], np.ndarray]) -> mod.Transformation:
        return transformations.make_user_transformation(_TABLE, _ROWS, _CODES, _ROWS, of, lambda rows: rows)

    def _approximate(self, measured: mod.Measurement) -> mod.Measurement:
        return combinators.make_approximate(measured)

    def _ask(self, query: Query, measured: mod.Measurement) -> object:
        answer = self._answer(self._approximate(measured))
        self.queries.append(query)
        return answer
