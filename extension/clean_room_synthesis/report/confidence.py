"""Exact bounds of rates."""

from collections.abc import Callable
from math import log

import numpy as np


def clopper_pearson(hits: int, runs: int, chance: float) -> tuple[float, float]:
    """Returns a lower and an upper bound of a rate. Each of them is wrong with a probability of at most `chance`."""
    low = 0.0 if hits == 0 else _solve(lambda rate: 1 - _cumulative(hits - 1, runs, rate), chance)
    high = 1.0 if hits == runs else _solve(lambda rate: 1 - _cumulative(hits, runs, rate), 1 - chance)
    return max(low, 1e-12), min(high, 1 - 1e-12)


def _solve(rising: Callable[[float], float], value: float) -> float:
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < value else (low, middle)
    return (low + high) / 2


def _cumulative(hits: int, runs: int, rate: float) -> float:
    """Returns the probability of at most `hits` in a number of runs."""
    if not 0 < rate < 1:
        return float(rate <= 0)
    counts = np.arange(runs + 1)
    ways = np.concatenate([[0.0], np.cumsum(np.log((runs - counts[1:] + 1) / counts[1:]))])
    return float(np.exp(ways + counts * log(rate) + (runs - counts) * log(1 - rate))[: hits + 1].sum())
