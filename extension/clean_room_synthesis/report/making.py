"""Answers the requests of the provider: a report, or whether an uploaded stand-in may be public."""

from pathlib import Path
from typing import Any

import numpy as np

from ..request import parse_document
from . import metrics
from .compared import ComparedColumn, compare, read_typed
from .membership import attack
from .models import trained
from .overlap import overlaps, reasons
from .page import Findings, page

#: The largest numbers of columns for tables of two columns, and for plots of values; values per plot.
PAIRED, PLOTTED, VALUES = 40, 40, 20


def make_report(document: dict[str, Any]) -> dict[str, Any]:
    """Writes a report about the tables `real` and `standIn` to the file `report`.

    With a `request`, the one that made the stand-in, the report contains an attack on membership.
    """
    columns = [entry["column"] for entry in document["columns"]]
    real, stand_in = (read_typed(columns, document[name]) for name in ("real", "standIn"))
    compared = compare(columns, real, stand_in)
    random = np.random.default_rng()
    found = overlaps(compared)
    shown = sorted(compared, key=lambda column: metrics.total_variation([column]), reverse=True)[:PAIRED]
    paired = [column for column in compared if column in shown]
    findings = Findings(
        rows=(real.num_rows, stand_in.num_rows),
        one_way=metrics.one_way(compared),
        two_way=metrics.two_way(paired),
        three_way=metrics.three_way(paired, random),
        correlations=metrics.correlations(paired),
        overlaps=found,
        reasons=reasons(found),
        trained=trained(compared, document["target"], random) if document.get("target") else None,
        attack=attack(parse_document(document["request"]), real, random) if "request" in document else None,
        values={column.name: _values(column) for column in compared[:PLOTTED]},
    )
    scripts = [Path(path).read_text(encoding="utf-8") for path in document.get("scripts", [])]
    Path(document["report"]).write_text(page(findings, scripts), encoding="utf-8")
    return {"reasons": findings.reasons}


def check_public(document: dict[str, Any]) -> dict[str, Any]:
    """Returns why the table `standIn` must not be a public stand-in of `real`. Without reasons, it may be."""
    columns = [entry["column"] for entry in document["columns"]]
    real, stand_in = (read_typed(columns, document[name]) for name in ("real", "standIn"))
    return {"reasons": reasons(overlaps(compare(columns, real, stand_in)))}


def _values(column: ComparedColumn) -> list[tuple[str, float, float]]:
    real, stand_in, labels = column.coded
    shares = [np.bincount(codes, minlength=len(labels)) / max(1, len(codes)) for codes in (real, stand_in)]
    most = np.argsort(shares[0])[::-1][:VALUES]
    return [(str(labels[code]), float(shares[0][code]), float(shares[1][code])) for code in sorted(most)]
