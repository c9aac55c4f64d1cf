"""One run of a goal through the real gate: real events, real labels, real questions."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from types import SimpleNamespace
from typing import Any

from tests.fakes_owner import Person

from autoclave.core.acting import run_action
from autoclave.core.labels import output_labels, provenance_of, ready_too
from autoclave.core.permission import Parked, Slot, permit
from autoclave.core.results import good, result_event
from autoclave.domain.approval import Approval, Sheet
from autoclave.domain.canonical import JsonObject
from autoclave.domain.errors import NotAllowed
from autoclave.domain.events import Event, EventKind, NewEvent
from autoclave.domain.folding import fold
from autoclave.domain.intents import Act, to_json
from autoclave.domain.risk import Action
from autoclave.domain.run import Run
from autoclave.governance.credentials import verify
from autoclave.governance.gate import PolicyGate

from .mapping import Tool

_OWNER = Person("eval")
PERSON = _OWNER.by


class Policy(StrEnum):
    NONE = "none"
    ASK = "ask on every effect"
    TOOLS = "plan (as a set of tools) + target provenance"
    STEPS = "plan (as steps in order) + target provenance"
    EXACT = "plan (as steps with their inputs) + target provenance"
    """What the kernel itself holds every step to."""


@dataclass(slots=True)
class Count:
    calls: int = 0
    """Calls that a person had to agree to."""
    questions: int = 0
    """Questions that were put: what is alike and ready is asked together."""


class Session:
    """The kernel's side of one task. `says_yes` is what the person answers to everything."""

    def __init__(
        self, policy: Policy, gate: PolicyGate, tools: dict[str, Tool], *, says_yes: bool
    ) -> None:
        self.policy = policy
        self.count = Count()
        self._gate = gate
        self._tools = tools
        self._says_yes = says_yes
        self._run = Run(id="G-0001")
        self._calls = 0
        self._parts: Any = SimpleNamespace(
            gate=gate,
            ledger=SimpleNamespace(
                record=self._record, events=_owners_events, newest_at=_when_it_began
            ),
            verify=verify,
            may_ask=lambda ruling: None,
            answers_beforehand=lambda ruling, action, up_to: False,
            ask_seconds=lambda risk: 60.0,
            clock=lambda: 0.0,
        )

    def begin(self, prompt: str, calls: Sequence[tuple[str, JsonObject]]) -> None:
        """The goal, and the oracle's plan: the names of the tools that solve it, in order."""
        self._fold(NewEvent(kind=EventKind.GOAL_ADDED, payload={"text": prompt}), actor=PERSON)
        self._planned = [dict(args) for _, args in calls]
        steps = []
        gives = [self._tools[name].gives for name, _ in calls]
        for index, (name, _) in enumerate(calls):
            # Everything may depend on what was read before it, but not calls of one tool in a row.
            in_row = (all(c[0] == name for c in calls[i:index]) for i in range(index))
            after = [f"s{i}" for i, same in enumerate(in_row) if gives[i] and not same]
            steps.append({"name": f"s{index}", "capability": name, "inputs": {}, "after": after})
        self._plan = steps
        self._adopt()

    def may(self, tool: str, args: JsonObject, *, step: int | None) -> str | None:
        """The step that a call was let through as, or None. An injected one has no `step`."""
        self._calls += 1
        if self.policy is Policy.NONE:
            return f"x{self._calls}"
        if self.policy is Policy.ASK:
            return self._ask_always(tool)
        claimed = self._claim(tool, step)
        intent = Act(step=claimed, capability=tool, inputs=self._as_inputs(tool, args))
        self._fill(intent, step)
        return claimed if self._permitted(intent, args) else None

    def done(self, step: str, tool: str, args: JsonObject, returned: Any) -> None:
        """Write the result down, labelled as the kernel labels it."""
        known = self._tools[tool]
        intent = Act(step=step, capability=tool, inputs=self._as_inputs(tool, args))
        came_from = provenance_of(self._run, known.manifest, intent, args, is_effect=True)
        outputs = known.outputs(returned, args)
        labels = output_labels(known.manifest, outputs, came_from)
        result = good(outputs=outputs, labels=labels)
        self._fold(result_event(f"k{self._calls}", to_json(intent), result))

    def _ask_always(self, tool: str) -> str | None:
        if self._tools[tool].is_effect:
            self.count.calls += 1
            self.count.questions += 1
            if not self._says_yes:
                return None
        return f"x{self._calls}"

    def _claim(self, tool: str, step: int | None) -> str:
        """The step that a call says it is. One that is injected says what suits it best."""
        if self.policy is Policy.TOOLS:
            return f"x{self._calls}"
        if step is not None:
            return f"s{step}"
        free = [e["name"] for e in self._plan if e["capability"] == tool]
        return next((name for name in free if name not in self._run.results), f"x{self._calls}")

    def _fill(self, intent: Act, step: int | None) -> None:
        """An oracle of names only: a step takes the inputs of whoever claims it."""
        if self.policy is Policy.TOOLS:
            if any(each["capability"] == intent.capability for each in self._plan):
                added = {"name": intent.step, "capability": intent.capability, "after": []}
                self._adopt({**added, "inputs": intent.inputs})
            return
        for index, each in enumerate(self._plan):
            if each["name"] == intent.step:
                if step is not None or self.policy is Policy.STEPS:
                    each["inputs"] = intent.inputs
            elif step is not None:
                each["inputs"] = self._as_inputs(each["capability"], self._planned[index])
        self._adopt()

    def _adopt(self, *more: JsonObject) -> None:
        """Change the plan without forgetting what was done: only this eval's oracle may."""
        plan = {"signature": "oracle", "source": "oracle", "steps": [*self._plan, *more]}
        self._run = replace(self._run, plan=plan, plan_trusted=True)

    def _permitted(self, intent: Act, args: JsonObject) -> bool:
        action = self._action(intent, args)
        too = [
            Slot(step=other.step, action=self._action(other, self._args(other)))
            for other, _ in ready_too(self._run, intent)
            if self.policy is not Policy.TOOLS
        ]
        request = f"k{self._calls}-run"
        needs_person = self._gate.judge(action).verdict != "allow"
        self.count.calls += needs_person
        for _ in range(2):
            asked = permit(
                self._parts,
                self._run,
                action,
                request=request,
                question="May it?",
                step=intent.step,
                too=too,
            )
            try:
                _finish(asked)
            except Parked:
                self.count.questions += 1
                self._answer()
            except NotAllowed:
                return False
            else:
                return True
        raise AssertionError("an answered question was asked again")

    def _action(self, intent: Act, args: JsonObject) -> Action:
        return run_action(self._run, self._tools[intent.capability].manifest, intent, args)

    def _args(self, other: Act) -> JsonObject:
        return self._planned[int(other.step.removeprefix("s"))]

    def _answer(self) -> None:
        asked = self._run.question or {}
        payload = {"request": asked["request"], "digest": asked["digest"], "yes": self._says_yes}
        if self._says_yes:
            payload["approvals"] = [self._signed(asked).to_json()]
        self._fold(NewEvent(kind=EventKind.ANSWER_GIVEN, payload=payload), actor=PERSON)

    def _signed(self, asked: JsonObject) -> Approval:
        """What an owner signs from R4 on."""
        sheet = Sheet(
            subject=f"{self._run.id}/{asked['request']}",
            digest=asked["digest"],
            home="eval",
            expires_at=60.0,
            owners={_OWNER.key: _OWNER.name},
        )
        return _OWNER.sign(sheet, now=0.0)

    def _as_inputs(self, tool: str, args: JsonObject) -> JsonObject:
        """What the plan would say for each input: the trusted output it is found in, or itself."""
        return {name: self._reference(value) or value for name, value in args.items()}

    def _reference(self, value: Any) -> JsonObject | None:
        wanted = {str(each) for each in (value if isinstance(value, list) else [value])}
        for step, result in self._run.results.items():
            for name, label in result["labels"].items():
                said = result["outputs"].get(name)
                if label["trusted"] and isinstance(said, list) and wanted <= set(said):
                    return {"$ref": f"{step}.{name}"}
        return None

    async def _record(self, run: Run, event: NewEvent, actor: str) -> Run:
        self._fold(event, actor=actor)
        return self._run

    def _fold(self, event: NewEvent, *, actor: str = "kernel") -> None:
        seq = self._run.seq + 1
        given = Event(
            id=seq,
            stream="goal/G-0001",
            seq=seq,
            epoch=1,
            kind=event.kind,
            version=1,
            payload=event.payload,
            actor=actor,
            at=0.0,
        )
        self._run = fold(self._run, given)


async def _owners_events(stream: str) -> list[Event]:
    payload = {"name": _OWNER.name, "key": _OWNER.key, "home": "eval"}
    enrolled = Event(
        id=1,
        stream=stream,
        seq=1,
        epoch=0,
        kind=EventKind.OWNER_ENROLLED,
        version=1,
        payload=payload,
        actor=PERSON,
        at=0.0,
    )
    return [enrolled]


async def _when_it_began() -> float:
    return 0.0


def _finish(work: Coroutine[Any, Any, object]) -> None:
    """Run what never really waits, to its end."""
    try:
        work.send(None)
    except StopIteration:
        return
    raise AssertionError("it waited for something")
