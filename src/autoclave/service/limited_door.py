"""The one door as far as a role goes: for whoever comes in with a token and not with the home."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..domain.canonical import JsonObject
from ..domain.errors import NotAllowed
from ..domain.risk import Risk
from ..domain.standing import PauseCode
from .goals import GoalSpec
from .tokens import Role

_VIEWER = """overview status standing goals goal goal_sheet history doctor audit_incidents
    proposals proposal show_proposal proposal_sheet redo_sheet lineage owners
    list_capabilities capability patterns pattern research list_checkpoints explain"""
_OPERATOR = """add_goal preview_goal pause_goal resume_goal cancel_goal retry_goal add_budget
    answer_goal pause_agent resume_agent retire_pattern"""
_APPROVER = """approve_proposal reject_proposal return_proposal undo_proposal redo_proposal
    settle_proposal settings secrets"""

NEEDS: Mapping[str, Role] = MappingProxyType(
    {
        **dict.fromkeys(_VIEWER.split(), Role.VIEWER),
        **dict.fromkeys(_OPERATOR.split(), Role.OPERATOR),
        **dict.fromkeys(_APPROVER.split(), Role.APPROVER),
    }
)
"""What each method takes, as it does over HTTP. What is not here is not to be had."""


class LimitedDoor:
    """Port Door over another one. Raises NotAllowed for what takes more than the role."""

    def __init__(self, door: Any, role: Role, *, workspaces: tuple[Path, ...] = ()) -> None:
        self._door = door
        self._role = role
        self._workspaces = workspaces

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return partial(self._call, name)

    async def add_goal(self, spec: GoalSpec, *, by: str) -> JsonObject:
        self._check_goal(spec)
        added: JsonObject = await self._call("add_goal", spec, by=by)
        return added

    async def preview_goal(self, spec: GoalSpec) -> JsonObject:
        self._check_goal(spec)
        preview: JsonObject = await self._call("preview_goal", spec)
        return preview

    async def answer_goal(self, goal: str, yes: bool, **said: Any) -> str:
        if yes:
            self._must(Role.APPROVER, "say yes")
        return str(await self._call("answer_goal", goal, yes, **said))

    async def resume_agent(self, reason: str = "", *, by: str) -> JsonObject:
        self._must(Role.OPERATOR, "let the agent go on")
        if (await self._door.standing())["code"] == PauseCode.ESCALATED:
            self._must(Role.APPROVER, "let the agent go on after an alarm")
        done: JsonObject = await self._call("resume_agent", reason, by=by)
        return done

    async def settings(self) -> list[JsonObject]:
        """None for who may not approve: an address of a web hook is as good as a key."""
        return await self._listed("settings")

    async def secrets(self) -> list[JsonObject]:
        """Their names; none for who may not approve."""
        return await self._listed("secrets")

    async def aclose(self) -> None:
        await self._door.aclose()

    async def _listed(self, name: str) -> list[JsonObject]:
        if not self._role.covers(NEEDS[name]):
            return []
        listed: list[JsonObject] = await self._call(name)
        return listed

    async def _call(self, name: str, *values: Any, **named: Any) -> Any:
        needed = NEEDS.get(name)
        if needed is None:
            raise NotAllowed(f"{name.replace('_', ' ')} is not done through this door")
        self._must(needed, name.replace("_", " "))
        return await getattr(self._door, name)(*values, **named)

    def _check_goal(self, spec: GoalSpec) -> None:
        if spec.allow_up_to is not Risk.R0:
            self._must(Role.APPROVER, "give leave beforehand")
        if spec.workspace is not None and not is_below(spec.workspace, self._workspaces):
            self._must(Role.APPROVER, "name a workspace outside of api_workspaces")

    def _must(self, role: Role, to: str) -> None:
        if not self._role.covers(role):
            raise NotAllowed(
                f"it takes the role {role} to {to}, and this token is of a {self._role}",
                hint=f"autoclave token create NAME --role {role}",
            )


def is_below(folder: Path, roots: tuple[Path, ...]) -> bool:
    """Whether a folder, wherever its links lead, lies below one of the roots."""
    real = folder.resolve()
    return folder.is_absolute() and any(real.is_relative_to(root.resolve()) for root in roots)
