"""No event that the journal accepts makes learning fail."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autoclave.domain.events import EventKind
from autoclave.domain.knowledge import PatternKind
from autoclave.learning.pattern_engine import Observation, PatternEngine
from autoclave.learning.projection import LearningProjection

_NASTY = [
    "",
    "\x00",
    "\ud800 lone",
    "'; DROP TABLE experiences; --",
    '" OR 1=1',
    "\x1b[31mred\x1b[0m",
    "\u202egnp.exe",
    "x" * 5_000,
    "\U0001f600 词",
    "a\x00b",
]
_NAME_WORDS = (
    "success verified_by text kind plan signature steps source template actions step capability ok "
    "seconds error_class failures message where context workspace_kind lesson intent result "
    "outputs tried operators fixed failure files done chain inputs key pattern_id goal_id gates "
    "verdict opportunity_key reason spend capability_tree"
)
_NAMES = _NAME_WORDS.split()
_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([*_NASTY, "ok", "failed", "check", "Act", "repair_python", "improvement"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*_NAMES, *_NASTY]), inner, max_size=6)
    ),
    max_leaves=12,
)
_payloads = st.dictionaries(st.sampled_from(_NAMES), _values, max_size=12)


@settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
@given(
    events=st.lists(
        st.tuples(
            st.sampled_from(["goal/G-1", "proposal/P-1", "agent", "goal/\x00\ud800"]),
            st.sampled_from(EventKind),
            _payloads,
        ),
        max_size=6,
    )
)
def test_any_payload_is_taken_in(quick_log: Any, events: list[tuple[str, EventKind, Any]]) -> None:
    """Missing fields, wrong types, huge numbers and hostile text are all just data."""
    for stream, kind, payload in events:
        quick_log.write(stream, kind, **payload)

    quick_log.knowledge.opportunities()
    quick_log.knowledge.patterns()
    quick_log.knowledge.capability_stats()


@pytest.mark.parametrize("nasty", _NASTY)
def test_hostile_text_is_stored_everywhere(log: Any, nasty: str) -> None:
    """Both databases take it in every field, and it can be asked for again."""
    plan = {"signature": nasty, "source": nasty, "steps": [{"capability": nasty, nasty: nasty}]}
    failure = {"error_class": nasty, "message": nasty, "where": nasty, "step": nasty}
    action = {"step": nasty, "capability": nasty, "ok": False, "error_class": nasty}
    files = {nasty: nasty}
    for number in range(2):
        stream = f"goal/G-{number}{nasty}"
        log.write(stream, EventKind.PLAN_MADE, plan=plan)
        intent = {"kind": "Act", "capability": nasty}
        log.write(stream, EventKind.RESULT_RECORDED, intent=intent, result={"ok": False})
        log.write(stream, EventKind.CASE_RECORDED, capability=nasty, files=files, failure=failure)
        log.write(
            stream,
            EventKind.GOAL_ENDED,
            success="failed",
            verified_by="check",
            text=f"look at {nasty}",
            actions=[action],
            failures=[failure],
            context={"workspace_kind": nasty, nasty: nasty},
            plan=plan,
            lesson=nasty,
        )

    assert log.knowledge.recall(f"look at {nasty}")["experiences"]
    for opportunity in log.knowledge.opportunities():
        assert log.knowledge.cases(opportunity)[0].files == files
    assert isinstance(log.knowledge.error_template(failure), str)


class Broken:
    """A plug-in that always fails."""

    def extract(self, experience: Any, known: Any) -> Any:
        raise RuntimeError("mine is broken")


class Unstorable:
    """A plug-in that says what no database can hold."""

    def extract(self, experience: Any, known: Any) -> Any:
        yield Observation(
            kind=experience.goal, key="k", description="d", ok=True, conditions={"x": {1, 2}}
        )


class Words:
    """A plug-in that works: one pattern per first word of a goal."""

    def extract(self, experience: Any, known: Any) -> Any:
        first = experience.goal.split()[0]
        yield Observation(
            kind=PatternKind.CONTEXT, key=f"first:{first}", description=first, ok=True
        )


@pytest.mark.parametrize("plug_in", [Broken, Unstorable])
def test_a_broken_extractor_is_passed_over(
    quick_log: Any, caplog: pytest.LogCaptureFixture, plug_in: type[Any]
) -> None:
    """It is reported; the others go on."""
    engine = PatternEngine()
    engine.add_extractor(plug_in())
    log = type(quick_log)(quick_log.engine, LearningProjection(engine))

    log.end_goal("G-1", "count the words")

    assert len(log.knowledge.patterns()) == 2
    assert plug_in.__name__ in caplog.text


def test_an_extractor_can_be_plugged_in(quick_log: Any) -> None:
    """Its patterns are counted like ours."""
    engine = PatternEngine()
    engine.add_extractor(Words())
    log = type(quick_log)(quick_log.engine, LearningProjection(engine))

    log.end_goal("G-1", "count the words")
    log.end_goal("G-2", "count the lines")

    [found] = [p for p in log.knowledge.patterns() if p.key == "first:count"]
    assert (found.uses, found.goals) == (2, ("G-1", "G-2"))
