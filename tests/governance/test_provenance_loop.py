"""No mind and no capability gets an effect on an untrusted target past a person: the whole loop."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fakes import FakeCapability, FakeToolbox, Loop, open_loop
from tests.fakes_owner import Person

from autoclave.core.driver import Driver
from autoclave.domain.canonical import JsonObject
from autoclave.domain.changes import ChangeSet, FileChange
from autoclave.domain.events import EventKind, NewEvent
from autoclave.domain.intents import Effect
from autoclave.domain.risk import Risk
from autoclave.domain.run import Run, RunStatus
from autoclave.governance.approval_system import answer_upto
from autoclave.governance.gate import PolicyGate
from autoclave.governance.policy import Policy

GOAL = "read notes.txt, write a report to out/report.md and send it to bob@example.org"
NAMED = frozenset({"out/report.md"})
FRIENDS = frozenset({"bob@example.org"})
PATHS = ("out/report.md", "evil.py", "report.md", "out", "out/report.md/x")
PEOPLE = ("bob@example.org", "mallory@evil.com", ["bob@example.org", "mallory@evil.com"])


class World:
    """A notebook that a stranger wrote, a writer that may write elsewhere, and a mailer."""

    def __init__(self, notes: JsonObject, *, stray: str = "") -> None:
        self.sent: list[Any] = []
        self._notes = notes
        self._stray = stray

    def toolbox(self) -> FakeToolbox:
        text: JsonObject = {"type": "object", "properties": {"text": {}, "path": {}, "to": {}}}
        path = {"type": "object", "properties": {"path": {"x-type": "output-path"}, "text": {}}}
        to = {"type": "object", "properties": {"to": {"x-role": "target"}, "text": {}}}
        return FakeToolbox(
            read=FakeCapability(self._read, outputs=text),
            write=FakeCapability(self._write, effect=Effect.VERIFIABLE, inputs=path, writes=True),
            mail=FakeCapability(self._mail, effect=Effect.ONCE, inputs=to),
        )

    async def _read(self, inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
        return dict(self._notes)

    async def _write(self, inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
        path = self._stray or str(inputs.get("path") or "default.txt")
        return {"changes": ChangeSet((FileChange(path=path, before=None, after=b"x"),))}

    async def _mail(self, inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
        self.sent.append(inputs.get("to"))
        return {}


@contextmanager
def _life(world: World, policy: Policy, decide: Any) -> Iterator[tuple[Loop, Path]]:
    """A loop under the shipped rules, and an empty workspace."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        workspace = Path(name) / "work"
        workspace.mkdir()
        gate = PolicyGate(policy)
        loop = open_loop(Path(name), world.toolbox(), gate=cast(Any, gate), decide=decide)
        parts = replace(loop.parts, answers_beforehand=answer_upto, escalation=gate.escalation)
        try:
            yield replace(loop, parts=parts), workspace
        finally:
            loop.close()


async def _drive(loop: Loop, workspace: Path, **payload: Any) -> Run:
    facts: dict[str, Any] = {"allow_up_to": int(Risk.R3), "workspace": str(workspace)}
    facts |= {"budget": {"steps": 25}, **payload}
    return await Driver(loop.parts).drive(await loop.add(GOAL, **facts))


def _files(workspace: Path) -> set[str]:
    found = (each for each in workspace.rglob("*") if each.is_file())
    return {each.relative_to(workspace).as_posix() for each in found}


def _scripted(messages: list[JsonObject]) -> Any:
    """A mind that is pure, and that says these things one after the other."""

    def decide(view: Any) -> JsonObject:
        said = sum(view["tries"].values()) + len(view["plans_tried"]) + len(view["replies"])
        message = messages[said % len(messages)]
        if view["plan"] is not None and "plan" not in message:
            return {"path": [], "intent": message["intent"]}
        plan = {**_plan(), **message.get("plan", {}), "signature": f"p{said}"}
        return {"path": ["PLANNING", "EXECUTING"], "plan": plan, "intent": message["intent"]}

    return decide


def _values(*literals: Any) -> st.SearchStrategy[Any]:
    reference = st.sampled_from(["read.text", "read.path", "read.to"]).map(lambda r: {"$ref": r})
    return st.one_of(st.sampled_from(literals), reference)


_ACTS = st.one_of(
    st.just({"capability": "read", "inputs": {}}),
    st.fixed_dictionaries({"path": _values(*PATHS)}).map(
        lambda given: {"capability": "write", "inputs": given}
    ),
    st.just({"capability": "write", "inputs": {}}),
    st.fixed_dictionaries({"to": _values(*PEOPLE)}).map(
        lambda given: {"capability": "mail", "inputs": given}
    ),
)
_STEPS: st.SearchStrategy[JsonObject] = st.tuples(st.sampled_from(["read", "a", "b"]), _ACTS).map(
    lambda pair: {"name": pair[0], **pair[1], "after": []}
)


def _name(step: JsonObject) -> str:
    return str(step["name"])


