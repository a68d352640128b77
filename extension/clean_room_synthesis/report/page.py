"""The report as one HTML page that needs nothing else: a plain sentence and a plot (Vega-Lite) for each figure."""

import html
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .membership import Attack
from .models import Trained
from .overlap import Overlap

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
.warning { border: 2px solid #b3261e; padding: .5rem 1rem; }
table { border-collapse: collapse; } td, th { padding: .1rem .8rem .1rem 0; text-align: left; }
"""
_DRAW = """
for (const spec of document.querySelectorAll('script[type="application/vega-lite+json"]')) {
  const place = document.createElement('div');
  spec.after(place);
  const compiled = vegaLite.compile(JSON.parse(spec.textContent)).spec;
  new vega.View(vega.parse(compiled), { renderer: 'svg' }).initialize(place).run();
}
"""


@dataclass(frozen=True)
class Findings:
    """Everything that the page shows."""

    rows: tuple[int, int]
    one_way: dict[str, float]
    two_way: dict[tuple[str, str], float]
    three_way: float
    correlations: dict[tuple[str, str], tuple[float, float]]
    overlaps: Sequence[Overlap]
    reasons: Sequence[str]
    trained: Trained | None
    attack: Attack | None
    #: The shares of rows of the most frequent values or groups, by column: label, real, stand-in.
    values: dict[str, list[tuple[str, float, float]]]


def page(findings: Findings, scripts: Sequence[str]) -> str:
    """Returns the page.

    Args:
        scripts: The text of the programs that draw plots: Vega and Vega-Lite. Without them, the page has only tables.
    """
    parts = [
        "<h1>Report on a stand-in</h1>",
        '<p class="warning">This page shows real data. Keep it on this computer.</p>',
        *_overview(findings),
        *_privacy(findings),
        *_tables(findings),
    ]
    programs = [f"<script>{_safe(script)}</script>" for script in [*scripts, _DRAW]] if scripts else []
    head = f'<meta charset="utf-8"><title>Report on a stand-in</title><style>{_STYLE}</style>'
    return "\n".join(
        ["<!doctype html>", f'<html lang="en"><head>{head}</head><body>', *parts, *programs, "</body></html>"]
    )


def _overview(findings: Findings) -> list[str]:
    one_way, two_way = _mean(findings.one_way.values()), _mean(findings.two_way.values())
    sentences = [
        f"The real table has {findings.rows[0]:,} rows and the stand-in {findings.rows[1]:,}.",
        f"In tables of one column, {one_way:.1%} of the rows would have to change to be as in the real table; in "
        f"tables of two columns {two_way:.1%}, and of three columns {findings.three_way:.1%}.",
    ]
    if findings.trained is not None:
        trained = findings.trained
        sentences.append(
            f"A model that predicts whether {trained.target} is {trained.value} reaches an area under the curve of "
            f"{trained.on_stand_in:.2f} on real rows if it is trained on the stand-in, and {trained.on_real:.2f} if it "
            "is trained on real rows. .5 is chance."
        )
    return [_sentence(sentence) for sentence in sentences]


def _privacy(findings: Findings) -> list[str]:
    verdict = findings.reasons or ["The stand-in does not copy rare real values or rows."]
    parts = ["<h2>Privacy</h2>", *(_sentence(sentence) for sentence in verdict)]
    if findings.attack is not None:
        attack = findings.attack
        parts.append(
            _sentence(
                "An attack that guesses whether a row was used, on another stand-in of half of the table, has an area "
                f"under the curve of {attack.area:.2f}; .5 is chance. With 99 % confidence its true rate exceeds its "
                f"false rate by at most {attack.advantage:.0%}. Its success needs an epsilon of {attack.epsilon:.2f}; "
                f"the stand-in has {attack.allowed:g}."
            )
        )
    data = [{"column": one.name, "share": one.copied} for one in findings.overlaps]
    return [
        *parts,
        _sentence("Share of the stand-in's values that are rare real ones:"),
        _bars(data, "column", "share"),
    ]


def _tables(findings: Findings) -> list[str]:
    parts = ["<h2>Columns</h2>", _sentence("Share of rows that would have to change, by column:")]
    parts.append(
        _bars([{"column": name, "error": error} for name, error in findings.one_way.items()], "column", "error")
    )
    parts += ["<h2>Pairs of columns</h2>", _sentence("Share of rows that would have to change, by pair of columns:")]
    pairs = [{"first": first, "second": second, "error": error} for (first, second), error in findings.two_way.items()]
    parts.append(_heat(pairs, "error", [0, max(0.2, *(pair["error"] for pair in pairs))] if pairs else [0, 1]))
    if findings.correlations:
        parts += [
            "<h2>Correlations</h2>",
            _sentence("Difference of correlations, stand-in minus real, by pair of columns:"),
        ]
        differences = [
            {"first": first, "second": second, "difference": stand_in - real}
            for (first, second), (real, stand_in) in findings.correlations.items()
        ]
        parts.append(_heat(differences, "difference", [-1, 1]))
    parts.append("<h2>Values</h2>")
    for name, values in findings.values.items():
        parts.append(_sentence(f"Shares of rows by value of {name}:"))
        data = [
            {"value": label, "table": table, "share": share}
            for label, real, stand_in in values
            for table, share in (("real", real), ("stand-in", stand_in))
        ]
        parts.append(_bars(data, "value", "share", grouped="table"))
    return parts


def _mean(values: Any) -> float:
    listed = list(values)
    return sum(listed) / len(listed) if listed else 0.0


def _sentence(text: str) -> str:
    return f"<p>{html.escape(text)}</p>"


def _bars(data: list[dict[str, Any]], category: str, value: str, grouped: str | None = None) -> str:
    encoding = {
        "y": {"field": category, "type": "nominal", "sort": None},
        "x": {"field": value, "type": "quantitative", "axis": {"format": "%"}},
    }
    if grouped is not None:
        encoding |= {"yOffset": {"field": grouped}, "color": {"field": grouped, "type": "nominal"}}
    return _plot({"mark": "bar", "width": 480, "encoding": encoding}, data)


def _heat(data: list[dict[str, Any]], value: str, domain: list[float]) -> str:
    scheme = "blueorange" if domain[0] < 0 else "blues"
    encoding = {
        "x": {"field": "first", "type": "nominal", "sort": None},
        "y": {"field": "second", "type": "nominal", "sort": None},
        "color": {"field": value, "type": "quantitative", "scale": {"domain": domain, "scheme": scheme}},
    }
    return _plot({"mark": "rect", "encoding": encoding}, data)


def _plot(spec: dict[str, Any], data: list[dict[str, Any]]) -> str:
    """Returns a plot, and its data as a table for those who cannot see it."""
    whole = {"$schema": "https://vega.github.io/schema/vega-lite/v6.json", "data": {"values": data}, **spec}
    rows = "".join(
        f"<tr>{''.join(f'<td>{html.escape(_text(value))}</td>' for value in row.values())}</tr>" for row in data
    )
    shown = _safe(json.dumps(whole))
    table = f"<details><summary>Figures</summary><table>{rows}</table></details>"
    return f'<script type="application/vega-lite+json">{shown}</script>{table}'


def _text(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _safe(text: str) -> str:
    """Returns text that cannot end the element that it is in."""
    return re.sub(r"<(?=/script|!--)", r"<\\", text, flags=re.IGNORECASE)
