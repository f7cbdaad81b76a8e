"""How the tests ask for a path: a small world of authorities, and answers that no cache gave."""

from datetime import datetime
from itertools import count

import pytest

from app.pki.certificate import Certificate
from app.pki.engine import Budget
from app.pki.path import Anchors, PathResult, validate
from app.pki.reasons import code_of
from tests.testpki import AT, TestCA, TestIdentity, ca

_KEYS = count()


def anchors(*authorities: TestCA) -> Anchors:
    """Return the authorities as anchors; each call is a new answer, so that no cache helps."""
    ders = tuple(Certificate.from_der(each.certificate) for each in authorities)
    return Anchors(ders, f"test {next(_KEYS)}")


def path_of(
    identity: TestIdentity,
    *roots: TestCA,
    others: tuple[bytes, ...] | None = None,
    at: datetime = AT,
) -> PathResult:
    pool = identity.chain if others is None else others
    return validate(
        Certificate.from_der(identity.certificate),
        tuple(map(Certificate.from_der, pool)),
        anchors(*roots),
        at=at,
        revocation="off",
    )


def codes(result: PathResult) -> list[str]:
    return [code_of(each) for each in result.reasons]


ROOT = ca("Path Root")
SUB = ca("Path Sub", ROOT)
STRANGER = ca("Path Stranger")


def pause(monkeypatch: pytest.MonkeyPatch, *places: int) -> list[Budget]:
    """Let the time of the searches at these places be over from the start; return all budgets."""
    made: list[Budget] = []

    def budget() -> Budget:
        made.append(Budget())
        if len(made) - 1 in places:
            made[-1]._deadline = 0.0
        return made[-1]

    monkeypatch.setattr("app.pki.engine.Budget", budget)
    return made
