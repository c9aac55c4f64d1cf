"""Section C of the corpus, last part: an agent that keeps itself busy. Numbers are the corpus's."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.fakes import FakeCapability, FakeKnowledge, FakeToolbox, open_loop

from autoclave.core.driver import Driver
from autoclave.core.opportunities import raise_opportunities
from autoclave.domain.canonical import JsonObject
from autoclave.domain.knowledge import Opportunity
from autoclave.domain.risk import Action, ActionKind, Origin, Verdict
from autoclave.domain.run import RunStatus
from autoclave.governance.gate import PolicyGate
from autoclave.governance.safety_rules import SafetyRules

pytestmark = pytest.mark.slow
RULES = Path(__file__).parents[2] / "safety_rules.yaml"
ran: list[str] = []


async def work(inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
    ran.append(key)
    return {}


def toolbox() -> FakeToolbox:
    return FakeToolbox(work=FakeCapability(work, serves=("work",)))


async def test_goals_out_of_goals_come_to_an_end(fast_tmp_path: Path) -> None:
    """Item 59: each run fails and calls for another one, until the budget's depth."""
    knowledge = FakeKnowledge()
    loop = open_loop(fast_tmp_path, toolbox(), knowledge=knowledge)
    goal = await loop.add("work")
    depths = []
    for turn in range(20):
        knowledge.found = [
            Opportunity(
                key=f"error:work:{turn}",
                title="it fails",
                capability="work",
                pattern_id="p",
                confirmations=2,
                goals=(goal,),
                cases=(),
            )
        ]
        if started := await raise_opportunities(loop.parts):
            (goal,) = started
            depths.append((await loop.parts.ledger.load(goal)).depth)

    assert depths == [1, 2, 3]
    loop.close()


@pytest.mark.parametrize("depth", [4, 1_000])
async def test_a_goal_from_too_deep_does_nothing(fast_tmp_path: Path, depth: int) -> None:
    """Item 59: however it got into the queue; it is set aside for a person to look at."""
    ran.clear()
    loop = open_loop(fast_tmp_path, toolbox())

    run = await Driver(loop.parts).drive(await loop.add("work", depth=depth))

    assert (run.status, run.parked_by, ran) == (RunStatus.PARKED, "depth", [])
    loop.close()


@pytest.mark.parametrize("origin", [Origin.MODEL, Origin.CAPABILITY, Origin.WEB, Origin.FILE])
@pytest.mark.parametrize("with_a_person", [False, True])
def test_nobody_but_people_adds_goals(origin: Origin, with_a_person: bool) -> None:
    """Item 59: not the mind, not a capability, not a page, and not a person in their words."""
    gate = PolicyGate(SafetyRules.load(RULES))
    origins = {origin, Origin.PERSON} if with_a_person else {origin}
    action = Action(
        kind=ActionKind.GOAL_ADD,
        target="goal",
        attributes={"kind": "goal", "workspace": ""},
        origins=frozenset(origins),
    )

    assert gate.judge(action).verdict is not Verdict.ALLOW
