"""Turns noisy counts into consistent ones. Everything here is computed from answers that already have noise."""

import numpy as np

#: A cell never becomes quite empty, so that fitting can still fill it.
_FLOOR = 1e-9
#: Standard deviations of noise that a count must exceed to show that there are values at all.
_CERTAIN = 3.5
_FAR = 1e15
#: The number of neighbouring codes that are smoothed together.
_WINDOW = 6


def project(counts: np.ndarray, total: float) -> np.ndarray:
    """Returns the nearest counts that are not negative and have the given sum."""
    flat = counts.ravel()
    descending = np.sort(flat)[::-1]
    excess = (np.cumsum(descending) - total) / np.arange(1, len(flat) + 1)
    last = np.flatnonzero(descending - excess > 0)[-1]
    return np.maximum(counts - excess[last], 0)


def shrink(noisy: np.ndarray, prior: np.ndarray, noise: float) -> np.ndarray:
    """Moves noisy counts towards a prior, by as much as noise explains their distance (James-Stein, positive part)."""
    difference = noisy - prior
    distance = float((difference**2).sum())
    kept = max(0.0, 1 - difference.size * noise**2 / distance) if distance > 0 else 0.0
    return prior + kept * difference


def trim(noisy: np.ndarray, outer: int, noise: float) -> np.ndarray:
    """Empties those of the first codes before which noise explains all counts.

    Args:
        outer: The number of codes that may be empty.
    """
    explained = np.cumsum(noisy[:, :outer], axis=1) <= _CERTAIN * noise * np.sqrt(np.arange(1, outer + 1))
    empty = np.zeros_like(noisy, bool)
    empty[:, :outer] = np.cumprod(explained, axis=1)
    # So far below zero that a projection, which may add something to all counts, leaves them empty.
    return np.where(empty, -_FAR, noisy)


def smooth(noisy: np.ndarray, noise: float) -> np.ndarray:
    """Moves counts towards those of neighbouring codes, in each part of the codes separately."""
    size = noisy.shape[1]
    if size < 2 * _WINDOW:
        return noisy
    padded = np.pad(noisy, [(0, 0), (2, 2)], mode="reflect")
    neighbours = (padded[:, :-4] + 2 * padded[:, 1:-3] + 2 * padded[:, 3:-1] + padded[:, 4:]) / 6
    parts = np.array_split(np.arange(size), size // _WINDOW)
    return np.concatenate(
        [
            np.stack([shrink(*pair, noise) for pair in zip(noisy[:, part], neighbours[:, part], strict=True)])
            for part in parts
        ],
        axis=1,
    )


def combine(noisy: list[np.ndarray], noises: list[float]) -> np.ndarray:
    """Returns the mean of several measurements of the same counts, weighted by the inverse of their variances."""
    weights = np.array([noise**-2 for noise in noises])
    return np.tensordot(weights / weights.sum(), np.stack(noisy), axes=1)


def fit(table: np.ndarray, rows: np.ndarray, columns: np.ndarray, rounds: int = 30) -> np.ndarray:
    """Returns a table near `table` with the given sums of rows and columns (iterative proportional fitting).

    All arrays have a first axis of strata, which are fitted independently.
    """
    prior = rows[:, :, None] * columns[:, None, :]
    prior /= np.maximum(rows.sum(1), _FLOOR)[:, None, None]
    fitted = np.maximum(table, 0) + 1e-3 * prior + _FLOOR
    for _ in range(rounds):
        fitted *= (rows / np.maximum(fitted.sum(2), _FLOOR))[:, :, None]
        fitted *= (columns / np.maximum(fitted.sum(1), _FLOOR))[:, None, :]
    return fitted


def groups_of(counts: np.ndarray, number: int) -> np.ndarray:
    """Returns a group for each code: neighbouring codes, and groups of about equal counts."""
    middle = np.cumsum(counts) - counts / 2
    group = np.minimum((middle / max(counts.sum(), _FLOOR) * number).astype(np.int64), number - 1)
    return np.unique(group, return_inverse=True)[1].reshape(-1)


def grouped(counts: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    """Returns counts of groups from counts of codes, which are the last axis."""
    if groups is None:
        return counts
    return np.add.reduceat(counts, np.searchsorted(groups, np.arange(int(groups.max()) + 1)), axis=-1)


def deal(random: np.random.Generator, blocks: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Draws a code for each row, by the weights of the row's block.

    Within a block, the number of rows of a code differs by less than one from what its weight says (systematic
    sampling); which rows have it is random.

    Args:
        blocks: The block of each row.
        weights: A row of weights for each block.
    """
    if len(blocks) == 0:
        return np.zeros(0, np.int32)
    order = np.argsort(blocks + random.random(len(blocks)) * 0.999, kind="stable")
    sorted_blocks = blocks[order]
    sizes = np.bincount(blocks, minlength=len(weights))
    starts = np.cumsum(sizes) - sizes
    rank = np.arange(len(blocks)) - starts[sorted_blocks]
    position = (rank + random.random(len(weights))[sorted_blocks]) / np.maximum(sizes, 1)[sorted_blocks]
    weights = np.maximum(weights, 0) + _FLOOR * (weights.sum(1, keepdims=True) <= 0)
    ends = np.cumsum(weights, axis=1)
    ends = ends / ends[:, -1:] + np.arange(len(weights))[:, None]
    codes = np.searchsorted(ends.ravel(), sorted_blocks + np.minimum(position, 1 - 1e-12), side="right")
    dealt = np.empty(len(blocks), np.int32)
    dealt[order] = np.minimum(codes - sorted_blocks * weights.shape[1], weights.shape[1] - 1)
    return dealt
