"""Working with a model through the whole loop: what is written down, counted, waited for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.fakes import FakeCapability, FakeToolbox, Loop, open_loop

from autoclave.core.driver import Driver
from autoclave.core.scripted_model import ScriptedModel
from autoclave.core.thinking import asked_of
from autoclave.domain.canonical import JsonObject
from autoclave.domain.errors import BudgetSpent, ModelUnavailable
from autoclave.domain.events import EventKind
from autoclave.domain.model import ModelAnswer, ModelRequest, StopReason, Tokens
from autoclave.domain.run import RunStatus
from autoclave.domain.usage import Spend

PLAN = json.dumps({"approach": "greet, then stop", "uses": ["greet"], "steps": []})


async def greet(inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
    return {"said": "hello"}


GREET = FakeCapability(greet)


@pytest.fixture
def loops() -> Iterator[list[Loop]]:
    """Loops to close at the end."""
    opened: list[Loop] = []
    yield opened
    for loop in opened:
        loop.close()


def calls(*made: tuple[str, JsonObject], usd: float = 0.01) -> ModelAnswer:
    blocks = [
        {"type": "tool_use", "id": f"c{number}", "name": name, "input": given}
        for number, (name, given) in enumerate(made)
    ]
    tokens = Tokens(input=100, output=10)
    return ModelAnswer(blocks=tuple(blocks), stop=StopReason.TOOL_USE, tokens=tokens, usd=usd)


FINISH = calls(("complete_task", {"summary": "greeted"}))


async def test_a_goal_is_pursued_call_by_call(tmp_path: Path, loops: list[Loop]) -> None:
    """Plan, call, observe, claim; each answer counted."""
    model = ScriptedModel(PLAN, calls(("greet", {})), FINISH, usd=0.01)
    loop = open_loop(tmp_path, FakeToolbox(greet=GREET), model=model)
    loops.append(loop)
    goal = await loop.add("say something nice")

    run = await Driver(loop.parts).drive(goal)

    assert run.status is RunStatus.DONE
    assert run.spend.model_calls == 3
    assert run.spend.usd == pytest.approx(0.03)
    assert [tool["name"] for tool in model.requests[1].tools][:2] == ["greet", "complete_task"]
    [result] = model.requests[2].messages[-1]["content"]
    assert "hello" in result["content"]


async def test_what_was_asked_can_be_put_together_from_the_journal(
    tmp_path: Path, loops: list[Loop]
) -> None:
    """Only what is new is written down, and nothing is lost."""
    turns = [calls(("greet", {"n": number})) for number in range(4)]
    model = ScriptedModel(PLAN, *turns, FINISH)
    loop = open_loop(tmp_path, FakeToolbox(greet=GREET), model=model)
    loops.append(loop)
    goal = await loop.add("say something nice")

    await Driver(loop.parts).drive(goal)

    events = await loop.parts.ledger.events(f"goal/{goal}")
    asked = asked_of(events)
    assert asked == list(model.requests)
    stored = [e.payload["intent"] for e in events if e.kind is EventKind.INTENT_RECORDED]
    assert [len(each["messages"]) for each in stored] == [1, 1, 2, 2, 2, 2]
    assert [bool(each["system"]) for each in stored] == [True, True, False, False, False, False]


async def test_a_call_to_what_is_not_in_the_plan_is_answered_and_not_made(
    tmp_path: Path, loops: list[Loop]
) -> None:
    """The model learns what there is; nothing runs."""
    toolbox = FakeToolbox(greet=GREET, other=GREET)
    model = ScriptedModel(PLAN, calls(("other", {})), FINISH)
    loop = open_loop(tmp_path, toolbox, model=model)
    loops.append(loop)

    run = await Driver(loop.parts).drive(await loop.add("say something nice"))

    assert run.status is RunStatus.DONE
    assert toolbox.ran == []
    assert "there is no tool `other`" in str(model.requests[2].messages[-1])


async def test_a_question_of_the_model_waits_and_its_answer_goes_back(
    tmp_path: Path, loops: list[Loop]
) -> None:
    """As a row, over a restart."""
    ask = calls(("request_human_input", {"question": "Whom shall I greet?"}))
    model = ScriptedModel(PLAN, ask, FINISH)
    loop = open_loop(tmp_path, FakeToolbox(greet=GREET), model=model)
    loops.append(loop)
    goal = await loop.add("say something nice")

    waiting = await Driver(loop.parts).drive(goal)
    assert waiting.status is RunStatus.AWAITING_HUMAN
    assert waiting.question is not None
    payload = {name: waiting.question[name] for name in ("request", "digest")}
    from autoclave.domain.events import NewEvent

    answer = {**payload, "yes": True, "reason": "the world"}
    event = NewEvent(kind=EventKind.ANSWER_GIVEN, payload=answer)
    await loop.parts.ledger.post(f"goal/{goal}", event, actor="person:ada")
    run = await Driver(loop.parts).drive(goal)

    assert run.status is RunStatus.DONE
    [result] = model.requests[2].messages[-1]["content"]
    assert result["content"] == "person:ada answered: yes. the world"


async def test_a_model_that_is_away_is_waited_for(tmp_path: Path, loops: list[Loop]) -> None:
    """As a row with a reason; then the same question is asked again."""
    model = Away(ModelUnavailable("overloaded", retry_after=7200.0), PLAN, FINISH)
    loop = open_loop(tmp_path, FakeToolbox(greet=GREET), model=model)
    loops.append(loop)
    goal = await loop.add("say something nice")

    waiting = await Driver(loop.parts).drive(goal)
    run = await Driver(loop.parts).drive(goal)

    assert waiting.status is RunStatus.WAITING
    assert waiting.reason == "waiting for the model: overloaded"
    assert waiting.wake_at is not None
    assert waiting.wake_at >= loop.clock() + 7000
    assert run.status is RunStatus.DONE
    assert model.requests[0].messages == model.requests[1].messages


async def test_what_a_cut_answer_cost_is_counted(tmp_path: Path, loops: list[Loop]) -> None:
    """Half an answer is paid for all the same."""
    model = Away(ModelUnavailable("cut off", usd=0.25), PLAN, FINISH)
    loop = open_loop(tmp_path, FakeToolbox(greet=GREET), model=model)
    loops.append(loop)

    run = await Driver(loop.parts).drive(await loop.add("say something nice"))

    assert run.spend.usd == pytest.approx(0.25)


async def test_no_call_is_made_that_could_overdraw_the_budget(
    tmp_path: Path, loops: list[Loop]
) -> None:
    """The most that it can cost has to be left; a shorter answer is tried first."""
    model = Priced(PLAN, FINISH)
    loop = open_loop(tmp_path, FakeToolbox(greet=GREET), model=model)
    loops.append(loop)
    goal = await loop.add("say something nice", budget={"usd": 0.003})

    run = await Driver(loop.parts).drive(goal)

    assert run.status is RunStatus.PARKED
    assert run.parked_by == "budget"
    assert run.spend.usd <= 0.003
    assert [each.most_tokens for each in model.requests] == [2048]  # of the 4,096 wanted


async def test_tokens_are_counted_where_the_reckoning_is_too_much(
    tmp_path: Path, loops: list[Loop]
) -> None:
    """A long conversation is not stopped by its own upper bound."""
    model = Counted(PLAN, FINISH)
    loop = open_loop(tmp_path, FakeToolbox(greet=GREET), model=model)
    loops.append(loop)

    run = await Driver(loop.parts).drive(await loop.add("say it", budget={"usd": 0.5}))

    assert run.status is RunStatus.DONE


async def test_what_calls_under_way_hold_is_waited_for(tmp_path: Path, loops: list[Loop]) -> None:
    """They mostly come to less than they may; tomorrow is too late."""
    loop = open_loop(tmp_path, FakeToolbox(greet=GREET), model=ScriptedModel(PLAN, FINISH))
    loops.append(loop)
    parts = replace(loop.parts, day=HeldDay())
    goal = await loop.add("say something nice")

    waiting = await Driver(parts).drive(goal)
    run = await Driver(parts).drive(goal)

    assert waiting.status is RunStatus.WAITING
    assert "under way" in waiting.reason
    assert run.status is RunStatus.DONE


async def test_a_fault_that_a_person_has_to_mend_sets_the_run_aside(
    tmp_path: Path, loops: list[Loop]
) -> None:
    """Not the process: other goals go on. Resumed, it asks again."""
    from autoclave.domain.errors import CredentialMissing
    from autoclave.domain.events import NewEvent

    model = Away(CredentialMissing("bad key", hint="set it"), PLAN, FINISH)
    loop = open_loop(tmp_path, FakeToolbox(greet=GREET), model=model)
    loops.append(loop)
    goal = await loop.add("say something nice")

    parked = await Driver(loop.parts).drive(goal)
    resumed = NewEvent(kind=EventKind.GOAL_RESUMED, payload={"reason": "new key"})
    await loop.parts.ledger.post(f"goal/{goal}", resumed, actor="person:ada")
    run = await Driver(loop.parts).drive(goal)

    assert (parked.status, parked.parked_by) == (RunStatus.PARKED, "model")
    assert "set it" in parked.reason
    assert run.status is RunStatus.DONE


class Away(ScriptedModel):
    """Fails once, then plays its answers."""

    def __init__(self, error: Exception, *answers: Any) -> None:
        super().__init__(*answers)
        self._error: Exception | None = error

    async def complete(self, request: ModelRequest, **more: Any) -> ModelAnswer:
        if self._error is None:
            return await super().complete(request, **more)
        self.requests.append(request)
        error, self._error = self._error, None
        raise error


class Priced(ScriptedModel):
    """A millionth of a dollar for each token that may be written, and every one is."""

    async def complete(self, request: ModelRequest, **more: Any) -> ModelAnswer:
        answer = await super().complete(request, **more)
        return replace(answer, usd=self.price(request))

    def price(self, request: ModelRequest, *, read: int | None = None) -> float:
        return request.most_tokens / 1_000_000


class HeldDay:
    """A day whose rest is held by others, the first two times that somebody asks."""

    def __init__(self) -> None:
        self._refusals = 2

    async def check(self) -> None:
        return

    async def reserve(self, key: str, most: Spend, *, purpose: str) -> None:
        if self._refusals:
            self._refusals -= 1
            raise BudgetSpent("the day's budget is used up", is_held=True)

    def release(self, key: str) -> None:
        return


class Counted(ScriptedModel):
    """A dollar as it is reckoned, a tenth of a cent as it is counted."""

    def price(self, request: ModelRequest, *, read: int | None = None) -> float:
        return 1.0 if read is None else read / 1_000_000

    async def count(self, request: ModelRequest) -> int | None:
        return 1_000
