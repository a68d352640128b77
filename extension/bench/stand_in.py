"""Measures synthetic stand-ins: how near they are to the real tables, how long they take, and how much memory.

Prints figures as a last line of JSON. The argument is a folder with tables of other projects.
"""

import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.metrics import r2_score, roc_auc_score

sys.path.insert(0, str(Path(__file__).parents[1]))

from clean_room_synthesis.report.compared import EQUAL_GROUPS, read_compared
from clean_room_synthesis.report.metrics import one_way, two_way

RUNS = int(os.environ.get("BENCH_RUNS", "10"))
FORESTS = 100
WORK = Path(tempfile.mkdtemp())


def column(name, type_, **declared):
    return {"name": name, "type": type_, "nullable": False, **declared}


def as_csv(table):
    sink = io.BytesIO()
    csv.write_csv(table, sink)
    return sink.getvalue()


def synthesize(table, columns, rows, equal_bins=False, **request):
    """Runs the whole command. Returns the path of the stand-in, seconds, and the largest memory so far in MB."""
    output = WORK / "stand-in.csv"
    document = {
        # Numbers have as many bins of equal width as the groups in which they are compared.
        "columns": [{"column": declared} | bins_of(declared, equal_bins) for declared in columns],
        "delta": "0.000000001",
        "rows": {"source": "declared", "count": rows},
        "output": {"path": str(output)},
        **request,
    }
    source = WORK / "table.csv"
    source.write_bytes(table)
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "clean_room_synthesis"],
        input=json.dumps(document | {"input": str(source)}).encode() + b"\n",
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[1],
    )
    if done.returncode != 0:
        raise SystemExit(done.stdout.decode())
    seconds = time.perf_counter() - started
    return output, seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def bins_of(declared, equal_bins):
    if not equal_bins or "categories" in declared:
        return {}
    several = declared["type"] == "number" or int(declared["maximum"]) - int(declared["minimum"]) >= EQUAL_GROUPS
    return {"bins": EQUAL_GROUPS} if several else {}


def errors(columns, table, output, equal_width=False):
    compared = read_compared(columns, io.BytesIO(table), str(output), equal_width=equal_width)
    pairs = list(two_way(compared).values())
    return float(np.mean(list(one_way(compared).values()))), float(np.mean(pairs)), max(pairs)


def figure(name, value, at_most=None, unit="‰"):
    """Returns a figure of the bench. Shares are given in thousandths."""
    limited = {} if at_most is None else {"limit": 1}
    return {
        "figure": name,
        "unit": unit,
        "value": value,
        "against": "a fixed limit" if at_most is not None else "",
        "reference": at_most if at_most is not None else 1,
        **limited,
    }


