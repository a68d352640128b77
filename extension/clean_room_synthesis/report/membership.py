"""An attack that guesses whether a row was used for a stand-in.

The attack needs rows that were not used. So it is made on another stand-in, of a random half of the table and with the
same request. That stand-in is never kept, and spends nothing.
"""

import io
from dataclasses import dataclass, replace
from math import exp, log

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv

from ..request import Request
from ..rows import read_table
from ..schema import codec_of
from ..synthesis import synthesize
from .confidence import clopper_pearson
from .models import area

#: Rows of each kind that are attacked, and rows of the stand-in that they are compared with.
ATTACKED, COMPARED = 1000, 10_000
#: Bounds are wrong with this probability.
CHANCE = 0.005


@dataclass(frozen=True)
class Attack:
    """The success of the attack. An area of .5 is chance."""

    area: float
    #: A lower bound of the epsilon that the attack's success needs, and what differential privacy allows.
    epsilon: float
    allowed: float
    #: The largest success, true rate minus false rate, that is compatible with the observations.
    advantage: float


def attack(request: Request, table: pa.Table, random: np.random.Generator) -> Attack | None:
    """Attacks a stand-in of half of a table."""
    order = random.permutation(table.num_rows)
    used, unused = np.sort(order[::2]), np.sort(order[1::2])
    if len(unused) < 100:
        return None
    halved = replace(request, rows=len(used))
    codecs = [codec_of(column) for column in request.columns]
    person = None if request.person is None else [column.name for column in request.columns].index(request.person)
    synthesis = synthesize(halved, codecs, read_table(_csv(table.take(used)), codecs, person, request.rows_per_person))
    if synthesis.model is None:
        return None
    drawn = synthesis.model.draw(random, min(len(used), COMPARED))
    members, others = (
        read_table(_csv(table.take(random.permutation(rows)[:ATTACKED])), synthesis.codecs, None, 1)
        for rows in (used, unused)
    )
    columns = sorted(drawn)
    stand_in = np.stack([drawn[column] for column in columns], axis=1)
    scores = [_scores(np.stack([one.columns[c] for c in columns], axis=1), stand_in) for one in (members, others)]
    return _judge(*scores, float(request.epsilon))


def _csv(table: pa.Table) -> io.BytesIO:
    sink = io.BytesIO()
    csv.write_csv(table, sink)
    sink.seek(0)
    return sink


def _scores(rows: np.ndarray, stand_in: np.ndarray) -> np.ndarray:
    """Returns how much each row agrees with its nearest row of the stand-in. Rare codes that agree count more."""
    weights = []
    for column in range(rows.shape[1]):
        counts = np.bincount(stand_in[:, column], minlength=int(rows[:, column].max()) + 1) + 1
        weights.append(-np.log(counts / counts.sum())[rows[:, column]])
    scores = np.zeros(len(rows))
    for number, row in enumerate(rows):
        agreement = (stand_in == row) @ np.array([weight[number] for weight in weights])
        scores[number] = agreement.max()
    return scores


def _judge(members: np.ndarray, others: np.ndarray, allowed: float) -> Attack:
    (chosen, members), (rest, others) = (np.array_split(scores, 2) for scores in (members, others))
    thresholds = np.unique(np.concatenate([chosen, rest]))
    best = max(thresholds, key=lambda threshold: (chosen >= threshold).mean() - (rest >= threshold).mean())
    true = clopper_pearson(int((members >= best).sum()), len(members), CHANCE)
    false = clopper_pearson(int((others >= best).sum()), len(others), CHANCE)
    truth = np.concatenate([np.ones(len(members), bool), np.zeros(len(others), bool)])
    return Attack(
        area(truth, np.concatenate([members, others])),
        max(0.0, log(true[0] / false[1])),
        allowed,
        min(true[1] - false[0], (exp(allowed) - 1) / (exp(allowed) + 1)),
    )
