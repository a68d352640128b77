"""Describes the columns of a dataset as its provider declares them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, Literal, cast, get_args

from ._errors import DamagedDatasetError

#: The type of a column in a schema.
ColumnType = Literal["integer", "decimal", "number", "boolean", "text", "date", "time", "timestamp", "uuid"]

#: What the values of a column could reveal about a person.
ColumnRole = Literal["identifier", "quasi-identifier", "sensitive"]


@dataclass(frozen=True)
class Column:
    """One column. Its bounds and categories are public: the provider declares them without using the rows."""

    name: str
    type: ColumnType
    nullable: bool
    description: str = ""
    role: ColumnRole | None = None
    minimum: str | None = None
    maximum: str | None = None
    #: All values that can occur, in the order of the provider.
    categories: tuple[str, ...] = ()
    #: The number of digits of a ``decimal``, and of those after the decimal point.
    precision: int | None = None
    scale: int | None = None
    #: Whether a ``timestamp`` is a point in time (in UTC), and its unit: ``microsecond`` or ``nanosecond``.
    zoned: bool | None = None
    unit: str | None = None
    #: The format of a ``text``, as a regular expression.
    format: str | None = None

    @property
    def kind(self) -> str:
        """The type in words: ``decimal (10, 2)``, ``timestamp (UTC)``."""
        if self.type == "decimal":
            return f"decimal ({self.precision}, {self.scale})"
        if self.type == "timestamp":
            unit = ", ns" if self.unit == "nanosecond" else ""
            return f"timestamp ({'UTC' if self.zoned else 'no zone'}{unit})"
        return self.type

    @property
    def values(self) -> str:
        """Categories, format or bounds of the values, in one line; empty if the provider declares none."""
        if self.format is not None:
            return self.format
        if self.categories:
            shown = ", ".join(self.categories[:6])
            more = len(self.categories) - 6
            return f"{shown}, and {more} more" if more > 0 else shown
        if self.minimum is None and self.maximum is None:
            return ""
        return f"{self.minimum or '…'} to {self.maximum or '…'}"


@dataclass(frozen=True)
class Schema:
    """The columns of a dataset, in order. In a notebook it is displayed as a table."""

    columns: tuple[Column, ...]

    def __iter__(self) -> Iterator[Column]:
        """Returns an iterator over the columns."""
        return iter(self.columns)

    def __len__(self) -> int:
        """Returns the number of columns."""
        return len(self.columns)

    def __getitem__(self, name: str) -> Column:
        """Returns the column with this name. Raises KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(column.name for column in self.columns)

    def _rows(self) -> list[tuple[str, str, str, str]]:
        return [
            (
                column.name + (f" ({column.role})" if column.role else ""),
                column.kind + (", may be missing" if column.nullable else ""),
                column.values,
                column.description,
            )
            for column in self.columns
        ]

    def __repr__(self) -> str:
        """Returns one line of text for each column."""
        rows = self._rows()
        widths = [max((len(row[field]) for row in rows), default=0) for field in range(3)]
        lines = (
            "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]])
            for row in rows
        )
        return "\n".join(line.rstrip() for line in lines)

    def _repr_html_(self) -> str:
        head = "".join(
            f'<th style="text-align: left">{title}</th>' for title in ("column", "type", "values", "meaning")
        )
        body = "".join(
            "<tr>" + "".join(f'<td style="text-align: left">{escape(cell)}</td>' for cell in row) + "</tr>"
            for row in self._rows()
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _is_complete(value: Mapping[str, Any]) -> bool:
    """Returns whether a column has the fields that its type requires."""
    if value["type"] == "decimal":
        return isinstance(value.get("precision"), int) and isinstance(value.get("scale"), int)
    if value["type"] == "timestamp":
        return isinstance(value.get("zoned"), bool) and value.get("unit") in ("microsecond", "nanosecond")
    return True


def read_column(value: object) -> Column:
    """Reads a column of ``schema.json``. Ignores unknown fields.

    Raises DamagedDatasetError if name or type is missing or not valid.
    """
    if not isinstance(value, Mapping):
        raise DamagedDatasetError("A column of schema.json is not an object.")
    name, kind, role = value.get("name"), value.get("type"), value.get("role")
    if not isinstance(name, str) or kind not in get_args(ColumnType):
        raise DamagedDatasetError(f"A column of schema.json has no name, or the unknown type {kind!r}.")
    if not _is_complete(value):
        raise DamagedDatasetError(f'The {kind} column "{name}" of schema.json is not described completely.')
    optional: dict[str, Any] = {
        key: value[key]
        for key in ("minimum", "maximum", "precision", "scale", "zoned", "unit", "format")
        if key in value
    }
    return Column(
        name=name,
        type=cast("ColumnType", kind),
        nullable=value.get("nullable") is not False,
        description=str(value.get("description", "")),
        role=cast("ColumnRole", role) if role in get_args(ColumnRole) else None,
        categories=tuple(value.get("categories", ())),
        **optional,
    )
