"""Tries to tell neighbouring tables apart by the answers about them. Half of the noise, or none, must be noticed.

`npm run test:audit` audits all mechanisms and kinds of columns; the default tests audit one of them.
"""

import os

import pytest
from audit import rates_of
from cases import cases

from clean_room_synthesis.spend import mechanisms

CASES = cases()
#: The case of the default tests.
DEFAULT = "missing value"
RUNS = 3000

audited = pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            case,
            id=name,
            marks=pytest.mark.skipif(
                name != DEFAULT and os.environ.get("CLEAN_ROOM_LONG_TESTS") != "1",
                reason="set CLEAN_ROOM_LONG_TESTS=1 to run the whole audit",
            ),
        )
        for name, case in CASES.items()
    ],
)


def _bound(case, monkeypatch, noise):
    honest = mechanisms.noise_of
    monkeypatch.setattr(mechanisms, "noise_of", lambda contribution, rho: noise * honest(contribution, rho))
    return case.bound(rates_of(case, RUNS))


@audited
def test_answers_reveal_no_more_than_their_loss(case, monkeypatch):
    assert _bound(case, monkeypatch, noise=1) <= case.allowed(case.rho)


@audited
def test_half_of_the_noise_is_noticed(case, monkeypatch):
    if not case.tight:
        pytest.skip("the claim is cautious: half of the noise still satisfies it")
    assert _bound(case, monkeypatch, noise=0.5) > case.allowed(case.rho)


@audited
def test_missing_noise_is_noticed(case, monkeypatch):
    assert _bound(case, monkeypatch, noise=1e-3) > case.allowed(case.rho)
