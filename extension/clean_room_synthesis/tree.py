"""Learns a tree of relations between columns, and draws rows from it. With a target, all relations depend on it too."""

from dataclasses import dataclass, field
from math import pi, sqrt

import numpy as np

from . import infer
from .spend.mechanisms import Candidate
from .spend.release import Release
from .table import Groups, View

#: The parts of the budget: counts of single columns, choice of relations, counts of relations.
SPLIT = (0.55, 0.05, 0.4)
#: The numbers of groups per column with which a relation can be measured. 0 is every code.
LEVELS = (0, 16, 8, 4)
#: The largest number of columns whose relations are modelled, for tables of fewer rows than `LARGE` and for others.
RELATED = (30, 40)
LARGE = 20_000
#: The largest table of a relation.
MAX_CELLS = 100_000


@dataclass(frozen=True)
class Order:
    """How many codes of a column have an order, and how many of the first and last ones may be beyond all values."""

    codes: int
    outer: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Layout:
    """The modelled columns, their numbers of codes, and the target if there is one."""

    columns: tuple[int, ...]
    sizes: tuple[int, ...]
    target: int | None
    ordered: dict[int, Order] = field(default_factory=dict)

    @property
    def features(self) -> list[int]:
        return [column for column in self.columns if column != self.target]

    @property
    def strata(self) -> int:
        return 1 if self.target is None else self.sizes[self.target]

    def view(self, features: tuple[int, ...], groups: tuple[Groups, ...]) -> View:
        """Returns the view of some features, each with the target."""
        shape = tuple(
            self.sizes[column] if grouping is None else int(grouping.max()) + 1
            for column, grouping in zip(features, groups, strict=True)
        )
        if self.target is None:
            return View(features, groups, shape)
        return View((self.target, *features), (None, *groups), (self.strata, *shape))


@dataclass(frozen=True)
class Margins:
    """Consistent counts of each feature for each code of the target: arrays of strata × codes."""

    strata: np.ndarray
    of: dict[int, np.ndarray]

    @property
    def total(self) -> float:
        return float(self.strata.sum())


@dataclass(frozen=True)
class Edge:
    """A relation of two columns: consistent counts of strata × groups × groups."""

    columns: tuple[int, int]
    groups: tuple[Groups, Groups]
    counts: np.ndarray


@dataclass(frozen=True)
class Tree:
    """A model of the modelled columns."""

    layout: Layout
    margins: Margins
    #: The columns whose relations are modelled. All others depend only on the target.
    related: list[int]
    edges: list[Edge]

    def draw(self, random: np.random.Generator, rows: int) -> dict[int, np.ndarray]:
        """Returns codes of all modelled columns."""
        strata = infer.deal(random, np.zeros(rows, np.int64), self.margins.strata[None, :])
        drawn: dict[int, np.ndarray] = {} if self.layout.target is None else {self.layout.target: strata}
        for root in self.layout.features:
            if root in drawn:
                continue
            drawn[root] = infer.deal(random, strata, self.margins.of[root])
            pending = [root]
            while pending:
                parent = pending.pop()
                for edge in self.edges:
                    if parent in edge.columns and sum(column in drawn for column in edge.columns) == 1:
                        child = edge.columns[edge.columns[0] == parent]
                        drawn[child] = self._child(random, edge, parent, child, drawn[parent], strata)
                        pending.append(child)
        return drawn

    def _child(
        self,
        random: np.random.Generator,
        edge: Edge,
        parent: int,
        child: int,
        codes: np.ndarray,
        strata: np.ndarray,
    ) -> np.ndarray:
        at = edge.columns.index(parent)
        of_parent, of_child = edge.groups[at], edge.groups[1 - at]
        counts = edge.counts if at == 0 else edge.counts.transpose(0, 2, 1)
        parents = codes if of_parent is None else of_parent[codes]
        drawn = infer.deal(random, strata * counts.shape[1] + parents, counts.reshape(-1, counts.shape[2]))
        if of_child is None:
            return drawn
        # Within a group, values are those of the column in general.
        number = counts.shape[2]
        margin = self.margins.of[child]
        weights = np.where(of_child[None, None, :] == np.arange(number)[None, :, None], margin[:, None, :], 0)
        return infer.deal(random, strata * number + drawn, weights.reshape(-1, margin.shape[1]))


