"""A goal that failed, pursued again by any mind: sealed, in memory, on the files as they were."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ..domain.canonical import JsonObject
from ..domain.errors import AutoclaveError, Fatal, NotServed
from ..domain.events import Event, EventKind
from ..domain.folding import fold
from ..domain.golden import Sources
from ..domain.knowledge import Case
from ..domain.run import Run
from ..domain.state import State
from .done_test import check_done
from .parts import Parts
from .results import bad, failure_of, good, resolve
from .view import build_view

_MOST_DECISIONS = 40

Ask = Callable[[Sources, Sequence[JsonObject]], Awaitable[list[JsonObject]]]


async def pursue(parts: Parts, ask: Ask, mind: Sources, case: Case) -> JsonObject:
    """`{"ok", "summary"}`: whether that mind reaches the goal of the case; `ok` None: not known.

    Nothing is written down and no permission is asked: every step runs sealed on a copy.
    """
    events = await parts.ledger.events(f"goal/{case.goal_id}")
    added = next((each for each in events if each.kind is EventKind.GOAL_ADDED), None)
    if added is None:
        return {"ok": None, "summary": f"the beginning of {case.goal_id} is in an archive"}
    with ExitStack() as places:
        pursuit = _Pursuit(
            parts=parts,
            case=case,
            places=places,
            run=fold(Run(id=case.goal_id), added),
            recalled=_recalled(events),
        )
        try:
            return await pursuit.go(lambda view: ask(mind, [view]))
        except NotServed as error:
            return {"ok": None, "summary": error.message}


def _recalled(events: Sequence[Event]) -> JsonObject:
    """What was recalled for it when it failed."""
    results = (each.payload for each in events if each.kind is EventKind.RESULT_RECORDED)
    found = [each["result"] for each in results if each["intent"]["kind"] == "Recall"]
    value: JsonObject = found[-1].get("value", {}) if found else {}
    return value


@dataclass(kw_only=True)
class _Pursuit:
    """The run as it would be, and the copy of the workspace that it works on."""

    parts: Parts
    case: Case
    places: ExitStack
    run: Run
    recalled: JsonObject
    folder: Path | None = None

    async def go(self, ask: Callable[[JsonObject], Awaitable[list[JsonObject]]]) -> JsonObject:
        for _ in range(_MOST_DECISIONS):
            view = build_view(self.run, self.parts.toolbox.manifests(), None)
            (given,) = await ask(view)
            if "error" in given:
                return {"ok": False, "summary": f"in {self.run.state}: {given['error']}"}
            intent = self._way(given["answer"])
            if intent["kind"] == "GiveUp":
                return {"ok": False, "summary": f"it gives up: {intent['reason']}"}
            if intent["kind"] == "Finish" and self.run.state is State.MODIFYING:
                return {"ok": True, "summary": "it reaches the goal"}
            payload = {"intent": intent, "result": await self._result(intent)}
            self._note(EventKind.RESULT_RECORDED, payload)
        return {"ok": False, "summary": f"it comes to no end in {_MOST_DECISIONS} decisions"}

    def _way(self, answer: JsonObject) -> JsonObject:
        """The states and the plan of an answer taken in; the intent that is left."""
        for state in answer["path"]:
            self._note(EventKind.STATE_CHANGED, {"from": str(self.run.state), "to": state})
        if answer["plan"] is not None:
            self.folder = None  # a new plan starts from what the workspace was
            self._note(EventKind.PLAN_MADE, {"plan": answer["plan"]})
        intent: JsonObject = answer["intent"]
        return intent

    async def _result(self, intent: JsonObject) -> JsonObject:
        match intent["kind"]:
            case "Act":
                return await self._act(intent)
            case "Finish":
                return await check_done(self.parts, self.run, self._workspace())
            case "Recall":
                return good(value=self.recalled)
            case "Remember" | "Wait":
                return good(value={})
            case kind:
                raise NotServed(f"it asks for {kind}, which a replay can't give")

    async def _act(self, intent: JsonObject) -> JsonObject:
        parts, workspace = self.parts, self._workspace()
        offered = (e for e in parts.toolbox.manifests() if e.name == intent["capability"])
        if any(each.needs.network for each in offered):
            raise NotServed(f"{intent['capability']} reaches outside")
        try:
            inputs = resolve(intent["inputs"], dict(self.run.results))
            ran = await parts.toolbox.run(
                intent["capability"], inputs, workspace=workspace, key="replay"
            )
            if ran.failure is not None:
                return bad(ran.failure.to_json())
            if ran.changes:
                parts.files.apply(workspace, ran.changes)
        except Fatal:
            raise
        except AutoclaveError as error:
            return bad(failure_of(error))
        except (KeyError, TypeError) as error:
            return bad({**_MISSING, "message": f"{intent['step']} refers to {error}"})
        return good(outputs=ran.outputs)

    def _workspace(self) -> Path:
        """A copy of the files as they were when the goal failed; a fresh one for every plan."""
        if self.folder is None:
            self.folder = self.places.enter_context(self.parts.sandbox.scratch())
            files = {name: text.encode("latin-1") for name, text in self.case.files.items()}
            self.parts.files.write_tree(self.folder, files)
        return self.folder

    def _note(self, kind: EventKind, payload: JsonObject) -> None:
        event = Event(
            id=0,
            stream=self.run.stream,
            seq=self.run.seq + 1,
            epoch=self.run.epoch,
            kind=kind,
            version=1,
            payload=payload,
            actor="kernel",
            at=0.0,
        )
        self.run = fold(self.run, event)


_MISSING = {"error_class": "InvalidInput", "message": "", "where": "", "traceback": ""}
