"""A release: answers queries about a table until its budget is spent. OpenDP composes and converts the losses."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import opendp.combinators as combinators
import opendp.mod as mod

from ..table import CodeTable, View
from . import mechanisms
from .mechanisms import PRIVACY, ROWS, TABLE, Candidate

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


@dataclass
class Release:
    """Answers queries about a table. A query that would exceed the budget fails."""

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
        self._answer = self._filter(self.rho)(self.table)

    def _filter(self, rho: float) -> mod.Measurement:
        odometer = combinators.make_fully_adaptive_composition(TABLE, ROWS, PRIVACY)
        return combinators.make_privacy_filter(odometer, d_in=self.contribution, d_out=(rho, self.threshold_delta))

    def _converted(self, rho: float) -> mod.Measurement:
        return combinators.make_fix_delta(combinators.make_zCDP_to_approxDP(self._filter(rho)), self.delta)

    @property
    def spent(self) -> tuple[float, float]:
        """The loss of all answers so far: rho, and the delta of thresholds."""
        return self._answer.privacy_loss(self.contribution)

    def noise_of(self, rho: float) -> float:
        """Returns the standard deviation of the noise of counts of loss `rho`."""
        return mechanisms.noise_of(self.contribution, rho)

    def count(self, rho: float) -> int:
        """Returns the number of rows with noise."""
        return int(self._ask(Query("count", (), rho), mechanisms.row_count(self.contribution, rho)))

    def counts(self, view: View, rho: float) -> np.ndarray:
        """Returns a table of counts with noise."""
        return self.many_counts([view], [rho])[0]

    def many_counts(self, views: Sequence[View], rhos: Sequence[float]) -> list[np.ndarray]:
        """Returns several tables of counts with noise."""
        noisy: list[np.ndarray] = []
        for start in range(0, len(views), BATCH):
            part = list(zip(views[start : start + BATCH], rhos[start : start + BATCH], strict=True))
            answers = self._answer(
                combinators.make_composition([mechanisms.counts(view, self.contribution, rho) for view, rho in part])
            )
            self.queries += [Query("counts", view.columns, rho, cells=view.cells) for view, rho in part]
            noisy += [
                np.asarray(one, np.float64).reshape(view.shape) for (view, _), one in zip(part, answers, strict=True)
            ]
        return noisy

    def choose(self, candidates: Sequence[Candidate], rho: float) -> int:
        """Returns the number of a candidate whose counts differ much from its fit."""
        columns = sorted({column for candidate in candidates for column in candidate.view.columns})
        measured = mechanisms.choice(candidates, self.contribution, rho, self._exact)
        return self._ask(Query("choice", tuple(columns), rho), measured)

    def quantiles(self, column: int, size: int, shares: Sequence[float], rho: float) -> list[int]:
        """Returns codes below which about the given shares of a column are. Each share has the same part of `rho`."""
        part = rho / len(shares)
        parts = [mechanisms.quantile(column, size, share, self.contribution, part) for share in shares]
        answers = self._ask(Query("quantiles", (column,), rho), combinators.make_composition(parts))
        return [int(answer) for answer in answers]

    def texts(self, column: int, rho: float, delta: float) -> dict[str, int]:
        """Returns texts that occur often enough, with their noisy counts."""
        measured = mechanisms.frequent_texts(column, self.contribution, rho, delta)
        return self._ask(Query("texts", (column,), rho, delta), measured)

    def degrees(self, most: int, rho: float) -> np.ndarray:
        """Returns the noisy numbers of persons that have 1, 2, … `most` rows."""
        answer = self._ask(Query("degrees", (), rho), mechanisms.degrees(most, self.contribution, rho))
        return np.asarray(answer, np.float64)

    def _ask(self, query: Query, measured: mod.Measurement) -> object:
        answer = self._answer(measured)
        self.queries.append(query)
        return answer
