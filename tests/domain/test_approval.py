"""Yeses as values: what one covers, and when they are enough."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoclave.domain.approval import Approval, Quorum, Sheet
from autoclave.domain.errors import InvalidInput

DAY = 86_400.0
SHEET = Sheet(subject="P-0001", digest="d", home="h", expires_at=9e9, owners={"k": "maria"})


def yes(key: str = "k", at: float = 0.0) -> Approval:
    return replace(SHEET.unsigned(key, at=at, nonce=f"{key}{at}"), key=key)


@pytest.mark.parametrize("name", ["subject", "digest", "granted_at", "expires_at", "nonce", "home"])
def test_everything_that_a_yes_says_is_signed(name: str) -> None:
    """Change a word of it, and it is another statement."""
    changed = 1.5 if name.endswith("_at") else "other"

    assert replace(yes(), **{name: changed}).statement != yes().statement  # type: ignore[arg-type]
    assert {each.name for each in fields(Approval)} >= {name}


def test_a_sheet_and_a_yes_survive_json() -> None:
    """What was signed is what is checked."""
    assert Sheet.from_json(SHEET.to_json()) == SHEET
    assert Approval.from_json(yes().to_json()) == yes()
    assert yes().granted_by == "person:maria"


@pytest.mark.parametrize(
    ("quorum", "yeses", "met"),
    [
        (Quorum(), [], False),
        (Quorum(), [("a", 0.0)], True),
        (Quorum(people=2), [("a", 0.0)], False),
        (Quorum(people=2), [("a", 0.0), ("a", 9 * DAY)], False),
        (Quorum(people=2), [("a", 0.0), ("b", 0.0)], True),
        (Quorum(people=2, cooling_off=DAY), [("a", 0.0)], False),
        (Quorum(people=2, cooling_off=DAY), [("a", 0.0), ("a", DAY - 1)], False),
        (Quorum(people=2, cooling_off=DAY), [("a", 0.0), ("a", DAY)], True),
        (Quorum(people=2, cooling_off=DAY), [("a", 0.0), ("b", 1.0)], True),
    ],
)
def test_two_yeses_are_two_peoples_or_a_day_apart(
    quorum: Quorum, yeses: list[tuple[str, float]], met: bool
) -> None:
    """The same key twice is one person."""
    assert quorum.is_met([yes(key, at) for key, at in yeses]) is met


quorums = st.builds(
    Quorum, people=st.sampled_from([1, 2]), cooling_off=st.none() | st.floats(0, 9 * DAY)
)
said = st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 9 * DAY)), max_size=4)


@given(quorums, quorums, said)
def test_the_stricter_of_two_satisfies_both(
    one: Quorum, other: Quorum, told: list[tuple[str, float]]
) -> None:
    """Rules and tiers that want different things never add up to less."""
    yeses = [yes(key, at) for key, at in told]

    if one.or_stricter(other).is_met(yeses):
        assert one.is_met(yeses)
        assert other.is_met(yeses)


def test_three_people_are_not_a_quorum() -> None:
    """One or two; anything else is a slip."""
    with pytest.raises(InvalidInput):
        Quorum(people=3)