def adult(folder):
    sizes = json.loads((folder / "adult-domain.json").read_text())
    ordered = {"age", "fnlwgt", "education-num", "capital-gain", "capital-loss", "hours-per-week"}
    columns = [
        column(name, "integer", minimum="0", maximum=str(size - 1))
        if name in ordered
        else column(name, "integer", categories=[str(code) for code in range(size)])
        for name, size in sizes.items()
    ]
    whole = csv.read_csv(folder / "adult.csv")
    order = np.random.default_rng(0).permutation(whole.num_rows)
    test, train = whole.take(order[: whole.num_rows // 5]), whole.take(order[whole.num_rows // 5 :])
    held_out = np.column_stack([test.column(name) for name in sizes])
    table = as_csv(train)
    limits = {"off": (11.5, 49, 100, 5000), "on": (None, 45, 100, 15_000)}
    figures = []
    for raking, (first, second, lost, milliseconds) in limits.items():
        results = []
        for number in range(RUNS):
            output, seconds, _ = synthesize(
                table, columns, train.num_rows, epsilon="1", target="income>50K", raking=raking
            )
            drawn = csv.read_csv(output)
            rows = np.column_stack([drawn.column(name) for name in sizes])
            forest = RandomForestClassifier(FORESTS, min_samples_leaf=5, n_jobs=2).fit(rows[:, :-1], rows[:, -1])
            auc = roc_auc_score(held_out[:, -1], forest.predict_proba(held_out[:, :-1])[:, 1])
            results.append((*errors(columns, table, output), auc, seconds))
            print(f"Adult, raking {raking}, run {number + 1}: {results[-1]}", file=sys.stderr)
        means = np.mean(results, axis=0)
        name = "Adult, epsilon 1" + (", raking" if raking == "on" else "")
        figures += [
            figure(f"{name}: error of one column", 1000 * means[0], first),
            figure(f"{name}: error of two columns", 1000 * means[1], second),
            figure(f"{name}: largest error of two columns", 1000 * means[2]),
            figure(f"{name}: AUC below 1, trained on the stand-in", 1000 * (1 - means[3]), lost),
            figure(f"{name}: whole command", 1000 * means[4], milliseconds, "ms"),
        ]
    return figures


def insurance(folder):
    whole = csv.read_csv(folder / "insurance-stage2.csv")
    columns = [
        column("age", "integer", minimum="18", maximum="64"),
        column("sex", "text", categories=["female", "male"]),
        column("bmi", "number", minimum="15", maximum="55", decimals=2),
        column("children", "integer", minimum="0", maximum="5"),
        column("smoker", "text", categories=["no", "yes"]),
        column("region", "text", categories=["northeast", "northwest", "southeast", "southwest"]),
        column("charges", "number", minimum="1000", maximum="65000", decimals=4),
    ]
    table = as_csv(whole)
    results = []
    for _ in range(RUNS):
        output, *_ = synthesize(table, columns, whole.num_rows, equal_bins=True, epsilon="3")
        forest = RandomForestRegressor(FORESTS, min_samples_leaf=5, n_jobs=2)
        train, test = (_features(one, columns[:-1]) for one in (csv.read_csv(output), whole))
        forest.fit(train, csv.read_csv(output).column("charges").to_numpy())
        score = r2_score(whole.column("charges").to_numpy(), forest.predict(test))
        results.append((*errors(columns, table, output, equal_width=True), score))
        print(f"Insurance: {results[-1]}", file=sys.stderr)
    means = np.mean(results, axis=0)
    return [
        figure("Insurance, epsilon 3: error of two columns", 1000 * means[1], 89),
        figure("Insurance, epsilon 3: R² below 1, trained on the stand-in", 1000 * (1 - means[3]), 370),
    ]


def _features(table, columns):
    return np.column_stack(
        [
            [declared["categories"].index(value) for value in table.column(declared["name"]).to_pylist()]
            if "categories" in declared
            else table.column(declared["name"]).to_numpy()
            for declared in columns
        ]
    )


def randhie():
    try:
        from statsmodels.datasets import randhie as dataset
    except ImportError:
        print("Skipped randhie: statsmodels is not installed.", file=sys.stderr)
        return []
    whole = pa.Table.from_pandas(dataset.load_pandas().data, preserve_index=False)
    columns = []
    for name in whole.column_names:
        values = whole.column(name).to_numpy()
        distinct = np.unique(values)
        if len(distinct) <= 20 and np.all(distinct == distinct.round()):
            columns.append(column(name, "integer", categories=[str(int(value)) for value in distinct]))
            whole = whole.set_column(whole.column_names.index(name), name, pa.array(values.astype(np.int64)))
        else:
            kind = "integer" if np.all(values == values.round()) else "number"
            declared = column(name, kind, minimum=f"{values.min():.6f}", maximum=f"{values.max():.6f}")
            if kind == "integer":
                declared |= {"minimum": str(int(values.min())), "maximum": str(int(values.max()))}
                whole = whole.set_column(whole.column_names.index(name), name, pa.array(values.astype(np.int64)))
            columns.append(declared)
    table = as_csv(whole)
    figures = []
    for epsilon, at_most in (("0.3", 38), ("1", 26), ("3", 22)):
        results = [
            errors(columns, table, synthesize(table, columns, whole.num_rows, True, epsilon=epsilon)[0], True)
            for _ in range(RUNS)
        ]
        print(f"randhie, epsilon {epsilon}: {np.mean(results, axis=0)}", file=sys.stderr)
        figures.append(
            figure(f"randhie, epsilon {epsilon}: error of two columns", 1000 * np.mean(results, 0)[1], at_most)
        )
    return figures


def large():
    random, rows = np.random.default_rng(1), 1_000_000
    hidden = random.normal(size=(rows, 4))
    values, columns = {}, []
    for number in range(6):
        values[f"n{number}"] = np.round(np.exp(hidden[:, number % 4] + random.normal(size=rows) / 2) * 100, 2)
        columns.append(column(f"n{number}", "number", minimum="0", maximum="100000", decimals=2))
    for number in range(4):
        drawn = hidden[:, number] * 15 + 50 + random.normal(size=rows) * 5
        values[f"i{number}"] = np.clip(drawn, 0, 110).astype(int)
        columns.append(column(f"i{number}", "integer", minimum="0", maximum="110"))
    for number in range(7):
        words = np.array([f"value {word}" for word in range(4 + 3 * number)])
        place = (hidden[:, number % 4] + random.normal(size=rows)) * 2 + len(words) / 2
        values[f"c{number}"] = words[np.clip(place, 0, len(words) - 1).astype(int)]
        columns.append(column(f"c{number}", "text", categories=words.tolist()))
    for number in range(2):
        days = np.clip(hidden[:, number] * 200 + 500, 0, 1000).astype(int)
        values[f"d{number}"] = (np.datetime64("2020-01-01") + days).astype("datetime64[D]")
        columns.append(column(f"d{number}", "date", minimum="2020-01-01", maximum="2022-12-31"))
    values["b"] = hidden[:, 0] + random.normal(size=rows) > 0
    columns.append(column("b", "boolean"))
    _, seconds, memory = synthesize(as_csv(pa.table(values)), columns, rows, epsilon="1", target="b")
    return [
        figure("1 million rows of 20 columns: whole command", 1000 * seconds, 60_000, "ms"),
        figure("1 million rows of 20 columns: memory", memory, 2048, "MB"),
    ]


def main():
    folder = Path(sys.argv[1])
    figures = []
    if (folder / "adult.csv").exists():
        figures += adult(folder) + insurance(folder)
    else:
        print(f"Skipped Adult and insurance: {folder} does not exist.", file=sys.stderr)
    print(json.dumps(figures + randhie() + large()))


if __name__ == "__main__":
    main()
