"""A real table and its stand-in, read as codes that both share."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv

from ..axis import arrow_type

#: Columns with more different values are compared in groups: quantiles of the real values, or the most frequent ones.
EVERY_VALUE = 256
GROUPS, EQUAL_GROUPS = 20, 16
_NUMBERS = ("integer", "decimal", "number", "date", "time", "timestamp")


@dataclass(frozen=True)
class ComparedColumn:
    """One column of both tables."""

    column: dict[str, Any]
    real: pa.Array
    stand_in: pa.Array
    #: Whether groups of numbers have equal width, and not equal numbers of real rows.
    equal_width: bool = False

    @property
    def name(self) -> str:
        return self.column["name"]

    @property
    def numeric(self) -> bool:
        return self.column["type"] in _NUMBERS and "categories" not in self.column

    @cached_property
    def numbers(self) -> tuple[np.ndarray, np.ndarray]:
        """The values as numbers; missing values are NaN."""
        return _numbers(self.real), _numbers(self.stand_in)

    @cached_property
    def coded(self) -> tuple[np.ndarray, np.ndarray, list[str]]:
        """Codes of both tables, and the label of each code."""
        texts = [pc.fill_null(values.cast(pa.string()), "missing") for values in (self.real, self.stand_in)]
        labels, codes = np.unique(
            np.concatenate([text.to_numpy(zero_copy_only=False) for text in texts]).astype(str), return_inverse=True
        )
        if len(labels) <= (EQUAL_GROUPS if self.equal_width and self.numeric else EVERY_VALUE):
            return *np.split(codes, [len(self.real)]), list(labels)
        return self._numeric_groups() if self.numeric else self._frequent(labels, codes)

    def _numeric_groups(self) -> tuple[np.ndarray, np.ndarray, list[str]]:
        real, stand_in = self.numbers
        edges = self._equal_edges(real) if self.equal_width else self._quantiles(real)
        codes = [
            np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, np.nan_to_num(values), side="right"))
            for values in (real, stand_in)
        ]
        return codes[0], codes[1], [*(f"group {number + 1}" for number in range(len(edges) + 1)), "missing"]

    def _equal_edges(self, real: np.ndarray) -> np.ndarray:
        bounds = float(self.column.get("minimum", np.nanmin(real))), float(self.column.get("maximum", np.nanmax(real)))
        return np.linspace(*bounds, EQUAL_GROUPS + 1)[1:-1]

    def _quantiles(self, real: np.ndarray) -> np.ndarray:
        different = np.unique(real[~np.isnan(real)])
        wanted = np.unique(np.nanquantile(real, np.linspace(0, 1, GROUPS + 1)[1:-1]))
        # Edges are halfway between real values, so that values that are nearly equal are in one group.
        after = np.minimum(np.searchsorted(different, wanted, side="right"), len(different) - 1)
        return np.unique((different[after] + different[np.maximum(after - 1, 0)]) / 2)

    def _frequent(self, labels: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[str]]:
        real, stand_in = np.split(codes, [len(self.real)])
        kept = np.argsort(np.bincount(real, minlength=len(labels)))[::-1][: GROUPS - 1]
        lookup = np.full(len(labels), len(kept))
        lookup[kept] = np.arange(len(kept))
        return lookup[real], lookup[stand_in], [*labels[kept], "other"]


def _numbers(values: pa.Array) -> np.ndarray:
    if pa.types.is_date32(values.type):
        values = values.cast(pa.int32())
    elif pa.types.is_temporal(values.type):
        values = values.cast(pa.int64())
    return values.cast(pa.float64()).to_numpy(zero_copy_only=False)


def read_compared(
    columns: list[dict[str, Any]], real: str | BinaryIO, stand_in: str | BinaryIO, equal_width: bool = False
) -> list[ComparedColumn]:
    """Reads both tables with the declared types."""
    tables = [read_typed(columns, source) for source in (real, stand_in)]
    return compare(columns, *tables, equal_width)


def compare(
    columns: list[dict[str, Any]], real: pa.Table, stand_in: pa.Table, equal_width: bool = False
) -> list[ComparedColumn]:
    """Returns the columns of two tables that were read."""
    return [
        ComparedColumn(
            column, *(table.column(column["name"]).combine_chunks() for table in (real, stand_in)), equal_width
        )
        for column in columns
    ]


def read_typed(columns: list[dict[str, Any]], source: str | BinaryIO) -> pa.Table:
    """Reads a table with the declared types."""
    return csv.read_csv(
        source,
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types={column["name"]: _type(column) for column in columns},
            include_columns=[column["name"] for column in columns],
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def _type(column: dict[str, Any]) -> pa.DataType:
    if column["type"] not in _NUMBERS or "categories" in column:
        return pa.string()
    return arrow_type(column)
