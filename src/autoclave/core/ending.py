"""How a run ends: what is written down so that everything can be learned from it."""

from __future__ import annotations

from pathlib import Path

from ..domain.canonical import JsonObject
from ..domain.errors import AutoclaveError
from ..domain.events import EventKind, NewEvent
from ..domain.intents import Finish, GiveUp, to_json
from ..domain.run import Run, RunKind
from ..domain.state import State
from .done_test import check_done
from .parts import Parts
from .results import result_event
from .rollback import roll_back
from .workspace import workspace_of

_MOST_CASE_BYTES = 1 << 20


class Ending:
    """Performs `Finish` and `GiveUp`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def finish(self, run: Run, intent: Finish) -> Run:
        """Check the claim; in MODIFYING, where the claim was checked already, end the run."""
        if run.state is State.MODIFYING:
            verified_by = (run.done_result or {}).get("value", {}).get("verified_by", "self-report")
            end = self._ended(
                run, success="ok", verified_by=verified_by, reason="", summary=intent.summary
            )
            return await self._parts.ledger.insist(run, _state(run, State.IDLE), end)
        async with workspace_of(self._parts, run) as workspace:
            result = await check_done(self._parts, run, workspace)
        spend = {"steps": 1, "seconds": result.get("value", {}).get("seconds", 0.0)}
        key = f"{run.id}-{run.keys + 1}"
        return await self._parts.ledger.insist(
            run, result_event(key, to_json(intent), result, spend=spend)
        )

    async def give_up(self, run: Run, intent: GiveUp) -> Run:
        """Leave the workspace as it was found, keep what failed as a case, end the run."""
        run = await roll_back(self._parts, run)
        events = [] if intent.unserved else await self._cases(run)
        end = self._ended(
            run,
            success="unknown" if intent.unserved else "failed",
            verified_by="check",
            reason=intent.reason,
            needs=intent.needs,
            unserved=intent.unserved,
        )
        return await self._parts.ledger.insist(run, *events, _state(run, State.IDLE), end)

    def _ended(
        self, run: Run, *, success: str, verified_by: str, reason: str, **more: object
    ) -> NewEvent:
        plan = run.plan
        payload: JsonObject = {
            "success": success,
            "verified_by": verified_by,
            "reason": reason,
            "text": run.text,
            "kind": str(run.kind),
            "plan": plan
            and {
                "signature": plan["signature"],
                "steps": plan["template"],
                "source": plan["source"],
            },
            "actions": [_action(run, step) for step in run.steps],
            "failures": list(run.failures),
            "remedies": list(run.remedies),
            "seconds": round(self._parts.clock() - run.added_at, 3),
            "spend": run.spend.to_json(),
            "context": {"has_workspace": bool(run.workspace), "done_test": bool(run.done)},
            "lesson": run.lesson,
            "attempt": run.attempt,
            **more,
        }
        return NewEvent(kind=EventKind.GOAL_ENDED, payload=payload)

    async def _cases(self, run: Run) -> list[NewEvent]:
        """The last failure inside a capability, with all that is needed to run it again."""
        found = await self._failure_and_plan(run)
        if found is None or run.kind is RunKind.IMPROVEMENT:
            return []
        failed, plan = found
        files = self._files(run)
        steps = plan["steps"] or run.steps
        step = next((s for s in steps if s["name"] == failed["step"]), None)
        if files is None or step is None:
            return []
        payload = {
            "capability": step["capability"],
            "step": step["name"],
            "inputs": step["inputs"],
            "files": files,
            "done": list(run.done),
            "failure": failed,
            "chain": plan["steps"] or [step],
        }
        return [NewEvent(kind=EventKind.CASE_RECORDED, payload=payload)]

    async def _failure_and_plan(self, run: Run) -> tuple[JsonObject, JsonObject] | None:
        """The failure, and the plan that it met: other ways may have been tried since."""
        plan: JsonObject | None = None
        found: tuple[JsonObject, JsonObject] | None = None
        for event in await self._parts.ledger.events(run.stream):
            if event.kind is EventKind.GOAL_RETRIED:
                plan, found = None, None
            elif event.kind is EventKind.PLAN_MADE:
                plan = event.payload["plan"]
            elif event.kind is EventKind.RESULT_RECORDED and plan is not None:
                failure = event.payload["result"].get("failure", {})
                if failure.get("where"):
                    found = {"step": event.payload["intent"].get("step", ""), **failure}, plan
        return found

    def _files(self, run: Run) -> dict[str, str] | None:
        """The workspace as text, or None when it is too large to keep."""
        if not run.workspace:
            return {}
        try:
            tree = self._parts.files.read_tree(Path(run.workspace))
        except AutoclaveError:
            return None
        if sum(map(len, tree.values())) > _MOST_CASE_BYTES:
            return None
        return {name: data.decode("latin-1") for name, data in tree.items()}


def _action(run: Run, step: JsonObject) -> JsonObject:
    result = run.results.get(step["name"])
    action: JsonObject = {"step": step["name"], "capability": step["capability"]}
    if result is None:
        return {**action, "ok": None}
    action |= {"ok": result["ok"], "seconds": result.get("seconds", 0.0)}
    if not result["ok"]:
        action["error_class"] = result["failure"]["error_class"]
    return action


def _state(run: Run, to: State) -> NewEvent:
    return NewEvent(kind=EventKind.STATE_CHANGED, payload={"from": str(run.state), "to": str(to)})