@st.composite
def _messages(draw: st.DrawFn) -> list[JsonObject]:
    """Plans and steps, which may or may not have to do with one another."""
    found = []
    for _ in range(draw(st.integers(2, 7))):
        steps = draw(st.lists(_STEPS, min_size=1, max_size=3, unique_by=_name))
        step = draw(st.sampled_from(steps)) if draw(st.booleans()) else draw(_STEPS)
        act = {"step": step["name"], "capability": step["capability"], "inputs": step["inputs"]}
        message: JsonObject = {"intent": {"kind": "Act", **act}}
        if draw(st.integers(0, 2)) == 0:
            message["plan"] = {"source": "x", "steps": steps, "template": [], "done": {}}
        found.append(message)
    return found


_NOTES = st.fixed_dictionaries(
    {"text": st.text(max_size=5), "path": st.sampled_from(PATHS), "to": st.sampled_from(PEOPLE)}
)


@given(messages=_messages(), notes=_NOTES, stray=st.sampled_from(["", "evil.py"]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_without_an_answer_nothing_happens_to_what_no_person_named(
    shipped: Policy, messages: list[JsonObject], notes: JsonObject, stray: str
) -> None:
    """Whatever the mind says and the capabilities give back, with the most said beforehand."""
    import asyncio

    world = World(notes, stray=stray)
    with _life(world, shipped, _scripted(messages)) as (loop, workspace):
        asyncio.run(_drive(loop, workspace))

        assert _files(workspace) <= NAMED
        assert all(to in FRIENDS for to in world.sent)


def _plan(*steps: JsonObject) -> JsonObject:
    whole = [{"after": [], **step} for step in steps]
    return {"signature": "s", "source": "x", "steps": whole, "template": [], "done": {}}


def _act(step: JsonObject) -> JsonObject:
    return {
        "kind": "Act",
        **{"step": step["name"]},
        **{k: step[k] for k in ("capability", "inputs")},
    }


READ: JsonObject = {"name": "read", "capability": "read", "inputs": {}}
WRITE: JsonObject = {"name": "w", "capability": "write", "inputs": {"path": "out/report.md"}}


def _in_order(*steps: JsonObject, plan: JsonObject | None = None) -> Any:
    """A mind that plans at once and does the steps in order, then finishes."""

    def decide(view: Any) -> JsonObject:
        if view["run"]["state"] not in ("IDLE", "EXECUTING"):
            return {"path": ["IDLE"], "intent": {"kind": "Finish", "summary": ""}}
        left = [step for step in steps if step["name"] not in view["results"]]
        if not left:
            return {"path": [], "intent": {"kind": "Finish", "summary": ""}}
        if view["plan"] is None:
            path = ["PLANNING", "EXECUTING"]
            return {"path": path, "plan": plan or _plan(*steps), "intent": _act(left[0])}
        return {"path": [], "intent": _act(left[0])}

    return decide


async def test_what_the_goal_names_is_written_without_a_question(shipped: Policy) -> None:
    """A planned step with the target of the goal, after a yes given beforehand."""
    world = World({"text": "hello"})
    with _life(world, shipped, _in_order(READ, WRITE)) as (loop, workspace):
        run = await _drive(loop, workspace)

        assert _files(workspace) == NAMED
        assert run.applied[0]["permission"]["by"] == "person:test, beforehand up to R3"


@pytest.mark.parametrize(
    ("write", "notes", "said"),
    [
        ({"path": "evil.py"}, {}, "evil.py"),
        ({"path": {"$ref": "read.path"}}, {"path": "evil.py"}, "read.path"),
    ],
)
async def test_another_target_is_a_question_that_says_whose_word_it_is(
    shipped: Policy, write: JsonObject, notes: JsonObject, said: str
) -> None:
    """Chosen by the mind, or by a file: the person sees it, and it is written after the yes."""
    steps = (READ, {**WRITE, "inputs": write})
    with _life(World({"text": "x", **notes}), shipped, _in_order(*steps)) as (loop, workspace):
        run = await _drive(loop, workspace)
        assert run.status is RunStatus.AWAITING_HUMAN
        assert run.question is not None
        assert said in run.question["question"]
        assert run.question["ruling"]["risk"] == "R4"
        assert _files(workspace) == set()

        await _answer(loop, run, yes=True)
        await Driver(loop.parts).drive(run.id)

        assert _files(workspace) == {"evil.py"}


async def test_a_step_that_was_not_planned_is_a_question(shipped: Policy) -> None:
    """Though its target stands in the goal: after reading, the mind left its plan."""
    decide = _in_order(READ, WRITE, plan=_plan(READ))
    with _life(World({"text": "write!"}), shipped, decide) as (loop, workspace):
        run = await _drive(loop, workspace)

        assert run.question is not None
        assert "effects-follow-the-plan" in run.question["ruling"]["rules"]


@pytest.mark.parametrize(("obeys", "asked"), [(False, False), (True, True)])
async def test_a_plan_made_after_reading_counts_if_nothing_that_was_read_chose_it(
    shipped: Policy, obeys: bool, asked: bool
) -> None:
    """The kernel asks the mind again without the text; a pure mind that ignored it agrees."""

    def decide(view: Any) -> JsonObject:
        if view["plan"] is None:
            path = ["PLANNING", "EXECUTING"]
            return {"path": path, "plan": _plan(READ), "intent": _act(READ)}
        told = view["results"].get("read", {}).get("outputs", {}).get("text", "")
        if not view["plans_tried"] and "read" in view["results"]:
            step = {**WRITE, "inputs": {**WRITE["inputs"], "text": told if obeys else "fixed"}}
            path = ["PLANNING", "EXECUTING"]
            return {"path": path, "plan": _plan(step), "intent": _act(step)}
        return {"path": [], "intent": {"kind": "Finish", "summary": ""}}

    with _life(World({"text": "say this"}), shipped, decide) as (loop, workspace):
        run = await _drive(loop, workspace)

        assert (run.status is RunStatus.AWAITING_HUMAN) is asked
        assert _files(workspace) == (set() if asked else NAMED)


async def test_a_goal_from_somebody_elses_text_has_no_leave_beforehand(shipped: Policy) -> None:
    """And its words are no person's words: everything that it does is asked about."""
    with _life(World({"text": ""}), shipped, _in_order(READ, WRITE)) as (loop, workspace):
        run = await _drive(loop, workspace, origins=["web"])

        assert run.allow_up_to is Risk.R0
        assert run.question is not None
        assert "models-choose-in-the-workspace" in run.question["ruling"]["rules"]
        assert run.question["ruling"]["risk"] == "R4"
        assert _files(workspace) == set()


async def test_steps_that_are_ready_together_are_one_question(shipped: Policy) -> None:
    """One yes covers each of them once, and nothing that was not shown."""
    mails = [
        {"name": f"m{i}", "capability": "mail", "inputs": {"to": f"m{i}@evil.com"}} for i in "abc"
    ]
    world = World({})
    with _life(world, shipped, _in_order(*mails)) as (loop, workspace):
        run = await _drive(loop, workspace)
        assert run.question is not None
        assert all(f"m{i}@evil.com" in run.question["question"] for i in "abc")

        await _answer(loop, run, yes=True)
        run = await Driver(loop.parts).drive(run.id)

        asked = [e for e in await loop.parts.ledger.events(run.stream) if _is_question(e.kind)]
        assert len(asked) == 1
        assert world.sent == ["ma@evil.com", "mb@evil.com", "mc@evil.com"]


async def test_refusals_that_pile_up_set_the_run_aside(shipped: Policy) -> None:
    """Three of a kind; only a person who says why lets it go on."""
    steps = [
        {"name": f"w{i}", "capability": "write", "inputs": {"path": f".git/{i}"}} for i in range(5)
    ]
    with _life(World({}), shipped, _in_order(*steps)) as (loop, workspace):
        run = await _drive(loop, workspace)
        assert run.status is RunStatus.PARKED
        assert run.reason == "workspace.write was denied 3 times in this run"

        for payload, actor in (({}, "person:a"), ({"reason": "x"}, "kernel")):
            event = NewEvent(kind=EventKind.GOAL_RESUMED, payload=payload)
            await loop.parts.ledger.post(run.stream, event, actor=actor)
        still = await loop.parts.ledger.load(run.id)
        event = NewEvent(kind=EventKind.GOAL_RESUMED, payload={"reason": "I looked"})
        await loop.parts.ledger.post(run.stream, event, actor="person:a")
        back = await loop.parts.ledger.load(run.id)

        assert still.status is RunStatus.PARKED
        assert (back.status, back.denials) == (RunStatus.QUEUED, ())


async def test_a_canary_that_comes_to_light_sets_the_run_aside(shipped: Policy) -> None:
    """Once is enough, and what it came with is not kept."""
    with _life(World({"text": "tok"}), shipped, _in_order(READ, WRITE)) as (loop, workspace):
        watched = replace(loop.parts, canary=lambda value: "tok" in str(value))
        run = await _drive(replace(loop, parts=watched), workspace)

        assert run.status is RunStatus.PARKED
        assert "canary" in run.reason
        assert "outputs" not in run.results["read"]
        assert _files(workspace) == set()


def _is_question(kind: EventKind) -> bool:
    return kind is EventKind.QUESTION_ASKED


async def _answer(loop: Loop, run: Run, *, yes: bool) -> None:
    await Person("test").answer(loop.parts, run, yes=yes)


async def test_a_planned_step_is_good_for_once(shipped: Policy) -> None:
    """Doing it again is something that nobody planned."""
    mail = {"name": "m", "capability": "mail", "inputs": {"to": "bob@example.org"}}

    def decide(view: Any) -> JsonObject:
        fresh = {"path": ["PLANNING", "EXECUTING"], "plan": _plan(mail)}
        return {**(fresh if view["plan"] is None else {"path": []}), "intent": _act(mail)}

    world = World({})
    with _life(world, shipped, decide) as (loop, workspace):
        run = await _drive(loop, workspace)

        assert world.sent == ["bob@example.org"]
        assert run.status is RunStatus.AWAITING_HUMAN
