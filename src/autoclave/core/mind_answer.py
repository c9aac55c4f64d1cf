"""What a mind answers, checked before any of it counts: a mind may be changed code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..domain.canonical import JsonObject
from ..domain.errors import InvalidInput
from ..domain.intents import Act, Intent, parse
from ..domain.state import State


@dataclass(frozen=True, slots=True, kw_only=True)
class MindAnswer:
    """One decision."""

    intent: Intent
    path: tuple[State, ...] = ()
    """States to pass through before the intent."""
    plan: JsonObject | None = None
    why: str = ""
    remedy: str = ""


def read_answer(data: JsonObject) -> MindAnswer:
    """The answer as a value. Raises InvalidInput naming what is wrong with it."""
    intent = parse(data.get("intent"))
    if isinstance(intent, Act) and not intent.step:
        raise InvalidInput("the mind asked for a step without a name")
    path = data.get("path") or []
    _check(isinstance(path, list), "its path is a list of states")
    plan = data.get("plan")
    if plan is not None:
        _check_plan(plan)
    return MindAnswer(
        intent=intent,
        path=tuple(_state(name) for name in path),
        plan=plan,
        why=str(data.get("why") or ""),
        remedy=str(data.get("remedy") or ""),
    )


def _state(name: Any) -> State:
    try:
        return State(name)
    except ValueError as error:
        raise InvalidInput(f"the mind named a state that does not exist: {name!r}") from error


def _check_plan(plan: Any) -> None:
    """A plan has a signature, where it came from, and steps that the kernel can read."""
    _check(isinstance(plan, dict), "a plan is an object")
    for name in ("signature", "source"):
        _check(isinstance(plan.get(name), str) and bool(plan[name]), f"a plan has a {name}")
    for name in ("steps", "template"):
        steps = plan.get(name)
        _check(isinstance(steps, list) and all(map(_is_step, steps)), f"a plan has {name}")
    names = [step["name"] for step in plan["steps"]]
    _check(len(set(names)) == len(names), "the steps of a plan have own names")
    uses = plan.get("uses", [])
    is_open = isinstance(uses, list) and bool(uses) and all(isinstance(e, str) for e in uses)
    _check(is_open if "uses" in plan else bool(names), "a plan has steps, or what it uses")
    _check(not (names and uses), "a plan has steps or is open, not both")
    _check(_is_done_test(plan.get("done", {})), "a done-test names a step or a capability")


def _is_step(step: Any) -> bool:
    if not isinstance(step, dict):
        return False
    unless, after = step.get("unless", {}), step.get("after", [])
    return (
        all(isinstance(step.get(name), str) and step[name] for name in ("name", "capability"))
        and isinstance(step.get("inputs"), dict)
        and isinstance(after, list)
        and all(isinstance(each, str) for each in after)
        and (not unless or _has_texts(unless, "step", "field"))
    )


def _is_done_test(done: Any) -> bool:
    if done == {}:
        return True
    if _has_texts(done, "capability", "field"):
        return isinstance(done.get("inputs"), dict)
    return _has_texts(done, "step", "field")


def _has_texts(value: Any, *names: str) -> bool:
    return isinstance(value, dict) and all(isinstance(value.get(name), str) for name in names)


def _check(holds: bool, rule: str) -> None:
    if not holds:
        raise InvalidInput(f"the mind's answer has another form: {rule}")
