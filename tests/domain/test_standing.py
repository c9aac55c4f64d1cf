"""How the whole agent stands, whoever says what in whatever order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from autoclave.domain.canonical import JsonObject
from autoclave.domain.events import Event, EventKind
from autoclave.domain.standing import PauseCode, Standing, fold_standing


def event(kind: EventKind, actor: str = "person:a", **payload: str) -> Event:
    given: JsonObject = dict(payload)
    return Event(
        id=1,
        stream="agent",
        seq=1,
        epoch=0,
        kind=kind,
        version=1,
        payload=given,
        actor=actor,
        at=5.0,
    )


ALARM = event(EventKind.AGENT_PAUSED, "kernel", reason="it leaks", code="escalated")
PAUSE = event(EventKind.AGENT_PAUSED, reason="lunch", code="asked")


def standing(*events: Event) -> Standing:
    found = Standing()
    for each in events:
        found = fold_standing(found, each)
    return found


def test_a_pause_that_was_asked_for_ends_without_a_reason() -> None:
    """Whoever paused it need not explain."""
    assert standing(PAUSE).reason == "lunch"
    assert not standing(PAUSE, event(EventKind.AGENT_RESUMED)).is_paused


def test_after_an_alarm_only_a_person_with_a_reason_lets_it_go_on() -> None:
    """Neither the kernel nor a silent person."""
    silent = event(EventKind.AGENT_RESUMED)
    kernel = event(EventKind.AGENT_RESUMED, "kernel", reason="all is well")
    explained = event(EventKind.AGENT_RESUMED, reason="I looked")

    assert standing(ALARM, silent, kernel).is_paused
    assert not standing(ALARM, explained).is_paused
    assert standing(ALARM, explained).answered == "it leaks"


def test_an_alarm_outweighs_a_pause_and_never_the_other_way_round() -> None:
    """Else pausing would be a way to get rid of an alarm."""
    assert standing(PAUSE, ALARM).code is PauseCode.ESCALATED
    assert standing(ALARM, PAUSE).code is PauseCode.ESCALATED
    assert standing(ALARM, PAUSE, event(EventKind.AGENT_RESUMED)).is_paused


kinds = st.sampled_from(
    [EventKind.AGENT_PAUSED, EventKind.AGENT_RESUMED, EventKind.SHORTAGE_CHANGED]
)
events = st.builds(
    lambda kind, actor, reason, code, level: event(
        kind, actor, reason=reason, code=code, level=level
    ),
    kinds,
    st.sampled_from(["kernel", "person:a"]),
    st.sampled_from(["", " ", "because"]),
    st.sampled_from(["asked", "escalated", "else"]),
    st.sampled_from(["ok", "soft", "hard"]),
)


@given(st.lists(events, max_size=12))
def test_what_was_raised_stays_until_a_person_explains(life: list[Event]) -> None:
    """The law behind all of it."""
    found = Standing()
    for each in life:
        after = fold_standing(found, each)
        if found.code is PauseCode.ESCALATED and not after.is_paused:
            assert each.kind is EventKind.AGENT_RESUMED
            assert each.actor.startswith("person:")
            assert each.payload["reason"].strip()
        found = after
