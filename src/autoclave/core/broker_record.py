"""What a step asked for and was told, as the journal has it: so that nothing is done twice."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ..domain.broker import Call, digest_of
from ..domain.canonical import JsonObject
from ..domain.errors import Conflict
from ..domain.events import Event, EventKind, NewEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One call of a step, as far as it came."""

    digest: str
    begun: int = 0
    """How often its effect was begun."""
    most: JsonObject | None = None
    """The most that it can have cost when it was begun last; for model calls."""
    answer: JsonObject | None = None
    """What the capability was told; None when the end is not known."""

    def check_same(self, call: Call, ordinal: int) -> None:
        """Raise Conflict unless a run from the start asks the same again."""
        if self.digest != digest_of(call):
            raise Conflict(
                f"it is not repeatable: call {ordinal} is another one than before it was cut off",
                hint="let it ask for the same things in the same order, whenever it runs",
            )


def name_of(key: str, ordinal: int) -> str:
    """Of one call of a step, for questions, accounts and models."""
    return f"{key}-call-{ordinal}"


def asked_before(events: Iterable[Event], key: str) -> dict[int, Asked]:
    """The calls of one step, by their place in it."""
    found: dict[int, Asked] = {}
    for event in events:
        given = event.payload
        if event.kind not in _KINDS or given["key"] != key:
            continue
        ordinal = given["ordinal"]
        known = found.get(ordinal, Asked(digest=given["digest"]))
        if event.kind is EventKind.BROKER_CALLED:
            known = replace(known, begun=known.begun + 1, most=given.get("most"))
        else:
            known = replace(known, answer=given["answer"])
        found[ordinal] = known
    return found


def begun(key: str, ordinal: int, call: Call, *, shown: JsonObject, **facts: object) -> NewEvent:
    """A call whose effect is about to be begun."""
    payload = {"key": key, "ordinal": ordinal, "digest": digest_of(call), "call": shown, **facts}
    return NewEvent(kind=EventKind.BROKER_CALLED, payload=payload)


def ended(
    key: str, ordinal: int, call: Call, *, answer: JsonObject, spend: JsonObject, denied: str
) -> NewEvent:
    """A call and what the capability is told."""
    payload = {"key": key, "ordinal": ordinal, "digest": digest_of(call), "answer": answer}
    more: JsonObject = {"denied": denied} if denied else {}
    return NewEvent(kind=EventKind.BROKER_ANSWERED, payload=payload | {"spend": spend} | more)


def written(answer: JsonObject) -> JsonObject:
    """An answer as it is kept: a body that is text is kept as text."""
    body = answer.get("ok", {}).get("body")
    if body is None:
        return answer
    try:
        text = base64.b64decode(body).decode("utf-8")
    except UnicodeDecodeError:
        return answer
    kept = {name: value for name, value in answer["ok"].items() if name != "body"}
    return {"ok": {**kept, "text_body": text}}


def unwritten(kept: JsonObject) -> JsonObject:
    """The answer again."""
    if "text_body" not in kept.get("ok", {}):
        return kept
    said = dict(kept["ok"])
    body = base64.b64encode(said.pop("text_body").encode("utf-8")).decode("ascii")
    return {"ok": {**said, "body": body}}


_KINDS = frozenset({EventKind.BROKER_CALLED, EventKind.BROKER_ANSWERED})
