"""When a key counts, and what stands in the way of a yes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoclave.dashboard.review.deciding import (
    GRACE_SECONDS,
    Quiet,
    Standing,
    batch_hindrance,
    must_type,
)
from autoclave.domain.canonical import JsonObject
from autoclave.domain.risk import Risk


@given(st.lists(st.floats(0.0, 0.75), min_size=1, max_size=40))
def test_keys_that_come_close_upon_one_another_never_count(gaps: list[float]) -> None:
    """A key that is held down, a paste, a full queue: for as long as it goes on."""
    quiet, now = Quiet(), 100.0
    quiet.disturb(now)

    for gap in gaps:
        now += gap
        assert not quiet.admits(now)
    assert quiet.admits(now + GRACE_SECONDS + 0.01)


def test_a_clock_that_is_put_back_admits_nothing() -> None:
    """Until the grace has passed on the new time."""
    quiet = Quiet()
    quiet.disturb(100.0)

    assert not quiet.admits(50.0)
    assert quiet.admits(51.0)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"is_small": True}, "too small"),
        ({"is_lost": True}, "nobody answers"),
        ({"is_busy": True}, "under way"),
        ({"is_changed": True}, "press o"),
        ({"is_decided": True}, "was decided"),
        ({"status": "rejected"}, "it is rejected"),
        ({"problem": "the body changed"}, "the body changed"),
    ],
)
def test_a_yes_needs_everything_to_be_as_it_is_shown(
    changes: dict[str, object], said: str, proposal: JsonObject
) -> None:
    """And says what is in the way."""
    standing = Standing(status="waiting")

    assert standing.why_not(proposal) == ""
    assert said in standing.with_(**changes).why_not(proposal)


def test_what_was_not_judged_or_did_not_pass_can_not_be_approved(proposal: JsonObject) -> None:
    """Not checked is not passed."""
    standing = Standing(status="waiting")

    assert "no gate" in standing.why_not({**proposal, "gates": []})
    proposal["gates"][0]["verdict"] = "not checked"
    assert "1 of 4 gates did not pass" in standing.why_not(proposal)


@pytest.mark.parametrize(
    ("risk", "typed"), [("R1", False), ("R3", False), ("R4", True), ("", True)]
)
def test_the_highest_tier_is_typed_and_so_is_what_nobody_judged(risk: str, typed: bool) -> None:
    """Friction follows risk."""
    assert must_type({"risk": risk}) is typed


def test_only_what_is_harmless_fresh_and_green_goes_together(proposal: JsonObject) -> None:
    """Everything else is looked at by itself, and says why."""
    low = {**proposal, "risk": "R1"}
    now = proposal["judged_at"] + 60

    assert batch_hindrance(low, now=now, up_to=Risk.R1) == ""
    assert "one by one" in batch_hindrance(proposal, now=now, up_to=Risk.R1)
    assert "older" in batch_hindrance(low, now=now + 7_200, up_to=Risk.R1)
    assert "signed" in batch_hindrance({**low, "status": "signed"}, now=now, up_to=Risk.R1)
