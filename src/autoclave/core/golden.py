"""Decisions rebuilt from the journal: the view that the mind saw, and what it answered.

A view is a fold of the run's events, so it is rebuilt exactly. What was recalled, searched or
heard from a model is in the recorded results. What the fold does not hold is written down when the
run is taken up: the digest of the capabilities on offer, and the model's name. Decisions made with
other capabilities or another model than today's are left out; so are those whose intent was never
written down, because a question came in between: the same decision is made after the answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path

from ..domain.canonical import JsonObject, digest
from ..domain.capability import Manifest, Needs
from ..domain.events import Event, EventKind
from ..domain.folding import fold
from ..domain.golden import Golden
from ..domain.intents import Effect, Finish, GiveUp, parse, to_json
from ..domain.ports import LanguageModel
from ..domain.run import Run, RunStatus
from ..domain.state import State
from .view import build_view

_SHIPPED = Path(__file__).with_name("golden_data") / "shipped.json"
_PAUSED = str(State.PAUSED)
_CUTS_OFF = frozenset(
    {
        EventKind.RUN_TAKEN,
        EventKind.QUESTION_ASKED,
        EventKind.GOAL_RETRIED,
        EventKind.GOAL_PARKED,
        EventKind.GOAL_CANCELLED,
    }
)
"""After these the mind is asked anew; what it had answered and was not written down is lost."""
_BEGINS = frozenset(
    {
        EventKind.PLAN_MADE,
        EventKind.CHANGES_ROLLED_BACK,
        EventKind.BROKER_CALLED,
        EventKind.BROKER_ANSWERED,
        EventKind.CHANGES_PREPARED,
    }
)
"""Written while a decision is carried out, before its result is."""
_MOST_A_GROUP = 3


def offered_digest(manifests: tuple[Manifest, ...]) -> str:
    """Names what a view says about the capabilities."""
    return digest(build_view(Run(id=""), manifests, None)["capabilities"])


def decisions(
    events: Sequence[Event], manifests: tuple[Manifest, ...], model: LanguageModel | None
) -> list[Golden]:
    """Every decision of a whole stream that was made with these capabilities and has ended."""
    if not events or events[0].kind is not EventKind.GOAL_ADDED:
        return []
    run_id = events[0].stream.removeprefix("goal/")
    return list(_Reading(run_id, manifests, model).read(events))


def sample(runs: Iterable[Sequence[Golden]], *, most: int) -> list[Golden]:
    """Of runs, newest first, some of each kind of plan and outcome: at most so many decisions."""
    groups: dict[tuple[str, str], list[Sequence[Golden]]] = {}
    for found in runs:
        if found:
            groups.setdefault((found[-1].source, found[-1].success), []).append(found)
    turns = [
        group[turn]
        for turn in range(_MOST_A_GROUP)
        for _, group in sorted(groups.items())
        if turn < len(group)
    ]
    return [each for run in turns for each in run][:most]


@cache
def shipped() -> tuple[Golden, ...]:
    """The decisions that ship with the program, for a home that has made none yet."""
    data = json.loads(_SHIPPED.read_text(encoding="utf-8"))
    offers = {name: tuple(map(_manifest, each)) for name, each in data["capabilities"].items()}
    found: list[Golden] = []
    for run in data["runs"]:
        events = [Event(**{**row, "kind": EventKind(row["kind"])}) for row in run["events"]]
        found += decisions(events, offers[run["capabilities"]], None)
    return tuple(replace(each, id=f"shipped {each.id}") for each in found)


def packed(runs: Sequence[tuple[Sequence[Event], tuple[Manifest, ...]]]) -> JsonObject:
    """Whole streams with the capabilities they were decided on, as `shipped` reads them.

    What was on offer is held beside them, so the digest of it is left out.
    """
    capabilities: JsonObject = {}
    rows = []
    for events, manifests in runs:
        name = offered_digest(manifests)[:12]
        capabilities[name] = build_view(Run(id=""), manifests, None)["capabilities"]
        kept = (each for each in events if each.kind is not EventKind.CASE_RECORDED)
        rows.append({"capabilities": name, "events": [_row(each) for each in kept]})
    return {"capabilities": capabilities, "runs": rows}


def _row(event: Event) -> JsonObject:
    row = asdict(event)
    left_out = {"offered", "changes"}  # no view shows the bytes that were prepared
    row["payload"] = {name: v for name, v in event.payload.items() if name not in left_out}
    return row


def _manifest(offered: JsonObject) -> Manifest:
    """So much of a manifest as a view shows."""
    given = {name: value for name, value in offered.items() if name != "writes"}
    return Manifest(
        **{
            **given,
            "effect": Effect(given["effect"]),
            "serves": tuple(given["serves"]),
            "provides": tuple(given["provides"]),
            "needs": Needs(workspace="write" if offered["writes"] else "none"),
            "folder": Path(),
            "tree": "",
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pending:
    """An answer in the making: the run that it was given for, and what is known of it."""

    before: Run
    path: tuple[str, ...] = ()
    plan: JsonObject | None = None
    why: str = ""
    remedy: str = ""

    def took(self, event: Event) -> _Pending:
        given = event.payload
        if event.kind is EventKind.PLAN_MADE:
            return replace(self, plan=given["plan"])
        if event.kind is not EventKind.STATE_CHANGED or "reason" not in given:
            return self
        return replace(
            self,
            path=(*self.path, given["to"]),
            why=self.why or given["reason"],
            remedy=self.remedy or given.get("remedy", ""),
        )

    def answer(self, intent: JsonObject) -> JsonObject:
        return {
            "path": list(self.path),
            "plan": self.plan,
            "intent": intent,
            "remedy": self.remedy,
            "why": self.why,
        }


@dataclass(slots=True)
class _Reading:
    """Reads one stream from its start; `run` is the fold so far."""

    id: str
    manifests: tuple[Manifest, ...]
    model: LanguageModel | None
    run: Run = field(init=False)
    seen: Run = field(init=False)
    """The run as it last stood running: nothing is decided in any other status."""
    taken: JsonObject = field(default_factory=dict)
    pending: _Pending | None = None
    attempt: list[Golden] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.run = self.seen = Run(id=self.id)

    def read(self, events: Sequence[Event]) -> Iterator[Golden]:
        offered = offered_digest(self.manifests)
        for event in events:
            self._take(event, offered)
            self.run = fold(self.run, event)
            if self.run.status is RunStatus.RUNNING:
                self.seen = self.run
            if event.kind is EventKind.GOAL_ENDED:
                yield from self._ended(event)
            elif event.kind in (EventKind.GOAL_RETRIED, EventKind.GOAL_CANCELLED):
                self.attempt.clear()

    def _take(self, event: Event, offered: str) -> None:
        if event.kind in _CUTS_OFF:
            self.pending = None
            self.taken = event.payload if event.kind is EventKind.RUN_TAKEN else self.taken
            return
        if self.run.open_intent is not None:
            return  # what was decided is being done
        if _is_part(event):
            self.pending = (self.pending or _Pending(before=self.seen)).took(event)
            return
        intent = _intent_of(event)
        if intent is None:
            return
        name = self.model.name if self.model else ""
        seen = (self.taken.get("offered", offered), self.taken.get("model", name))
        if seen == (offered, name):
            self._add(self.pending or _Pending(before=self.seen), intent)
        self.pending = None

    def _add(self, pending: _Pending, intent: JsonObject) -> None:
        before = pending.before
        made = Golden(
            id=f"{self.id}/{before.seq}",
            run=self.id,
            view=build_view(before, self.manifests, self.model),
            answer=pending.answer(intent),
            mind=self.taken.get("mind", ""),
            success="unknown",
            source="",
        )
        self.attempt.append(made)

    def _ended(self, event: Event) -> list[Golden]:
        plan = event.payload.get("plan") or {}
        success, source = event.payload["success"], plan.get("source", "")
        found = [replace(each, success=success, source=source) for each in self.attempt]
        self.attempt.clear()
        return found


def _is_part(event: Event) -> bool:
    """Whether it belongs to a decision without ending it. The kernel alone pauses and goes on."""
    if event.kind is EventKind.STATE_CHANGED:
        return _PAUSED not in (event.payload["from"], event.payload["to"])
    return event.kind in _BEGINS


def _intent_of(event: Event) -> JsonObject | None:
    """The intent that an event shows, in the form that the mind's answer is read in."""
    given = event.payload
    if event.kind in (EventKind.INTENT_RECORDED, EventKind.RESULT_RECORDED):
        intent = to_json(parse(given["intent"]))
        return _question(intent, given) if intent["kind"] == "Think" else intent
    if event.kind is not EventKind.GOAL_ENDED:
        return None
    if given["success"] != "ok":
        return to_json(
            GiveUp(
                reason=given["reason"],
                needs=given.get("needs", ""),
                unserved=given.get("unserved", False),
            )
        )
    whole = to_json(Finish(summary=given.get("summary", "")))
    return whole if "summary" in given else {"kind": "Finish"}


def _question(intent: JsonObject, given: JsonObject) -> JsonObject:
    """What is written down of a question to a model: its digests, where it was asked at all."""
    asked = given.get("asked", {})
    known = {name: asked[name] for name in ("messages", "digest", "frame") if name in asked}
    return {"kind": "Think", "purpose": intent["purpose"], **known}
