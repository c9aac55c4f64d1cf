"""Which step comes next, and which are needless."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from autoclave.domain.canonical import JsonObject
from autoclave.mind.stepping import failed_step, next_intent


def _step(name: str, *after: str, unless: str = "") -> JsonObject:
    step: JsonObject = {"name": name, "capability": name, "inputs": {}, "after": list(after)}
    return {**step, "unless": {"step": unless, "field": "ok"}} if unless else step


def _view(steps: list[JsonObject], results: JsonObject) -> Any:
    return {"plan": {"steps": steps}, "results": results}


def _ok(**outputs: Any) -> JsonObject:
    return {"ok": True, "outputs": outputs}


CHAIN = [_step("judge"), _step("mend", "judge", unless="judge"), _step("tell", "mend")]


def test_the_steps_come_in_order_and_then_the_claim() -> None:
    """A claim only when nothing is left."""
    seen = []
    results: JsonObject = {}
    while (intent := next_intent(_view(CHAIN, results)))["kind"] == "Act":
        seen.append(intent["step"])
        results[intent["step"]] = _ok(ok=False)

    assert seen == ["judge", "mend", "tell"]
    assert intent["kind"] == "Finish"


def test_a_yes_makes_what_hangs_on_it_needless() -> None:
    """Also what takes the output of a needless step."""
    assert next_intent(_view(CHAIN, {"judge": _ok(ok=True)}))["kind"] == "Finish"


def test_a_judge_that_failed_says_nothing() -> None:
    """Its verdict is missing, so the step is not needless."""
    results = {"judge": {"ok": False, "failure": {}}}

    assert next_intent(_view(CHAIN, results))["step"] == "mend"
    found = failed_step(_view(CHAIN, results))
    assert found is not None
    assert found["name"] == "judge"


names = st.sampled_from(["a", "b", "c", "d"])


@given(
    order=st.permutations(["a", "b", "c", "d"]),
    after=st.dictionaries(names, names),
    unless=st.dictionaries(names, names),
    verdicts=st.dictionaries(names, st.booleans()),
)
def test_no_step_runs_twice_and_every_walk_ends(
    order: list[str], after: dict[str, str], unless: dict[str, str], verdicts: dict[str, bool]
) -> None:
    """Whatever the plan says about what comes after what, as long as it looks back."""
    steps = []
    for place, name in enumerate(order):
        earlier = order[:place]
        needs = [after[name]] if after.get(name) in earlier else []
        verdict = unless.get(name, "")
        steps.append(_step(name, *needs, unless=verdict if verdict in earlier else ""))
    results: JsonObject = {}
    for _ in range(len(steps) + 1):
        intent = next_intent(_view(steps, results))
        if intent["kind"] == "Finish":
            return
        assert intent["step"] not in results
        results[intent["step"]] = _ok(ok=verdicts.get(intent["step"], False))
    raise AssertionError("the walk has no end")
