"""Says what a stand-in is, and what it is good for."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ._errors import DamagedDatasetError

# Number of columns that are listed by name.
_SHOWN = 12


@dataclass(frozen=True)
class Privacy:
    """The differential privacy of a stand-in, and how far its tables can be trusted."""

    epsilon: str
    delta: str
    #: What is protected: ``row``, or ``person`` (all rows of one person).
    unit: str
    #: The largest number of rows of one person that were used, if persons are protected.
    rows_per_person: int | None
    mechanism: str
    #: The column that the provider names as the target of models.
    target: str | None
    #: The columns whose relations are modelled. All others are independent.
    modelled: tuple[str, ...]
    #: Expected error of the noise in tables of one and of two columns, as a share of rows.
    one_way_error: str
    two_way_error: str

    def sentences(self) -> list[str]:
        """Returns the statement in plain sentences."""
        persons = f"persons (at most {self.rows_per_person} rows each)"
        unit = persons if self.unit == "person" else "single rows"
        columns = ", ".join(self.modelled[:_SHOWN]) + (", …" if len(self.modelled) > _SHOWN else "")
        privacy = f"ε = {self.epsilon}, δ = {_short(self.delta)}, protects {unit}"
        one_way, two_way = _percent(self.one_way_error), _percent(self.two_way_error)
        return [
            f"Differentially private: {privacy}. Mechanism: {self.mechanism}.",
            *([f"Made for models of {self.target}."] if self.target is not None else []),
            f"Relations between these columns are modelled: {columns}. All other columns are independent."
            if self.modelled
            else "Relations between columns are not modelled.",
            f"Expected error: {one_way} of the rows in tables of one column, {two_way} in tables of two.",
        ]


@dataclass(frozen=True)
class StandIn:
    """A stand-in as its provider describes it."""

    #: ``random``, ``synthetic`` or ``public``, if the file says so.
    kind: str | None
    digest: str | None
    privacy: Privacy | None

    def sentences(self) -> list[str]:
        """Returns what the stand-in is good for, and its privacy."""
        use = {
            "random": "Random values that fit the schema, made without the data: "
            "good for writing code, not for results.",
            "synthetic": "Synthetic values that resemble the data: good for tables, fair for models.",
            "public": "A file that the provider published.",
        }
        sentence = use.get(self.kind or "")
        return [*([sentence] if sentence else []), *(self.privacy.sentences() if self.privacy else [])]


def _short(number: str) -> str:
    value = Decimal(number)
    return f"{value.normalize():E}".replace("E", "e") if 0 < value < Decimal("0.001") else number


def _percent(share: str) -> str:
    return f"{(Decimal(share) * 100).normalize():f} %"


def read_stand_in(value: Mapping[str, Any]) -> StandIn:
    """Reads the field ``standIn`` of ``schema.json``.

    Raises DamagedDatasetError if its statement of privacy is incomplete.
    """
    privacy = value.get("privacy")
    return StandIn(
        kind=value.get("kind"),
        digest=value.get("digest"),
        privacy=None if privacy is None else _read_privacy(privacy),
    )


def _read_privacy(value: Mapping[str, Any]) -> Privacy:
    try:
        error = value["expectedError"]
        return Privacy(
            epsilon=str(value["epsilon"]),
            delta=str(value["delta"]),
            unit=str(value["unit"]),
            rows_per_person=value.get("rowsPerPerson"),
            mechanism=str(value["mechanism"]),
            target=value.get("target"),
            modelled=tuple(value["modelled"]),
            one_way_error=str(error["oneWay"]),
            two_way_error=str(error["twoWay"]),
        )
    except (KeyError, TypeError) as error:
        raise DamagedDatasetError("The privacy of the stand-in in schema.json is incomplete.") from error
