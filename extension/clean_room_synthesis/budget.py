"""Prints the zCDP loss of an epsilon and a delta, before any data is read: `python -m clean_room_synthesis.budget`."""

import json
import sys

from .spend.release import Release
from .table import CodeTable


def rho_of(epsilon: float, delta: float, rows_per_person: int = 1) -> float:
    """Returns the zCDP loss of a release with this epsilon and delta. OpenDP converts."""
    return Release(CodeTable([], [], {}, None), rows_per_person, epsilon, delta).rho


def main(arguments: list[str]) -> int:
    """Prints the loss for each epsilon. Arguments: delta, rows per person, and one epsilon or more."""
    delta, rows_per_person, *epsilons = arguments
    losses = [
        # Rounded up: the ledger never counts less than what is spent.
        f"{rho_of(float(epsilon), float(delta), int(rows_per_person)) + 5e-13:.12f}"
        for epsilon in epsilons
    ]
    print(json.dumps({"rho": losses}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
