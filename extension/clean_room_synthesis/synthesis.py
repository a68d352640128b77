"""Plans a release: which queries are asked with which part of the budget, and which model learns from the answers."""

from dataclasses import dataclass, field
from math import pi, sqrt
from typing import Protocol

import numpy as np

from . import infer, rake, tree
from .request import Request
from .schema import AUTO_BINS, Bins, Codec, Discovered
from .spend.release import Release
from .table import CodeTable, View

#: Parts of the budget for what is only asked if it is needed. The rest is for the model.
COUNT, TEXTS, BINS, DEGREES = 0.02, 0.05, 0.1, 0.03
#: The part of the model's budget for raking.
RAKING = 0.2
#: The part of delta for thresholds, if columns of text are discovered.
THRESHOLDS = 0.5
#: OpenDP rounds losses up, so this share of the budget is never planned.
RESERVE = 1e-6
#: A target with more codes does not help the model of a table.
TARGET_CODES = 10
#: Raking pays for tables of this size, from this epsilon on, and up to this number of related columns.
RAKING_ROWS, RAKING_EPSILON, RAKING_COLUMNS = 20_000, 1.0, 25
#: From this number of rows on, automatic bins come from noisy counts of the grid, which are faster and good enough.
COUNTED_BINS = 400_000
#: How many times more rows than its noise a bin has, and the smallest number of bins. With fewer rows, the many codes
#: of the grid between the values and a far bound would be chosen as edges.
QUANTILE_NOISE, FEWEST_BINS = 12, 4
#: The error of a column that noise may cause because of its number of bins, and the largest number of bins.
BIN_ERROR, MOST_BINS = 0.05, 96
#: The largest number of columns with automatic bins. Further columns have bins of equal width.
AUTOMATIC = 64
#: The largest number of rows per person for which the numbers of rows are measured.
MOST_DEGREES = 32


class Model(Protocol):
    """Draws codes of all modelled columns."""

    def draw(self, random: np.random.Generator, rows: int) -> dict[int, np.ndarray]: ...


@dataclass
class Synthesis:
    """The result of a release. Nothing in it depends on data, except through answers with noise."""

    codecs: list[Codec]
    model: Model | None
    release: Release
    mechanism: str
    target: int | None
    related: list[int]
    rows: int
    expected_error: tuple[float, float]
    #: The noisy numbers of persons with 1, 2, … rows.
    degrees: np.ndarray | None
    random: np.random.Generator = field(default_factory=np.random.default_rng)


def synthesize(request: Request, codecs: list[Codec], table: CodeTable) -> Synthesis:
    """Spends the budget of a request on a table. The table is not needed afterwards."""
    names = [column.name for column in request.columns]
    codecs = list(codecs)
    texts = [number for number, codec in enumerate(codecs) if isinstance(codec, Discovered)]
    threshold = float(request.delta) * THRESHOLDS if texts else 0.0
    release = Release(table, request.rows_per_person, float(request.epsilon), float(request.delta), threshold)
    budget = _Budget(release.rho * (1 - RESERVE))
    rows = request.rows if request.rows is not None else max(1, release.count(budget.take(COUNT)))
    degrees = None
    if request.person is not None and 1 < request.rows_per_person <= MOST_DEGREES:
        degrees = release.degrees(request.rows_per_person, budget.take(DEGREES))
    _discover(release, codecs, texts, budget, threshold)
    _choose_bins(release, codecs, rows, budget)
    target = None if request.target is None else names.index(request.target)
    layout = _layout(codecs, target)
    # With a cap on rows per person, fewer rows than declared may be used.
    total = float(rows) if request.person is None and request.rows is not None else None
    random = np.random.default_rng()
    model, mechanism, learned = None, "tree/v1", None
    if layout.features:
        raked = _rakes(request, rows, layout)
        learned = tree.learn(release, layout, total, budget.left * (1 - RAKING if raked else 1))
        model = learned
        if raked:
            mechanism = "tree-raking/v1"
            model = rake.improve(release, learned, random, budget.left * RAKING)
    return Synthesis(
        codecs,
        model,
        release,
        mechanism,
        layout.target,
        learned.related if learned else [],
        rows,
        _expected_error(release, layout, rows),
        degrees,
        random,
    )


@dataclass
class _Budget:
    whole: float
    left: float = 0.0

    def __post_init__(self) -> None:
        self.left = self.whole

    def take(self, share: float) -> float:
        """Returns a share of the whole budget, which is no longer left."""
        self.left -= share * self.whole
        return share * self.whole


