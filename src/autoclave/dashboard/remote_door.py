"""The door to an agent elsewhere: what the overview says is put together from other questions."""

from __future__ import annotations

import time
from typing import Any

from ..domain.canonical import JsonObject
from ..service.overview import BUCKETS, waiting_goals, waiting_proposals
from .words import HOUR_SECONDS

_RECENT = 200
_ENDED = ("done", "failed", "cancelled")


class RemoteDoor:
    """Port Door over a RemoteControl. Asks again only when something has happened."""

    def __init__(self, remote: Any) -> None:
        self._remote = remote
        self._seen: tuple[object, JsonObject] | None = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._remote, name)

    async def overview(self) -> JsonObject:
        status = await self._remote.status()
        stamp = (status["events"], status["running"], int(time.time() // 60))
        if self._seen is None or self._seen[0] != stamp:
            self._seen = (stamp, await self._gather(status))
        return self._seen[1]

    async def _gather(self, status: JsonObject) -> JsonObject:
        goals = [g for g in await self._remote.goals() if g["status"] not in _ENDED]
        events = await self._remote.history(-1, _RECENT)
        waiting = [
            p for p in await self._remote.proposals() if p["status"] in ("waiting", "signed")
        ]
        rows = [(p["id"], p["title"], p["status"], p["risk"], p["created_at"]) for p in waiting]
        return {
            **status,
            "at": time.time(),
            "open_goals": goals,
            "needs": waiting_proposals(rows) + waiting_goals(goals),
            "doing": [_doing(goal, events) for goal in goals if goal["status"] == "running"],
            "recent": events[-20:],
            "hour": _hour(events),
            "process": _process(status, events),
            "last_decision": None,
            "has_database": True,
        }


def _doing(goal: JsonObject, events: list[JsonObject]) -> JsonObject:
    own = [event for event in events if event["stream"] == f"goal/{goal['id']}"]
    newest = own[-1] if own else {"summary": "", "at": goal["updated_at"], "kind": ""}
    return {
        "goal": goal["id"],
        "what": newest["summary"],
        "since": newest["at"],
        "under_way": newest["kind"] == "IntentRecorded",
    }


def _hour(events: list[JsonObject]) -> JsonObject:
    """From the newest events alone; a busy hour has more of them."""
    begin = time.time() - HOUR_SECONDS
    tokens, errors = [0] * BUCKETS, [0] * BUCKETS
    late = [event for event in events if event["at"] >= begin]
    for event in late:
        if event["kind"] != "ResultRecorded":
            continue
        place = min(int((event["at"] - begin) * BUCKETS / HOUR_SECONDS), BUCKETS - 1)
        tokens[place] += int((event["payload"].get("spend") or {}).get("tokens", 0))
        errors[place] += not (event["payload"].get("result") or {}).get("ok", True)
    return {"tokens": tokens, "errors": errors, "events": len(late)}


def _process(status: JsonObject, events: list[JsonObject]) -> JsonObject | None:
    """When the agent began or ended last, as far back as was looked."""
    for event in reversed(events):
        if event["kind"] in ("AgentStarted", "AgentStopped"):
            return {"kind": event["kind"], "at": event["at"], "what": event["summary"]}
    last = status["last_event"]
    return {"kind": "AgentStarted", "at": last["at"], "what": ""} if last else None
