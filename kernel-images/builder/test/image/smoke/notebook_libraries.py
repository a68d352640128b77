"""Uses every library that notebooks can rely on. It runs in the built jail."""

# ruff: noqa: E402
import asyncio
import importlib.metadata
import importlib.util
import locale
import os
import pwd
import shutil
import subprocess
import sys
import zoneinfo

# The executor does the same before a notebook starts.
shutil.copytree("/usr/share/clean-room/matplotlib", os.environ["MPLCONFIGDIR"])
FONTS = set(os.listdir(os.environ["MPLCONFIGDIR"]))

import clean_room
import duckdb
import IPython.core.interactiveshell
import jinja2
import joblib
import matplotlib
import matplotlib_inline.backend_inline  # noqa: F401 (tests the import)
import numpy as np
import pandas as pd
import PIL.Image
import pyarrow as pa
import pyarrow.parquet as pq
import scipy.stats
import seaborn
import statsmodels.api as sm
import statsmodels.formula.api as smf
import tqdm.auto
import xgboost
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score

matplotlib.use("module://matplotlib_inline.backend_inline")
import matplotlib.pyplot as plt

assert sys.version_info[:2] == (3, 11), sys.version
assert pwd.getpwuid(10001).pw_name == "nb"
assert locale.setlocale(locale.LC_ALL, "") == "C.UTF-8"
assert zoneinfo.ZoneInfo("Europe/Berlin").utcoffset(pd.Timestamp("2026-07-01").to_pydatetime()).seconds == 7200

frame = pd.DataFrame({"a": np.arange(100) % 7, "b": np.arange(100) / 3, "c": list("xyzw") * 25})
frame.to_parquet("/tmp/frame.parquet")
assert pq.read_table("/tmp/frame.parquet").schema.field("a").type == pa.int64()
assert duckdb.sql("select sum(a) as s from '/tmp/frame.parquet'").fetchall() == [(295,)]
assert "<table" in frame.head().style.to_html(), "DataFrame.style needs jinja2"
assert jinja2.Template("{{ x }}").render(x=1) == "1"

assert sm.datasets.randhie.load_pandas().data.shape == (20190, 10)
assert abs(smf.ols("b ~ a", frame).fit().params["a"]) < 1
assert scipy.stats.ttest_ind(frame.a, frame.b).pvalue < 1
labels = (frame.b > 16).astype(int)
assert (
    cross_val_score(RandomForestClassifier(n_estimators=5, n_jobs=2), frame[["a", "b"]], labels, cv=3, n_jobs=2).mean()
    > 0.8
)
assert xgboost.XGBClassifier(n_estimators=5).fit(frame[["a"]], labels).predict(frame[["a"]]).shape == (100,)
assert sum(joblib.Parallel(n_jobs=2)(joblib.delayed(abs)(-i) for i in range(10))) == 45

seaborn.lineplot(frame, x="a", y="b")
for kind in ("png", "svg", "pdf"):
    plt.savefig(f"/tmp/figure.{kind}")
assert PIL.Image.open("/tmp/figure.png").size == (640, 480)
# matplotlib used the list of fonts in the image and did not create one.
assert FONTS == set(os.listdir(os.environ["MPLCONFIGDIR"])), os.listdir(os.environ["MPLCONFIGDIR"])
assert any(name.startswith("fontlist-") for name in FONTS), FONTS

assert list(tqdm.auto.tqdm(range(2), disable=True)) == [0, 1]
assert asyncio.run(asyncio.sleep(0, "done")) == "done"
shell = (
    "echo one two | awk '{print $2}' | sed s/w/W/ | tr o 0 && ls / | wc -l && date -u +%Z && file -b /tmp/figure.png"
)
lines = subprocess.run(shell, shell=True, capture_output=True, text=True, check=True).stdout.splitlines()
assert lines[0] == "tW0", lines
assert lines[2] == "UTC", lines
assert lines[3].startswith("PNG image"), lines

assert IPython.core.interactiveshell.InteractiveShell.instance().run_cell("1 + 1").result == 2
assert clean_room.available_datasets() == []
try:
    clean_room.open_dataset("hospital/visits")
except clean_room.UnknownDatasetError as error:
    assert "submission" in str(error), error

for absent in ("psutil", "jedi", "pip", "ensurepip"):
    assert importlib.util.find_spec(absent) is None, absent
uncompiled = [
    name
    for name, module in list(sys.modules.items())
    if (getattr(module, "__file__", None) or "").endswith(".py")
    and not os.path.exists(getattr(module, "__cached__", None) or "/")
]
assert not uncompiled, uncompiled
versions = {name: importlib.metadata.version(name) for name in ("numpy", "pandas", "pyarrow", "duckdb", "matplotlib")}
print("all there", versions)
