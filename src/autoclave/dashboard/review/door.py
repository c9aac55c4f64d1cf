"""What the review needs from outside: the one door, and a hand that signs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal, Protocol, TypeAlias

from ...domain.approval import Approval, Sheet
from ...domain.canonical import JsonObject

Sign: TypeAlias = Callable[[Sheet], Awaitable[Approval]]
"""Has an owner sign a sheet. The key is opened by whoever started the dashboard, never here."""
Clock: TypeAlias = Callable[[], float]


class Door(Protocol):
    """The part of `service.control.Control` that a review goes through."""

    async def proposals(self, status: str | None = None) -> list[JsonObject]: ...

    async def proposal(self, proposal: str) -> JsonObject: ...

    async def show_proposal(
        self, proposal: str, *, by: str, to: Literal["person", "program"] = "person"
    ) -> JsonObject: ...

    async def proposal_sheet(self, proposal: str) -> Sheet: ...

    async def approve_proposal(self, proposal: str, *, signed: Approval, by: str) -> JsonObject: ...

    async def reject_proposal(self, proposal: str, reason: str, *, by: str) -> JsonObject: ...

    async def return_proposal(
        self, proposal: str, comments: list[str], *, by: str
    ) -> JsonObject: ...

    async def goal(self, goal: str) -> JsonObject: ...
