"""What answers look like, for the OpenAPI document. Objects may grow; these fields stay."""

from __future__ import annotations

from typing import Any

from ..domain.canonical import JsonObject
from .problems import MEDIA

Responses = dict[int | str, dict[str, Any]]

TEXT: JsonObject = {"type": "string"}
NUMBER: JsonObject = {"type": "number"}
WHOLE: JsonObject = {"type": "integer"}
FLAG: JsonObject = {"type": "boolean"}
ANY_OBJECT: JsonObject = {"type": "object", "additionalProperties": True}
TEXTS: JsonObject = {"type": "array", "items": TEXT}


def fields(**kinds: JsonObject) -> JsonObject:
    """An object that has at least these."""
    return {
        "type": "object",
        "required": list(kinds),
        "properties": kinds,
        "additionalProperties": True,
    }


def listed(kind: JsonObject) -> JsonObject:
    return {"type": "array", "items": kind}


def or_null(kind: JsonObject) -> JsonObject:
    return {"anyOf": [kind, {"type": "null"}]}


def answers(description: str, /, **kinds: JsonObject) -> Responses:
    """The good answer of one operation."""
    return {200: _answer(description, kinds)}


def created(description: str, /, **kinds: JsonObject) -> Responses:
    """The same, of one that makes something."""
    return {201: _answer(description, kinds)}


def _answer(description: str, kinds: dict[str, JsonObject]) -> dict[str, Any]:
    schema = fields(schema_version={"const": 1}, **kinds)
    return {"description": description, "content": {"application/json": {"schema": schema}}}


PROBLEM = fields(
    schema_version={"const": 1},
    type=TEXT,
    title=TEXT,
    status=WHOLE,
    detail=TEXT,
    hint=TEXT,
    code=TEXT,
)
PROBLEMS: Responses = {
    "default": {
        "description": "What went wrong, as a problem document; `code` names it, `hint` says what"
        " to do.",
        "content": {MEDIA: {"schema": PROBLEM}},
    }
}

GOAL: dict[str, JsonObject] = {
    "id": TEXT,
    "text": TEXT,
    "status": TEXT,
    "state": TEXT,
    "reason": TEXT,
    "workspace": TEXT,
    "done_test": TEXT,
    "plan": or_null(ANY_OBJECT),
    "question": or_null(ANY_OBJECT),
    "files": TEXTS,
    "diff": TEXT,
    "spend": ANY_OBJECT,
    "budget": ANY_OBJECT,
}
GOAL_ROW = fields(id=TEXT, status=TEXT, text=TEXT)
PROPOSAL: dict[str, JsonObject] = {
    "id": TEXT,
    "title": TEXT,
    "reason": TEXT,
    "status": TEXT,
    "risk": TEXT,
    "digest": TEXT,
    "diff": TEXT,
    "gates": listed(ANY_OBJECT),
    "contract": ANY_OBJECT,
    "case_against": TEXTS,
    "created_at": NUMBER,
    "expires_at": NUMBER,
    "people": WHOLE,
    "signed_by": TEXTS,
    "waits_for": TEXT,
    "commit": TEXT,
}
SHEET: dict[str, JsonObject] = {
    "subject": TEXT,
    "digest": TEXT,
    "home": TEXT,
    "expires_at": NUMBER,
    "owners": ANY_OBJECT,
}
EVENT = fields(
    id=WHOLE,
    stream=TEXT,
    seq=WHOLE,
    kind=TEXT,
    actor=TEXT,
    at=NUMBER,
    summary=TEXT,
    payload=ANY_OBJECT,
)
STANDING: dict[str, JsonObject] = {
    "paused": FLAG,
    "code": TEXT,
    "reason": TEXT,
    "level": TEXT,
    "shortage": TEXT,
}
