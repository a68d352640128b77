"""Lower bounds on what a mechanism reveals, from many answers about two neighbouring tables."""

from collections.abc import Callable
from dataclasses import dataclass
from math import log, sqrt
from statistics import NormalDist

import numpy as np

from clean_room_synthesis.report.confidence import clopper_pearson
from clean_room_synthesis.table import CodeTable

#: The probability that a bound is too large by chance.
CHANCE = 1e-4


@dataclass(frozen=True)
class Rates:
    """Bounds of the rates with which a test that was chosen on other answers takes each table for the second one."""

    true_low: float
    false_high: float


@dataclass(frozen=True)
class Case:
    """A mechanism, two neighbouring tables, and a number that tells the answers about them apart."""

    #: Builds the mechanism for a loss `rho`.
    mechanism: Callable[[float], Callable[[CodeTable], object]]
    without: CodeTable
    with_unit: CodeTable
    statistic: Callable[[object], float]
    #: Gaussian noise is judged by mu, the exponential mechanism by its odds.
    bound: Callable[[Rates], float]
    allowed: Callable[[float], float]
    #: Whether the claim is tight, so that half of the noise is noticed. A cautious claim only notices its absence.
    tight: bool = True
    rho: float = 0.5


def mu(rates: Rates) -> float:
    """Returns a lower bound of mu: two normal distributions that are farther apart would explain the rates."""
    normal = NormalDist()
    return normal.inv_cdf(rates.true_low) - normal.inv_cdf(rates.false_high)


def gaussian_mu(rho: float) -> float:
    """Returns the mu of Gaussian noise with the loss `rho`."""
    return sqrt(2 * rho)


def log_odds(rates: Rates) -> float:
    """Returns a lower bound of the change of the log-odds of an event."""
    return log(rates.true_low / (1 - rates.true_low)) - log(rates.false_high / (1 - rates.false_high))


def bounded_range(rho: float) -> float:
    """Returns the change of log-odds that an exponential mechanism with the loss `rho` = epsilon² / 8 may cause."""
    return sqrt(8 * rho)


def rates_of(case: Case, runs: int) -> Rates:
    """Asks about both tables, chooses a threshold on one half of the answers, and counts on the other half."""
    mechanism = case.mechanism(case.rho)
    scores = [
        np.array([case.statistic(mechanism(table)) for _ in range(runs)]) for table in (case.without, case.with_unit)
    ]
    (without, without_held), (with_unit, with_held) = (np.split(values, 2) for values in scores)
    thresholds = np.unique(np.quantile(np.concatenate([without, with_unit]), np.linspace(0.01, 0.99, 99)))
    _, sign, threshold = max(
        (case.bound(_estimate(without, with_unit, sign, threshold)), sign, threshold)
        for sign in (1, -1)
        for threshold in thresholds
    )
    true, false = (int((sign * held >= sign * threshold).sum()) for held in (with_held, without_held))
    return Rates(clopper_pearson(true, len(with_held), CHANCE)[0], clopper_pearson(false, len(without_held), CHANCE)[1])


def _estimate(without: np.ndarray, with_unit: np.ndarray, sign: int, threshold: float) -> Rates:
    """Returns cautious rates quickly: with them, only a threshold is chosen."""
    true, false = (
        ((sign * values >= sign * threshold).sum() + 2) / (len(values) + 4) for values in (with_unit, without)
    )
    margin = 3 / sqrt(len(without))
    low, high = true - margin * sqrt(true * (1 - true)), false + margin * sqrt(false * (1 - false))
    return Rates(float(np.clip(low, 1e-6, 1 - 1e-6)), float(np.clip(high, 1e-6, 1 - 1e-6)))
