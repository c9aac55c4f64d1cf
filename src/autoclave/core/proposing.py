"""Performing `Propose`: draft, judge by the gates, wait for a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..domain.canonical import JsonObject
from ..domain.errors import AutoclaveError, Fatal, InvalidInput, NotAllowed, Stale
from ..domain.events import EventKind, NewEvent
from ..domain.intents import Propose, to_json
from ..domain.proposal import Contract, Draft, Edit, Evidence, approval_digest
from ..domain.proposal_record import draft_to_json
from ..domain.risk import Ruling
from ..domain.run import Run, RunKind
from .concealing import check_readable, conceal_draft, conceal_evidence
from .parts import Parts
from .replay import CaseReplay
from .results import bad, failure_of, good, result_event
from .surface import rule_on_surface
from .workspace import cases_of


class Proposing:
    """Turns the mind's edits into a proposal with evidence."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def perform(self, run: Run, intent: Propose) -> Run:
        """Draft and judge. Done again after a crash it finds the proposal that it began."""
        key = f"{run.id}-{run.keys + 1}"
        if run.open_intent is None:
            payload = {"key": key, "intent": to_json(intent), "effect": "idempotent"}
            event = NewEvent(kind=EventKind.INTENT_RECORDED, payload=payload)
            run = await self._parts.ledger.record(run, event)
        else:
            key = run.open_intent["key"]
        try:
            result = await self._propose(run, intent, key)
        except Fatal:
            raise
        except AutoclaveError as error:
            result = bad(failure_of(error))
        event = result_event(key, to_json(intent), result, spend={"steps": 1})
        return await self._parts.ledger.insist(run, event)

    async def _propose(self, run: Run, intent: Propose, key: str) -> JsonObject:
        if run.kind is not RunKind.IMPROVEMENT:
            raise NotAllowed(
                f"{run.id} is a goal; only an improvement may propose a change of ourselves",
                rules=("improvements-propose",),
            )
        contract = _contract(run, intent)
        answers = answers_to(run.facts.get("comments", ()), intent.contract.get("answers", []))
        edits = self._parts.reveal(run.stream, list(intent.edits))
        asked = [Edit.from_json(each) for each in edits]
        draft = self._parts.workshop.draft(await self._anchored(run, asked))
        check_readable(self._parts, run.stream, draft)
        ruling = rule_on_surface(self._parts, draft.changes, goal=run.id)
        cases = cases_of(self._parts, run)
        evidence = await self._parts.workshop.judge(
            draft, cases=cases, replay=CaseReplay(self._parts)
        )
        proposal = await self._write_down(
            run, intent, key, draft, evidence, contract, ruling=ruling, answers=answers
        )
        verdicts = {gate.name: str(gate.verdict) for gate in evidence.gates}
        value = {"proposal": proposal, "gates": verdicts}
        if evidence.passed:
            return good(value=value)
        worst = next(gate for gate in evidence.gates if gate.verdict != "pass")
        failure = {"error_class": "GateFailed", "message": f"{worst.name}: {worst.summary}"}
        return bad({**failure, "where": "", "traceback": ""}, value=value)

    async def _anchored(self, run: Run, edits: list[Edit]) -> list[Edit]:
        """A model names targets and can't reckon hashes: they get those of what it was shown.

        Raises Stale when the body changed since the model began to look.
        """
        if all(each.target_hash for each in edits):
            return edits
        began = [
            event.at
            for event in await self._parts.ledger.events(run.stream)
            if event.kind is EventKind.PLAN_MADE
        ]
        newest = next(iter(self._parts.workshop.lineage()), None)
        if newest and began and newest["at"] > began[-1]:
            raise Stale(
                "the body changed since the plan was made, so the draft may be for another one",
                hint="look for it again: `autoclave improve`",
            )
        anchored = self._parts.workshop.anchored
        return [each if each.target_hash else anchored(each) for each in edits]

    async def _write_down(
        self,
        run: Run,
        intent: Propose,
        key: str,
        draft: Draft,
        evidence: Evidence,
        contract: Contract,
        *,
        ruling: Ruling,
        answers: list[JsonObject],
    ) -> str:
        """The proposal's id; the one that an interrupted try wrote down already is used again."""
        ledger = self._parts.ledger
        begun = [
            event
            for event in await ledger.events_below("proposal/")
            if event.kind is EventKind.PROPOSAL_DRAFTED and event.payload["key"] == key
        ]
        proposal = begun[0].stream.removeprefix("proposal/") if begun else await ledger.new_id("P")
        draft = conceal_draft(self._parts, f"proposal/{proposal}", draft)
        evidence = conceal_evidence(self._parts, f"proposal/{proposal}", evidence)
        contract = replace(contract, undo=f"autoclave proposal undo {proposal}")
        drafted: JsonObject = {
            "key": key,
            "title": intent.title,
            "reason": intent.reason,
            "goal_id": run.id,
            "opportunity_key": run.facts.get("key", ""),
            "capability": run.facts.get("capability", ""),
            "operators": _operators(run),
            "drafted_by": _drafted_by(self._parts, run),
            "follows": run.facts.get("returned", ""),
            "answers": answers,
            "draft": draft_to_json(draft),
            "contract": contract.to_json(),
        }
        rules_digest = self._parts.gate.digest
        # Else it would be over before one person has thought it over.
        lasts = self._parts.approval_seconds + (ruling.quorum.cooling_off or 0.0)
        judged: JsonObject = {
            "gates": [gate.to_json() for gate in evidence.gates],
            "tier": evidence.tier,
            "self_test": evidence.self_test,
            "rules_digest": rules_digest,
            "digest": approval_digest(draft, evidence, rules_digest=rules_digest),
            "expires_at": self._parts.clock() + lasts,
            "quorum": ruling.quorum.to_json(),
            "rules": list(ruling.rules),
            "ruling": ruling.reason,
        }
        events = [NewEvent(kind=EventKind.GATES_JUDGED, payload=judged)]
        if not begun:
            events.insert(0, NewEvent(kind=EventKind.PROPOSAL_DRAFTED, payload=drafted))
        await ledger.post(f"proposal/{proposal}", *events, actor="kernel")
        return proposal


