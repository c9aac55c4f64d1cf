"""What the dashboard needs of the agent: the methods of Control that it calls, and no others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from ..domain.approval import Approval, Sheet
from ..domain.canonical import JsonObject
from ..domain.errors import CredentialMissing

if TYPE_CHECKING:
    from ..service.goals import GoalSpec

Sign: TypeAlias = Callable[[Sheet], Awaitable[Approval]]
"""An owner's signature under a sheet; the command line gives it. Raises CredentialMissing."""


class TerminalNeeded(CredentialMissing):
    """The key wants a passphrase, which is asked for at the terminal itself."""


class Door(Protocol):
    """Control over a home, in this process or behind an address. Errors are domain errors."""

    # What is read again and again

    async def overview(self) -> JsonObject: ...

    async def history(self, after: int, limit: int, stream: str = "") -> list[JsonObject]: ...

    # Goals

    async def goals(self, status: str | None = None) -> list[JsonObject]: ...

    async def goal(self, goal: str) -> JsonObject: ...

    async def preview_goal(self, spec: GoalSpec) -> JsonObject: ...

    async def add_goal(self, spec: GoalSpec, *, by: str) -> JsonObject: ...

    async def pause_goal(self, goal: str, reason: str, *, by: str) -> None: ...

    async def resume_goal(self, goal: str, reason: str = "", *, by: str) -> None: ...

    async def cancel_goal(self, goal: str, reason: str, *, by: str) -> None: ...

    async def retry_goal(self, goal: str, *, by: str) -> None: ...

    async def add_budget(self, goal: str, added: dict[str, float], *, by: str) -> None: ...

    async def goal_sheet(self, goal: str) -> Sheet: ...

    async def answer_goal(
        self,
        goal: str,
        yes: bool,
        *,
        digest: str,
        reason: str = "",
        by: str,
        signed: Approval | None = None,
    ) -> str: ...

    # The whole agent

    async def pause_agent(self, reason: str, *, by: str) -> JsonObject: ...

    async def resume_agent(self, reason: str = "", *, by: str) -> JsonObject: ...

    # Proposals

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

    async def undo_proposal(self, proposal: str, *, by: str) -> JsonObject: ...

    async def redo_proposal(self, proposal: str, *, by: str) -> JsonObject: ...

    async def lineage(self) -> list[JsonObject]: ...

    # What was learned, and how it is

    async def patterns(self, kind: str | None = None) -> list[JsonObject]: ...

    async def pattern(self, pattern: str) -> JsonObject: ...

    async def retire_pattern(self, pattern: str, reason: str, *, by: str) -> JsonObject: ...

    async def research(self, question: str) -> JsonObject: ...

    async def doctor(self) -> JsonObject: ...

    async def audit_incidents(self) -> list[JsonObject]: ...

    async def settings(self) -> list[JsonObject]: ...

    async def owners(self) -> JsonObject: ...

    async def secrets(self) -> list[JsonObject]: ...

    async def aclose(self) -> None: ...
