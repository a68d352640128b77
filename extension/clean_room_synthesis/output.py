"""The stand-in as rows, and the answer to the request."""

from typing import Any

import numpy as np
import pyarrow as pa

from .formats import regenerate
from .request import Request
from .rows import write_table
from .synthesis import Synthesis


def write_stand_in(request: Request, synthesis: Synthesis) -> int:
    """Draws the rows of the stand-in and writes them. Returns their number."""
    rows = request.output_rows or synthesis.rows
    random = synthesis.random
    drawn = {} if synthesis.model is None else synthesis.model.draw(random, rows)
    names = [column.name for column in request.columns]
    constant = np.zeros(rows, np.int32)
    # Identifiers are made for the whole table, so that they differ from each other.
    whole: dict[int, pa.Array] = {
        number: codec.decode(random, drawn.get(number, constant))
        for number, codec in enumerate(synthesis.codecs)
        if codec.column.get("role") == "identifier"
    }
    if request.person is not None:
        number = names.index(request.person)
        whole[number] = _persons(random, synthesis, synthesis.codecs[number].column, rows)

    def chunk(start: int, end: int) -> list[pa.Array]:
        return [
            whole[number][start:end]
            if number in whole
            else codec.decode(random, drawn.get(number, constant)[start:end])
            for number, codec in enumerate(synthesis.codecs)
        ]

    write_table(request.output, names, rows, chunk)
    return rows


def _persons(random: np.random.Generator, synthesis: Synthesis, column: dict[str, Any], rows: int) -> pa.Array:
    """Returns the identifier of the person of each row, with as many rows per person as the noisy numbers say."""
    degrees = np.ones(1) if synthesis.degrees is None else np.maximum(synthesis.degrees, 0)
    shares = degrees / degrees.sum() if degrees.sum() > 0 else np.ones(1)
    sizes = 1 + random.choice(len(shares), rows, p=shares)
    persons = np.repeat(np.arange(rows), sizes)[:rows]
    ids = regenerate(random, column | {"role": "identifier"}, int(persons[-1]) + 1)
    return ids.take(pa.array(random.permutation(persons)))


def answer_of(request: Request, synthesis: Synthesis, written: int) -> dict[str, Any]:
    """Returns the answer: what was spent on which queries, and what a researcher may expect of the stand-in."""
    names = [column.name for column in request.columns]
    rho, delta = synthesis.release.spent
    one_way, two_way = synthesis.expected_error
    return {
        "epsilon": f"{request.epsilon:f}",
        "delta": f"{request.delta:f}",
        "rho": synthesis.release.rho,
        "spent": {"rho": rho, "delta": delta},
        "queries": [
            {
                "kind": query.kind,
                "columns": [names[column] for column in query.columns],
                "rho": query.rho,
                "delta": query.delta,
            }
            for query in synthesis.release.queries
        ],
        "unit": {"kind": "row"}
        if request.person is None
        else {"kind": "person", "rowsPerPerson": request.rows_per_person},
        "mechanism": synthesis.mechanism,
        "target": None if synthesis.target is None else names[synthesis.target],
        "modelled": [names[number] for number in sorted({*synthesis.related, *({synthesis.target} - {None})})],
        "expectedError": {"oneWay": f"{one_way:.4f}", "twoWay": f"{two_way:.4f}"},
        "rows": {"about": synthesis.rows, "source": "noisy" if request.rows is None else "declared"},
        "outputRows": written,
    }
