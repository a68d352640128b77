"""Improves a tree in rounds: measures the relation that its rows show worst, and weighs the rows until they show it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from . import infer
from .spend.mechanisms import Candidate
from .spend.release import Release
from .table import CodeTable, View, tabulate
from .tree import Layout, Margins, Tree, relations

ROUNDS = 24
#: The part of each round's budget that chooses the relation.
CHOICE = 0.15
LEVELS = (16, 8, 4)
#: Rows that are drawn from the tree, for each row of the table, and at most.
POOL = 4
LARGEST_POOL = 200_000
#: Sweeps over all constraints after each round, and after the last one.
SWEEPS = 2
LAST_SWEEPS = 8
#: The largest change of a row's weight in one step, which bounds what a constraint on nearly empty cells can do.
_STEP = 1000.0


@dataclass(frozen=True)
class Constraint:
    """The cell of each row in a view, and the counts that the weights of the rows are to have there."""

    cells: np.ndarray
    counts: np.ndarray


@dataclass
class Pool:
    """Rows drawn from a tree, with weights."""

    columns: tuple[int, ...]
    table: CodeTable
    weights: np.ndarray

    def constraint(self, view: View, counts: np.ndarray) -> Constraint:
        return Constraint(self.table.cells(view), np.maximum(counts, 0).ravel())

    def rake(self, constraints: Sequence[Constraint], sweeps: int) -> None:
        """Weighs the rows so that they have the counts of all constraints, as nearly as possible."""
        for constraint in list(constraints) * sweeps:
            now = np.bincount(constraint.cells, self.weights, len(constraint.counts))
            factor = np.divide(constraint.counts, now, out=np.ones_like(now), where=now > 1e-6)
            self.weights *= np.clip(factor, 1 / _STEP, _STEP)[constraint.cells]

    def draw(self, random: np.random.Generator, rows: int) -> dict[int, np.ndarray]:
        """Returns rows in proportion to their weights."""
        order = random.permutation(len(self.weights))
        ends = np.cumsum(self.weights[order])
        positions = (random.random() + np.arange(rows)) / rows * ends[-1]
        chosen = random.permutation(order[np.minimum(np.searchsorted(ends, positions), len(order) - 1)])
        return {column: self.table.columns[column][chosen] for column in self.columns}


def improve(release: Release, tree: Tree, random: np.random.Generator, rho: float) -> Pool:
    """Measures relations in rounds and weighs rows of the tree."""
    pool = _pool(tree, random)
    constraints = [
        *(pool.constraint(tree.layout.view(edge.columns, edge.groups), edge.counts) for edge in tree.edges),
        *(
            pool.constraint(tree.layout.view((column,), (None,)), tree.margins.of[column])
            for column in tree.layout.features
        ),
    ]
    chosen_with, counted_with = rho * CHOICE / ROUNDS, rho * (1 - CHOICE) / ROUNDS
    noise = release.noise_of(counted_with)
    candidates = _candidates(tree, noise)
    raked: list[Constraint] = []
    for _ in range(ROUNDS if candidates else 0):
        fits = tabulate(pool.table, [candidate.view for candidate in candidates], pool.weights)
        now = [Candidate(old.view, fit, old.penalty) for old, fit in zip(candidates, fits, strict=True)]
        worst = now[release.choose(now, chosen_with)]
        counts = infer.shrink(release.counts(worst.view, counted_with), worst.fit, noise)
        raked.append(pool.constraint(worst.view, infer.project(counts, tree.margins.total)))
        pool.rake([raked[-1], *raked, *constraints], SWEEPS)
    pool.rake([*raked, *constraints], LAST_SWEEPS)
    return pool


def _pool(tree: Tree, random: np.random.Generator) -> Pool:
    size = int(np.clip(POOL * tree.margins.total, 1000, LARGEST_POOL))
    drawn = tree.draw(random, size)
    unused = np.zeros(0, np.uint8)
    columns = [drawn.get(column, unused) for column in range(max(drawn) + 1)]
    return Pool(
        tuple(sorted(drawn)),
        CodeTable(columns, list(tree.layout.sizes[: len(columns)])),
        np.full(size, tree.margins.total / size),
    )


def _candidates(tree: Tree, noise: float) -> list[Candidate]:
    layout, margins = tree.layout, tree.margins
    together = Margins(
        np.array([margins.total]), {column: counts.sum(0)[None, :] for column, counts in margins.of.items()}
    )
    plain = relations(Layout(layout.columns, layout.sizes, None), together, tree.related, noise, LEVELS)
    if layout.target is None:
        return plain
    # Those with the target come first, because the others are sums of them.
    return relations(layout, margins, tree.related, noise, LEVELS) + plain
