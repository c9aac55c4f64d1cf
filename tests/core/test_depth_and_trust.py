"""How far goals may come from goals, and whose words a plan is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fakes import FakeCapability, FakeKnowledge, FakeToolbox, Loop, open_loop

from autoclave.core.driver import Driver
from autoclave.core.opportunities import raise_opportunities
from autoclave.domain.canonical import JsonObject
from autoclave.domain.knowledge import Opportunity
from autoclave.domain.run import Run, RunStatus

Open = Callable[..., Loop]


async def greet(inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
    return {"text": "hello"}


@pytest.fixture
def opened(fast_tmp_path: Path) -> Iterator[Open]:
    loops: list[Loop] = []

    def again(**given: Any) -> Loop:
        capability = FakeCapability(greet, serves=("greet",))
        toolbox = FakeToolbox(greet=capability, send=FakeCapability(greet))
        loops.append(open_loop(fast_tmp_path, toolbox, **given))
        return loops[-1]

    yield again
    for loop in loops:
        loop.close()


def found_in(*goals: str) -> Opportunity:
    return Opportunity(
        key="error:x:1",
        title="it fails",
        capability="x",
        pattern_id="p",
        confirmations=2,
        goals=goals,
        cases=(),
    )


async def test_a_goal_out_of_goals_is_one_deeper_than_the_deepest(opened: Open) -> None:
    """Counted by the kernel, whatever the opportunity says."""
    knowledge = FakeKnowledge()
    loop = opened(knowledge=knowledge)
    knowledge.found = [found_in(await loop.add("a"), await loop.add("b", depth=2))]

    (started,) = await raise_opportunities(loop.parts)

    assert (await loop.parts.ledger.load(started)).depth == 3


async def test_nothing_brings_forth_goals_for_ever(opened: Open) -> None:
    """Self-spawning ends at the depth that the budget gives."""
    knowledge = FakeKnowledge()
    loop = opened(knowledge=knowledge)
    goal = await loop.add("a")
    started = []
    for _ in range(8):
        knowledge.found = [found_in(goal)]
        for each in await raise_opportunities(loop.parts):
            started.append(each)
            goal = each

    assert len(started) == 3


async def test_the_least_depth_of_those_it_comes_from_is_inherited(opened: Open) -> None:
    """A person who allows none gets none, and a child never allows more than its parent."""
    knowledge = FakeKnowledge()
    loop = opened(knowledge=knowledge)
    once, never = await loop.add("a", budget={"depth": 1}), await loop.add("b", budget={"depth": 0})

    knowledge.found = [found_in(once)]
    (child,) = await raise_opportunities(loop.parts)
    knowledge.found = [found_in(child), found_in(never)]

    assert (await loop.parts.ledger.load(child)).budget.depth == 1
    assert await raise_opportunities(loop.parts) == []


async def test_a_goal_that_is_too_deep_is_parked_when_it_is_taken_up(opened: Open) -> None:
    """However it came into the journal."""
    loop = opened()

    run = await Driver(loop.parts).drive(await loop.add("greet everybody", depth=9))

    assert (run.status, run.parked_by) == (RunStatus.PARKED, "depth")
    assert loop.toolbox.ran == []


def recalled(*, trusted: bool, by_model: bool = False, to: str = "greet") -> JsonObject:
    """A plan that worked before for goals like this one."""
    step = {"name": "one", "capability": to, "inputs": {"to": "mallory"}, "after": []}
    known = {
        "signature": to,
        "steps": [step],
        "source": "model",
        "similarity": 1.0,
        "lower_bound": 0.9,
        "trusted": trusted,
        "by_model": by_model,
    }
    return {"experiences": [], "plans": [known], "patterns": []}


def follow_the_known(view: Any) -> JsonObject:
    """A mind that does what is known, else greets, as the goal says."""
    known = (view["recalled"] or {}).get("plans")
    if view["run"]["state"] == "IDLE":
        return {"path": ["PLANNING"], "intent": {"kind": "Recall", "query": "x"}}
    own = {"name": "one", "capability": "greet", "inputs": {}, "after": []}
    step = known[0]["steps"][0] if known else own
    plan = {
        "signature": step["capability"],
        "source": "known" if known else "composed",
        "steps": [step],
        "template": [step],
        "done": {},
    }
    if view["plan"]:
        return {"intent": {"kind": "Wait", "seconds": 1.0, "reason": "enough"}}
    act = {"kind": "Act", "step": "one", "capability": step["capability"], "inputs": step["inputs"]}
    return {"path": ["EXECUTING"], "plan": plan, "intent": act}


async def planned(opened: Open, known: JsonObject, **payload: Any) -> Run:
    loop = opened(knowledge=FakeKnowledge(known), decide=follow_the_known)
    return await Driver(loop.parts).drive(await loop.add("greet everybody", **payload))


async def test_a_poisoned_plan_is_never_trusted_again(opened: Open) -> None:
    """A model made it after reading what no person wrote; now it is known and chosen."""
    run = await planned(opened, recalled(trusted=False, by_model=True, to="send"))

    assert run.plan is not None
    assert run.plan["steps"][0]["capability"] == "send"
    assert (run.plan_trusted, run.plan_by_model) == (False, True)


async def test_a_known_plan_inherits_that_it_was_made_from_trusted_text(opened: Open) -> None:
    """Then its effects follow a plan that people chose."""
    run = await planned(opened, recalled(trusted=True))

    assert (run.plan_trusted, run.plan_by_model) == (True, False)


async def test_the_values_of_a_plan_that_a_model_wrote_stay_the_models(opened: Open) -> None:
    """The plan was chosen by a person's words; `mallory` stands in none of them."""
    run = await planned(opened, recalled(trusted=True, by_model=True))

    assert (run.plan_trusted, run.plan_by_model) == (True, True)


async def test_what_would_be_planned_without_the_poison_too_is_trusted(opened: Open) -> None:
    """The steps count, not how they were come by."""
    known = recalled(trusted=False)
    known["plans"][0]["steps"][0]["inputs"] = {}

    run = await planned(opened, known)

    assert (run.plan_trusted, run.plan_by_model) == (True, False)


async def test_a_goal_that_no_person_wrote_has_no_trusted_plan(opened: Open) -> None:
    """However well the plan is known."""
    run = await planned(opened, recalled(trusted=True), origins=["web"])

    assert not run.plan_trusted