def _contract(run: Run, intent: Propose) -> Contract:
    """What the mind promises. It names nothing but what its opportunity is about."""
    given = intent.contract
    cause, fixes = given.get("cause", []), given.get("expected_fixes", [])
    at_risk, others = given.get("at_risk", []), given.get("alternatives", 0)
    lists = all(isinstance(each, list | tuple) for each in (cause, fixes, at_risk))
    if not lists or type(others) is not int or any(type(each) is not int for each in cause):
        raise InvalidInput("the contract of a proposal is not of the form that it has to be")
    if strange := [goal for goal in fixes if goal not in run.facts.get("goals", ())]:
        raise InvalidInput(f"the contract promises a goal that is not its own: {strange[0]!r}")
    return Contract(
        cause=tuple(cause),
        expected_fixes=tuple(fixes),
        at_risk=tuple(map(str, at_risk)),
        alternatives=others,
    )


def answers_to(comments: Sequence[str], given: object) -> list[JsonObject]:
    """Each comment of what was sent back with what is said to it.

    Raises InvalidInput, naming the first one that nothing is said to: a person is owed each.
    """
    said: dict[int, str] = {}
    for each in given if isinstance(given, list) else ():
        if isinstance(each, dict) and type(each.get("comment")) is int:
            said[each["comment"]] = str(each.get("answer", "")).strip()
    for number, comment in enumerate(comments, start=1):
        if not said.get(number):
            raise InvalidInput(
                f"comment {number} of the person has no answer: {comment[:80]!r}",
                hint="give one answer for each comment, by its number",
            )
    return [{"comment": c, "answer": said[n]} for n, c in enumerate(comments, start=1)]


def _operators(run: Run) -> list[str]:
    outputs = run.results.get("repair", {}).get("outputs", {})
    found = outputs.get("operator", "")
    return [found] if isinstance(found, str) and found else list(found or [])


def _drafted_by(parts: Parts, run: Run) -> str:
    """The name of the model that drafted it; `search` where no model did."""
    is_open = run.plan is not None and "uses" in run.plan
    model = parts.model_for(run) if is_open else None
    return model.name if model else "search"
