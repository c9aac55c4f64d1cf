"""Asking governance, and a person where governance says so, before anything is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..domain.canonical import JsonObject, canonical, digest
from ..domain.errors import NotAllowed
from ..domain.events import EventKind, NewEvent
from ..domain.risk import Action, Risk, Ruling, Verdict
from ..domain.run import Run
from ..domain.text import show_line
from .parts import Parts
from .signed_answers import is_signed

_MOST_SHOWN = 120


class Parked(Exception):
    """The run waits for something; `run` is how it stands now."""

    def __init__(self, run: Run) -> None:
        super().__init__(run.reason)
        self.run = run


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """An action that a further step of the plan is about to take."""

    step: str
    action: Action


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    request: str
    text: str
    shown: str
    also: tuple[str, ...]
    """What a yes covers besides: digests of the actions of further steps."""


async def permit(
    parts: Parts,
    run: Run,
    action: Action,
    *,
    request: str,
    question: str,
    shown: str = "",
    step: str = "",
    too: Sequence[Slot] = (),
) -> JsonObject:
    """The permission for one action: `{"by", "ruling"}`.

    Raises NotAllowed when a rule or a person says no, and Parked while a person has yet to answer.
    What a person answers is bound to the digest of the action and of what was shown. What the
    plan wants to do `too`, and would be asked for the same reasons, is put into the same question.
    """
    ruling = parts.gate.judge(action)
    if ruling.verdict is Verdict.DENY:
        message = f"{action.kind} {action.target}: {ruling.reason}"
        raise NotAllowed(message, rules=ruling.rules, denied=action.kind)
    if ruling.verdict is Verdict.ALLOW:
        return {"by": "rule", "ruling": ruling.to_json()}
    if parts.answers_beforehand(ruling, action, run.allow_up_to):
        by = f"{run.added_by}, beforehand up to {run.allow_up_to.name}"
        return {"by": by, "ruling": ruling.to_json()}
    slot = Slot(step=step, action=action)
    if step and (by := await _answered_with_another(parts, run, slot, ruling)):
        return {"by": by, "ruling": ruling.to_json()}
    asked = _together(parts, ruling, too)
    text = " And also: ".join([f"{question}{_targets(action)}", *map(_in_words, asked)])
    also = tuple(_slot_digest(run, each, ruling) for each in asked)
    put = _Question(request=request, text=text, shown=shown, also=also)
    bound_to = digest([action.digest, ruling.rules_digest, shown, *also])
    if run.answers.get(request, {}).get("digest") != bound_to:
        parts.may_ask(ruling)
    answer = await _answer(parts, run, ruling, put, bound_to)
    if not answer["yes"]:
        because = f": {answer['reason']}" if answer.get("reason") else ""
        message = f"{answer['by']} said no{because}"
        raise NotAllowed(message, rules=ruling.rules, denied=action.kind)
    return {"by": answer["by"], "ruling": ruling.to_json()}


async def settle_doubt(
    parts: Parts, run: Run, action: Action, *, request: str, question: str
) -> JsonObject:
    """What a person says about doing again what must not be done twice and may have been done.

    No rule and nothing said beforehand answers it. Raises NotAllowed where the rules refuse the
    action by now, and Parked while nobody has answered; an owner has to sign a yes.
    """
    judged = parts.gate.judge(action)
    if judged.verdict is Verdict.DENY:
        message = f"{action.kind} {action.target}: {judged.reason}"
        raise NotAllowed(message, rules=judged.rules, denied=action.kind)
    ruling = replace(
        judged,
        verdict=Verdict.ASK,
        risk=max(judged.risk, Risk.R4),
        rules=("nothing-once-is-done-twice",),
        reason="it may have happened before it was cut off, and must not happen twice",
    )
    put = _Question(request=request, text=question, shown="", also=())
    bound_to = digest([action.digest, ruling.rules_digest, request])
    return await _answer(parts, run, ruling, put, bound_to)


async def _answer(
    parts: Parts, run: Run, ruling: Ruling, put: _Question, bound_to: str
) -> JsonObject:
    """What was answered to exactly this, signed where it has to be. Raises Parked without it."""
    answer = run.answers.get(put.request)
    if answer is None or answer["digest"] != bound_to:
        raise Parked(await _ask(parts, run, ruling, put, bound_to))
    if answer["yes"] and not await is_signed(
        parts, run, ruling, request=put.request, answer=answer
    ):
        raise Parked(await _ask(parts, run, ruling, put, bound_to))
    return dict(answer)


def _together(parts: Parts, ruling: Ruling, too: Sequence[Slot]) -> list[Slot]:
    """Those that would be asked for the same reasons and at no higher risk."""
    found = []
    for each in too:
        theirs = parts.gate.judge(each.action)
        is_asked = theirs.verdict is Verdict.ASK and theirs.risk <= ruling.risk
        if is_asked and set(theirs.rules) <= set(ruling.rules):
            found.append(each)
    return found


async def _answered_with_another(parts: Parts, run: Run, slot: Slot, ruling: Ruling) -> str:
    """Who said yes to this when it was asked together with another step; empty if nobody did."""
    wanted = _slot_digest(run, slot, ruling)
    for request, answer in run.answers.items():
        is_yes = answer["yes"] and wanted in answer.get("also", ())
        if is_yes and await is_signed(parts, run, ruling, request=request, answer=answer):
            return str(answer["by"])
    return ""


def _slot_digest(run: Run, slot: Slot, ruling: Ruling) -> str:
    """Good for one try of one step."""
    tries = run.tries.get(slot.step, 0)
    return digest([slot.action.digest, ruling.rules_digest, slot.step, tries, run.attempt])


def _in_words(slot: Slot) -> str:
    return f"{slot.action.target}{_targets(slot.action)}"


def _targets(action: Action) -> str:
    """What it acts on and who chose that, where it was not a person."""
    if action.provenance is None:
        return ""
    said = []
    for each in action.provenance.untrusted_targets():
        value = show_line(canonical(each.value))
        cut = value if len(value) <= _MOST_SHOWN else f"{value[:_MOST_SHOWN]}…"
        source = f" ({each.label.source})" if each.label.source else ""
        said.append(f"{each.name} {cut} comes from a {each.label.origin}{source}")
    return f" [{'; '.join(said)}]" if said else ""


async def _ask(parts: Parts, run: Run, ruling: Ruling, put: _Question, bound_to: str) -> Run:
    # Else it would be over before one person has thought it over.
    lasts = parts.ask_seconds(ruling.risk) + (ruling.quorum.cooling_off or 0.0)
    payload: JsonObject = {
        "request": put.request,
        "question": put.text,
        "shown": put.shown,
        "digest": bound_to,
        "ruling": ruling.to_json(),
        "expires_at": parts.clock() + lasts,
    }
    if put.also:
        payload["also"] = list(put.also)
    return await parts.ledger.record(
        run, NewEvent(kind=EventKind.QUESTION_ASKED, payload=payload), actor="kernel"
    )
