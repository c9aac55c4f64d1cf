"""The door to an agent elsewhere: the methods of Control, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import quote

from ..domain.approval import Approval, Sheet
from ..domain.canonical import JsonObject
from ..domain.errors import InvalidInput
from .door import Reader
from .goals import GoalSpec
from .remote_calls import RemoteCalls
from .remote_events import RemoteEvents


class RemoteControl:
    """Reaches `autoclave serve` at a URL with a token. Errors are those that Control raises."""

    def __init__(self, url: str, token: str) -> None:
        self._calls = RemoteCalls(url, token)
        self._url = url
        self._token = token

    async def aclose(self) -> None:
        await self._calls.aclose()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise _only_there(name.replace("_", " "))

    # Goals

    async def add_goal(self, spec: GoalSpec, *, by: str) -> JsonObject:
        return await self._calls.post("goals", _spec(spec), key=spec.key)

    async def preview_goal(self, spec: GoalSpec) -> JsonObject:
        return await self._calls.post("goals/preview", _spec(spec))

    async def goals(self, status: str | None = None) -> list[JsonObject]:
        return await self._list("goals", "goals", status=status)

    async def goal(self, goal: str) -> JsonObject:
        return await self._calls.get(_path("goals", goal))

    async def pause_goal(self, goal: str, reason: str, *, by: str) -> None:
        await self._calls.post(_path("goals", goal, "pause"), {"reason": reason})

    async def resume_goal(self, goal: str, reason: str = "", *, by: str) -> None:
        await self._calls.post(_path("goals", goal, "resume"), {"reason": reason})

    async def cancel_goal(self, goal: str, reason: str, *, by: str) -> None:
        await self._calls.post(_path("goals", goal, "cancel"), {"reason": reason})

    async def retry_goal(self, goal: str, *, by: str) -> None:
        await self._calls.post(_path("goals", goal, "retry"), {})

    async def add_budget(self, goal: str, added: dict[str, float], *, by: str) -> None:
        await self._calls.post(_path("goals", goal, "budget"), dict(added))

    async def goal_sheet(self, goal: str) -> Sheet:
        return _sheet(await self._calls.get(_path("goals", goal, "sheet")))

    async def answer_goal(
        self,
        goal: str,
        yes: bool,
        *,
        digest: str,
        reason: str = "",
        by: str,
        signed: Approval | None = None,
    ) -> str:
        said: JsonObject = {"yes": yes, "digest": digest, "reason": reason}
        if signed is not None:
            said["approval"] = signed.to_json()
        return str((await self._calls.post(_path("goals", goal, "answer"), said))["waits_for"])

    # The whole agent

    async def status(self) -> JsonObject:
        return await self._calls.get("status")

    async def standing(self) -> JsonObject:
        return await self._calls.get("agent")

    async def pause_agent(self, reason: str, *, by: str) -> JsonObject:
        return await self._calls.post("agent/pause", {"reason": reason})

    async def resume_agent(self, reason: str = "", *, by: str) -> JsonObject:
        return await self._calls.post("agent/resume", {"reason": reason})

    async def history(self, after: int, limit: int, stream: str = "") -> list[JsonObject]:
        found: list[JsonObject] = []
        while len(found) < limit:
            most = min(1000, limit - len(found))
            page = await self._list("events", "events", after=after, limit=most, stream=stream)
            found += page
            if len(page) < most or after < 0:
                break
            after = page[-1]["id"]
        return found

    def events(self, after: int, stream: str = "") -> AsyncIterator[JsonObject]:
        return aiter(RemoteEvents(self._url, self._token, after=after, stream=stream))

    async def doctor(self, *, ping_model: bool = False) -> JsonObject:
        if ping_model:
            raise _only_there("asking the language model")
        return await self._calls.get_health()

    async def audit_incidents(self) -> list[JsonObject]:
        return await self._list("incidents", "incidents")

    async def export(self, what: str, form: str) -> str:
        return await self._calls.get_text(_path("export", what), form=form)

    async def explain(self, action: JsonObject) -> JsonObject:
        return await self._calls.post("explain", action)

    # Proposals and owners

    async def proposals(self, status: str | None = None) -> list[JsonObject]:
        return await self._list("proposals", "proposals", status=status)

    async def proposal(self, proposal: str) -> JsonObject:
        return await self._calls.get(_path("proposals", proposal))

    async def show_proposal(self, proposal: str, *, by: str, to: Reader = "person") -> JsonObject:
        return await self._calls.post(_path("proposals", proposal, "shown"), {"to": to})

    async def proposal_sheet(self, proposal: str) -> Sheet:
        return _sheet(await self._calls.get(_path("proposals", proposal, "sheet")))

    async def approve_proposal(self, proposal: str, *, signed: Approval, by: str) -> JsonObject:
        said = {"approval": signed.to_json()}
        return await self._calls.post(_path("proposals", proposal, "approve"), said)

    async def reject_proposal(self, proposal: str, reason: str, *, by: str) -> JsonObject:
        return await self._calls.post(_path("proposals", proposal, "reject"), {"reason": reason})

    async def return_proposal(self, proposal: str, comments: list[str], *, by: str) -> JsonObject:
        said = {"comments": comments}
        return await self._calls.post(_path("proposals", proposal, "return"), said)

    async def undo_proposal(self, proposal: str, *, by: str) -> JsonObject:
        return await self._calls.post(_path("proposals", proposal, "undo"), {})

    async def redo_sheet(self, proposal: str) -> Sheet:
        return _sheet(await self._calls.get(_path("proposals", proposal, "redo-sheet")))

    async def redo_proposal(self, proposal: str, *, signed: Approval, by: str) -> JsonObject:
        said = {"approval": signed.to_json()}
        return await self._calls.post(_path("proposals", proposal, "redo"), said)

    async def settle_proposal(self, proposal: str, *, as_applied: bool, by: str) -> JsonObject:
        said = {"as_applied": as_applied}
        return await self._calls.post(_path("proposals", proposal, "settle"), said)

    async def lineage(self) -> list[JsonObject]:
        return await self._list("lineage", "commits")

    async def owners(self) -> JsonObject:
        return await self._calls.get("owners")

    # What it can and knows

    async def list_capabilities(self) -> list[JsonObject]:
        return await self._list("capabilities", "capabilities")

    async def capability(self, name: str) -> JsonObject:
        return await self._calls.get(_path("capabilities", name))

    async def test_capability(self, name: str) -> JsonObject:
        return await self._calls.post(_path("capabilities", name, "test"), {})

    async def patterns(self, kind: str | None = None) -> list[JsonObject]:
        return await self._list("patterns", "patterns", kind=kind)

    async def pattern(self, pattern: str) -> JsonObject:
        return await self._calls.get(_path("patterns", pattern))

    async def retire_pattern(self, pattern: str, reason: str, *, by: str) -> JsonObject:
        return await self._calls.post(_path("patterns", pattern, "retire"), {"reason": reason})

    async def research(self, question: str) -> JsonObject:
        return await self._calls.get("research", question=question)

    async def checkpoint_create(self, note: str = "") -> JsonObject:
        return await self._calls.post("checkpoints", {"note": note})

    async def list_checkpoints(self) -> list[JsonObject]:
        return await self._list("checkpoints", "checkpoints")

    async def _list(self, path: str, name: str, **asked: Any) -> list[JsonObject]:
        found: list[JsonObject] = (await self._calls.get(path, **asked))[name]
        return found


def _only_there(what: str) -> InvalidInput:
    return InvalidInput(
        f"{what} works only where the home is, not over a URL",
        hint="do it on that machine, without --url",
    )


def _spec(spec: GoalSpec) -> JsonObject:
    return {
        "text": spec.text,
        "workspace": str(spec.workspace) if spec.workspace else "",
        "done": list(spec.done),
        "priority": spec.priority,
        "budget_usd": spec.budget_usd,
        "budget_seconds": spec.budget_seconds,
        "allow_up_to": spec.allow_up_to.name,
        "model": spec.model,
    }


def _path(*parts: str) -> str:
    return "/".join(quote(part, safe="") for part in parts)


def _sheet(found: Mapping[str, Any]) -> Sheet:
    return Sheet.from_json(dict(found))