def measure_margins(release: Release, layout: Layout, total: float | None, rho: float) -> Margins:
    """Measures every feature with the target.

    Args:
        total: The number of rows if it is known without the data, otherwise it is estimated from the counts.
    """
    features = layout.features
    views = [layout.view((column,), (None,)) for column in features]
    # The error of a table grows with cells and noise. This division of the budget makes the sum of errors smallest.
    weights = np.array([view.cells for view in views]) ** (2 / 3)
    rhos = [float(share) for share in rho * weights / weights.sum()]
    noisy = [counts.reshape(layout.strata, -1) for counts in release.many_counts(views, rhos)]
    noises = [release.noise_of(part) * sqrt(counts.shape[1]) for part, counts in zip(rhos, noisy, strict=True)]
    strata = infer.combine([counts.sum(1) for counts in noisy], noises)
    noisy = [
        _denoised(counts, layout.ordered[column], release.noise_of(part)) if column in layout.ordered else counts
        for column, counts, part in zip(features, noisy, rhos, strict=True)
    ]
    strata = infer.project(strata, max(1.0, float(strata.sum())) if total is None else total)
    return Margins(
        strata,
        {
            column: np.stack([infer.project(row, size) for row, size in zip(counts, strata, strict=True)])
            for column, counts in zip(features, noisy, strict=True)
        },
    )


def _denoised(noisy: np.ndarray, order: Order, noise: float) -> np.ndarray:
    """Returns the noisy counts of an ordered column, with less noise. The code of missing values has no order."""
    counts = infer.smooth(noisy[:, : order.codes], noise)
    low, high = order.outer
    counts = infer.trim(counts, low, noise)
    counts = infer.trim(counts[:, ::-1], high, noise)[:, ::-1]
    return np.concatenate([counts, noisy[:, order.codes :]], axis=1)


def worth_relating(layout: Layout, margins: Margins, limit: int) -> list[int]:
    """Returns the features whose values differ most, by the entropy of their noisy counts."""

    def entropy(column: int) -> float:
        shares = margins.of[column].sum(0) / margins.total
        return -float((shares * np.log(np.maximum(shares, 1e-12))).sum())

    return sorted(sorted(layout.features, key=entropy, reverse=True)[:limit])


def relations(
    layout: Layout, margins: Margins, related: list[int], noise: float, levels: tuple[int, ...]
) -> list[Candidate]:
    """Returns every pair of features at every level, with the counts of features that depend only on the target."""
    groupings = {
        column: {level: None if level == 0 else infer.groups_of(margins.of[column].sum(0), level) for level in levels}
        for column in related
    }
    candidates = []
    for number, first in enumerate(related):
        for second in related[number + 1 :]:
            shapes = set()
            for level in levels:
                groups = groupings[first][level], groupings[second][level]
                view = layout.view((first, second), groups)
                if view.cells > MAX_CELLS or view.shape in shapes or 1 in view.shape[-2:]:
                    continue
                shapes.add(view.shape)
                candidates.append(Candidate(view, independent(margins, view), sqrt(2 / pi) * noise * view.cells))
    return candidates


def independent(margins: Margins, view: View) -> np.ndarray:
    """Returns the counts of two features if they were independent for each code of the target."""
    first, second = view.columns[-2:]
    left = infer.grouped(margins.of[first], view.groups[-2])
    right = infer.grouped(margins.of[second], view.groups[-1])
    counts = left[:, :, None] * right[:, None, :] / np.maximum(margins.strata, 1e-9)[:, None, None]
    return counts.reshape(view.shape)


def learn(release: Release, layout: Layout, total: float | None, rho: float) -> Tree:
    """Measures columns, chooses relations that join them to a tree, and measures those."""
    margins = measure_margins(release, layout, total, rho * SPLIT[0])
    related = worth_relating(layout, margins, RELATED[margins.total >= LARGE])
    joins = len(related) - 1
    if joins < 1:
        return Tree(layout, margins, related, [])
    per_edge = rho * SPLIT[2] / joins
    noise = release.noise_of(per_edge)
    candidates = relations(layout, margins, related, noise, LEVELS)
    component = {column: column for column in related}
    chosen: list[Candidate] = []
    while len(chosen) < joins:
        open_ = [
            candidate
            for candidate in candidates
            if component[candidate.view.columns[-2]] != component[candidate.view.columns[-1]]
        ]
        if not open_:
            break
        best = open_[release.choose(open_, rho * SPLIT[1] / joins)]
        chosen.append(best)
        joined, into = (component[column] for column in best.view.columns[-2:])
        component = {column: into if root == joined else root for column, root in component.items()}
    noisy = release.many_counts([candidate.view for candidate in chosen], [per_edge] * len(chosen))
    return Tree(layout, margins, related, [_edge(margins, *pair, noise) for pair in zip(chosen, noisy, strict=True)])


def _edge(margins: Margins, candidate: Candidate, noisy: np.ndarray, noise: float) -> Edge:
    first, second = candidate.view.columns[-2:]
    groups = candidate.view.groups[-2], candidate.view.groups[-1]
    shape = (-1, *candidate.view.shape[-2:])
    counts = infer.shrink(noisy.reshape(shape), candidate.fit.reshape(shape), noise)
    left, right = infer.grouped(margins.of[first], groups[0]), infer.grouped(margins.of[second], groups[1])
    return Edge((first, second), groups, infer.fit(counts, left, right))
