"""What the dashboard needs of the agent: the one door that people have, and what it shows first."""

from __future__ import annotations

from typing import Protocol

from ..domain.canonical import JsonObject
from ..service.door import Door as ServiceDoor


class Door(ServiceDoor, Protocol):
    """Control over a home, in this process or behind an address. Errors are domain errors.

    Of `ServiceDoor` it calls: add_goal, preview_goal, goals, goal, pause_goal, resume_goal,
    cancel_goal, retry_goal, add_budget, goal_sheet, answer_goal, pause_agent, resume_agent,
    history, doctor, audit_incidents, the proposals' methods, lineage, owners, patterns,
    retire_pattern, research and aclose.
    """

    async def overview(self) -> JsonObject: ...
    async def settings(self) -> list[JsonObject]: ...
    async def secrets(self) -> list[JsonObject]: ...
