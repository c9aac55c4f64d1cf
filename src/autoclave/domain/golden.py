"""Recorded decisions of a mind, and what it takes to try another mind on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol, TypeAlias

from .canonical import JsonObject, digest
from .knowledge import Case

Sources: TypeAlias = Mapping[str, bytes]
"""A mind's files by their names below its folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """One decision as the journal holds it: what was seen, what was answered, how it ended."""

    id: str
    """The run and the position of the decision in its stream: `G-0001/7`."""
    run: str
    view: JsonObject
    answer: JsonObject
    """`path`, `plan`, `intent`, `remedy`, `why`; `why` is empty where the journal has none."""
    mind: str
    """Tree hash of the mind that gave the answer."""
    success: str
    """How the run ended: `ok`, `failed` or `unknown`."""
    source: str
    """Where the run's last plan came from; empty when it had none."""

    def to_json(self) -> JsonObject:
        return asdict(self)

    @classmethod
    def from_json(cls, data: JsonObject) -> Golden:
        return cls(**data)


def form_of(intent: JsonObject) -> JsonObject:
    """The intent as decisions are compared: a question to a model by its digests."""
    if intent["kind"] != "Think" or not isinstance(intent.get("messages"), list):
        return intent
    return {
        "kind": "Think",
        "purpose": intent["purpose"],
        "messages": len(intent["messages"]),
        "digest": digest(intent["messages"]),
        "frame": digest([intent.get("system"), intent.get("tools"), intent.get("schema")]),
    }


def is_same(recorded: JsonObject, given: JsonObject) -> bool:
    """Whether an answer is the recorded one, in all that the journal holds of it."""
    if any(recorded[name] != given[name] for name in ("path", "plan", "remedy")):
        return False
    known, now = form_of(recorded["intent"]), form_of(given["intent"])
    return all(now.get(name) == value for name, value in known.items())


class MindTrials(Protocol):
    """Tries minds, sealed. What comes back is checked as the kernel checks every answer."""

    def tree(self, mind: Sources) -> str:
        """The hash by which the journal names a mind of these files."""

    async def recorded(self) -> Sequence[Golden]:
        """A bounded sample of this home's decisions, and those that ship with the program."""

    async def of_goal(self, goal_id: str) -> Sequence[Golden]:
        """Every decision of one goal's last attempt that can be rebuilt."""

    async def ask(
        self, mind: Sources, views: Sequence[JsonObject], *, chance: int = 0
    ) -> list[JsonObject]:
        """For each view `{"answer": {…}}` or `{"error": str}`; all are asked in one process.

        Another `chance` is another order of whatever Python leaves to chance.
        """

    async def live(self, mind: Sources, starts: Sequence[JsonObject]) -> list[JsonObject]:
        """Runs from their first view to their end with made-up results, under every law.

        For each `{"law", "can", "run", "end", "acts", "kinds", "problem"}`; `can` says whether
        the goal can be reached under that law.
        """

    async def pursue(self, mind: Sources, case: Case) -> JsonObject:
        """Whether it reaches the goal that failed: `{"ok": bool | None, "summary": str}`."""