def _discover(release: Release, codecs: list[Codec], texts: list[int], budget: _Budget, delta: float) -> None:
    if not texts:
        return
    rho = budget.take(TEXTS) / len(texts)
    for number in texts:
        # Each threshold takes a little less than its part, because OpenDP rounds sums up.
        found = release.texts(number, rho, delta * (1 - RESERVE) / len(texts))
        codecs[number] = Discovered(codecs[number].column, sorted(found, key=found.__getitem__, reverse=True))
        values = release.table.texts[number]
        release.table.replace(number, codecs[number].encode(values), codecs[number].size)


def _choose_bins(release: Release, codecs: list[Codec], rows: int, budget: _Budget) -> None:
    automatic = {number: codec for number, codec in enumerate(codecs) if isinstance(codec, Bins) and codec.automatic}
    measured = list(automatic)[:AUTOMATIC]
    rho = budget.take(BINS) / len(measured) if measured else 0.0
    fine = _finest(release, codecs, rows, budget)
    shares = _shares(release, rows, rho, fine) if measured else []
    for number, codec in automatic.items():
        if number not in measured:
            starts = codec.equal_starts(AUTO_BINS)
        elif rows >= COUNTED_BINS:
            starts = _counted_quantiles(release, number, codec.present, shares, rho)
        else:
            starts = release.quantiles(number, codec.present, shares, rho)
        inner = min(starts), max(starts)
        starts = codec.with_more_starts(starts, fine - len(shares))
        codecs[number], lookup = codec.coarsen(starts, inner)
        release.table.replace(number, lookup[release.table.columns[number]], codecs[number].size)


def _finest(release: Release, codecs: list[Codec], rows: int, budget: _Budget) -> int:
    """Returns the number of bins with which the noise of a column is still small."""
    noise = release.noise_of(budget.left * (1 - RAKING) * tree.SPLIT[0] / len(codecs))
    return int(np.clip(BIN_ERROR * rows / (noise / sqrt(2 * pi)), FEWEST_BINS, MOST_BINS))


def _shares(release: Release, rows: int, rho: float, fine: int) -> list[float]:
    """Returns the shares of rows below the edges of automatic bins. A bin has more rows than the noise of its edges."""
    most = 2 * AUTO_BINS if rows >= 50_000 else AUTO_BINS
    noise = release.noise_of(rho / (most + 1))
    bins = int(np.clip(rows / (QUANTILE_NOISE * noise), FEWEST_BINS, min(most, max(fine // 2, FEWEST_BINS))))
    return [number / bins for number in range(1, bins)]


def _counted_quantiles(release: Release, column: int, size: int, shares: list[float], rho: float) -> list[int]:
    view = View((column,), (None,), (release.table.sizes[column],))
    counts = release.counts(view, rho)[:size]
    counts = infer.project(counts, max(1.0, float(counts.sum())))
    return [int(start) for start in np.searchsorted(np.cumsum(counts) / counts.sum(), shares)]


def _layout(codecs: list[Codec], target: int | None) -> tree.Layout:
    sizes = tuple(codec.size for codec in codecs)
    if target is not None and not 2 <= sizes[target] <= TARGET_CODES:
        target = None
    varying = tuple(number for number, size in enumerate(sizes) if size > 1)
    if varying == (target,):
        target = None
    ordered = {
        number: tree.Order(codec.present, codec.outer) for number, codec in enumerate(codecs) if isinstance(codec, Bins)
    }
    return tree.Layout(varying, sizes, target, ordered)


def _rakes(request: Request, rows: int, layout: tree.Layout) -> bool:
    if request.raking != "auto":
        return request.raking == "on"
    few = len(layout.features) <= RAKING_COLUMNS
    return few and rows >= RAKING_ROWS and float(request.epsilon) >= RAKING_EPSILON


def _expected_error(release: Release, layout: tree.Layout, rows: int) -> tuple[float, float]:
    """Returns the mean error that noise causes in tables of one and of two columns, in a share of rows.

    It is computed from the noise and the sizes of the tables that were measured, and is an upper bound: fitting removes
    a part of it. Tables of two columns have the errors of their columns, and that of their relation.
    """
    errors: dict[int, list[float]] = {1: [], 2: []}
    for query in release.queries:
        features = len([column for column in query.columns if column != layout.target])
        if query.kind == "counts" and features in errors:
            noise = sqrt(2 / pi) * release.noise_of(query.rho) * query.cells
            errors[features].append(min(1.0, noise / 2 / rows))
    one_way, relation = (float(np.mean(errors[size])) if errors[size] else 0.0 for size in (1, 2))
    return one_way, min(1.0, one_way + relation)
