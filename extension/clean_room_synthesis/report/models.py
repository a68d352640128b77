"""A small model that is trained on the stand-in and tested on real rows, and the same model trained on real rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .compared import ComparedColumn

#: Rows that are used for training and testing.
MOST_ROWS = 20_000
_STEPS = 300
_RIDGE = 1e-3


@dataclass(frozen=True)
class Trained:
    """The area under the curve on real rows: .5 is chance, 1 is perfect."""

    target: str
    value: str
    on_stand_in: float
    on_real: float


def trained(columns: Sequence[ComparedColumn], target: str, random: np.random.Generator) -> Trained | None:
    """Predicts whether the target has its most frequent value but one (the rarer one of two) from all other columns."""
    wanted = next(column for column in columns if column.name == target)
    features = [column for column in columns if column.name != target and len(column.coded[2]) > 1]
    real, stand_in, labels = wanted.coded
    frequent = np.argsort(np.bincount(real, minlength=len(labels)))[::-1]
    if len(features) == 0 or len(frequent) < 2:
        return None
    code = frequent[1]
    order = random.permutation(len(real))[:MOST_ROWS]
    test, train = order[::3], np.concatenate([order[1::3], order[2::3]])
    drawn = random.permutation(len(stand_in))[: len(train)]
    sizes = [len(column.coded[2]) for column in features]
    tables = [np.stack([column.coded[which] for column in features], axis=1) for which in (0, 1)]
    truth = real[test] == code
    scores = [
        _fitted(tables[which][rows], wanted.coded[which][rows] == code, sizes)(tables[0][test])
        for which, rows in ((1, drawn), (0, train))
    ]
    return Trained(target, str(labels[code]), *(area(truth, score) for score in scores))


def _fitted(rows: np.ndarray, truth: np.ndarray, sizes: Sequence[int]):
    """Fits a logistic regression on indicators of all codes, by gradient descent with momentum."""
    starts = np.cumsum([0, *sizes[:-1]])
    cells = rows + starts
    weights, speed, bias = np.zeros(sum(sizes)), np.zeros(sum(sizes)), 0.0
    for _ in range(_STEPS):
        wrong = 1 / (1 + np.exp(-np.clip(weights[cells].sum(1) + bias, -30, 30))) - truth
        gradient = np.bincount(cells.ravel(), np.repeat(wrong, cells.shape[1]), len(weights)) / len(rows)
        speed = 0.9 * speed - gradient - _RIDGE * weights
        weights += speed
        bias -= wrong.mean()
    return lambda others: weights[others + starts].sum(1)


def area(truth: np.ndarray, scores: np.ndarray) -> float:
    """Returns the area under the curve of scores."""
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    middle_ranks = np.cumsum(counts) - (counts - 1) / 2
    positive = int(truth.sum())
    if positive in (0, len(truth)):
        return 0.5
    return float(
        (middle_ranks[places][truth].sum() - positive * (positive + 1) / 2) / positive / (len(truth) - positive)
    )
