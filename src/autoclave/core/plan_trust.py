"""Whose words chose a plan: the mind is asked again without what nobody trusts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..domain.canonical import JsonObject
from ..domain.errors import InvalidInput
from ..domain.run import Run
from .labels import without_untrusted
from .mind_answer import read_answer
from .parts import Parts
from .view import build_view

Keeps = Callable[[JsonObject], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanTrust:
    """What the kernel found out about one plan."""

    trusted: bool
    """Nothing but what people wrote chose it, here and in the run that it is known from."""
    by_model: bool
    """A language model had a part in it, here or there: its own values are the model's."""


async def trust_of(parts: Parts, run: Run, plan: JsonObject) -> PlanTrust:
    """Being pure, the mind can only come to the same plan if nothing left out chose it."""
    known = (run.recalled or {}).get("plans", [])
    asked = any(each["intent"]["kind"] == "Think" for each in run.replies)
    by_model = asked or not all(map(_is_plain, known))
    if by_model and not asked:
        # Unless it would be made without what a model wrote, or nobody vouches for, as well.
        by_model = not await _is_same(parts, run, plan, keeps=_is_plain)
    if not run.from_person:
        return PlanTrust(trusted=False, by_model=by_model)
    is_clean = not run.read_untrusted and all(map(_is_trusted, known))
    trusted = is_clean or await _is_same(parts, run, plan, keeps=_is_trusted)
    return PlanTrust(trusted=trusted, by_model=by_model)


async def _is_same(parts: Parts, run: Run, plan: JsonObject, *, keeps: Keeps) -> bool:
    view = build_view(run, parts.toolbox.manifests(), parts.model_for(run))
    if run.read_untrusted:
        view = without_untrusted(view)
    if view["recalled"]:
        known = [each for each in view["recalled"].get("plans", []) if keeps(each)]
        view = {**view, "recalled": {**view["recalled"], "plans": known}}
    try:
        again = read_answer(await parts.mind.decide(view))
    except InvalidInput:  # the view is a thin one, and the mind may not cope with it
        return False
    return again.plan is not None and _bare(again.plan) == _bare(plan)


def _bare(plan: JsonObject) -> JsonObject:
    """The plan without how it was come by: the same steps may be composed as well as known."""
    return {name: value for name, value in plan.items() if name != "source"}


def _is_trusted(known: JsonObject) -> bool:
    """Plans from before this was written down count as nobody's."""
    return known.get("trusted") is True


def _is_plain(known: JsonObject) -> bool:
    return _is_trusted(known) and known.get("by_model") is False
