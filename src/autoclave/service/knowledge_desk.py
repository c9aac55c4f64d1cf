"""What people do with what was learned: look at it, retire it, ask it."""

from __future__ import annotations

from dataclasses import asdict

from ..core.parts import Parts
from ..domain.canonical import JsonObject
from ..domain.errors import NotFound
from ..domain.events import EventKind, NewEvent
from ..domain.knowledge import PatternKind


class KnowledgeDesk:
    """The patterns of one home, and the documents beside them."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def patterns(self, kind: str | None) -> list[JsonObject]:
        wanted = PatternKind(kind) if kind else None
        return [_plain(each) for each in self._parts.knowledge.patterns(kind=wanted)]

    def pattern(self, pattern: str) -> JsonObject:
        return _plain(self._parts.knowledge.pattern(pattern))

    async def retire(self, pattern: str, reason: str, *, by: str) -> JsonObject:
        """Stop learning from a pattern."""
        self._parts.knowledge.pattern(pattern)
        payload = {"pattern_id": pattern, "reason": reason}
        event = NewEvent(kind=EventKind.PATTERN_RETIRED, payload=payload)
        await self._parts.ledger.post("agent", event, actor=by)
        return self.pattern(pattern)

    def research(self, question: str) -> JsonObject:
        """Passages that answer the question, each with its source."""
        if self._parts.research is None:
            raise NotFound("there is nothing to search", hint="put documents below docs/")
        passages = self._parts.research.search(question)
        if passages:
            return {"question": question, "answer": passages[0]["text"], "passages": passages}
        answer = "Nothing that is stored here covers this question."
        return {"question": question, "answer": answer, "passages": []}


def _plain(pattern: object) -> JsonObject:
    found = asdict(pattern)  # type: ignore[call-overload]
    return {**found, "kind": str(found["kind"]), "state": str(found["state"])}
