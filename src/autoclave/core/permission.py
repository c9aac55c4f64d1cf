"""Asking governance, and a person where governance says so, before anything is done."""

from __future__ import annotations

from ..domain.canonical import JsonObject, digest
from ..domain.errors import NotAllowed
from ..domain.events import EventKind, NewEvent
from ..domain.risk import Action, Ruling, Verdict
from ..domain.run import Run
from .parts import Parts


class Parked(Exception):
    """The run waits for something; `run` is how it stands now."""

    def __init__(self, run: Run) -> None:
        super().__init__(run.reason)
        self.run = run


async def permit(
    parts: Parts, run: Run, action: Action, *, request: str, question: str, shown: str = ""
) -> JsonObject:
    """The permission for one action: `{"by", "ruling"}`.

    Raises NotAllowed when a rule or a person says no, and Parked while a person has yet to answer.
    What a person answers is bound to the digest of the action and of what was shown.
    """
    ruling = parts.gate.judge(action)
    if ruling.verdict is Verdict.DENY:
        raise NotAllowed(f"{action.kind} {action.target}: {ruling.reason}", rules=ruling.rules)
    if ruling.verdict is Verdict.ALLOW:
        return {"by": "rule", "ruling": ruling.to_json()}
    if parts.answers_beforehand(ruling, action, run.allow_up_to):
        by = f"{run.added_by}, beforehand up to {run.allow_up_to.name}"
        return {"by": by, "ruling": ruling.to_json()}
    bound_to = digest([action.digest, ruling.rules_digest, shown])
    answer = run.answers.get(request)
    if answer is None or answer["digest"] != bound_to:
        raise Parked(await _ask(parts, run, ruling, request, question, shown, bound_to))
    if not answer["yes"]:
        because = f": {answer['reason']}" if answer.get("reason") else ""
        raise NotAllowed(f"{answer['by']} said no{because}", rules=ruling.rules)
    return {"by": answer["by"], "ruling": ruling.to_json()}


async def _ask(
    parts: Parts,
    run: Run,
    ruling: Ruling,
    request: str,
    question: str,
    shown: str,
    bound_to: str,
) -> Run:
    payload = {
        "request": request,
        "question": question,
        "shown": shown,
        "digest": bound_to,
        "ruling": ruling.to_json(),
        "expires_at": parts.clock() + parts.ask_seconds(ruling.risk),
    }
    return await parts.ledger.record(
        run, NewEvent(kind=EventKind.QUESTION_ASKED, payload=payload), actor="kernel"
    )
