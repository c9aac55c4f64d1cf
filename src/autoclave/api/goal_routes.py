"""Goals over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Header, Response

from ..domain.run import RunStatus
from ..service.limited_door import is_below
from ..service.tokens import Role
from .asking import Answer, Asking, Id, Operator, Viewer
from .bodies import GoalAnswer, MoreBudget, NewGoal, Nothing, Reason
from .shapes import GOAL, GOAL_ROW, SHEET, TEXT, answers, created, listed

router = APIRouter(prefix="/goals", tags=["goals"], default_response_class=Answer)

Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{0,100}$",
        description="The same key with the same goal adds it once, whatever is repeated.",
    ),
]
_GOAL = answers("The goal as it stands.", **GOAL)


@router.get("", responses=answers("Goals, the most urgent first.", goals=listed(GOAL_ROW)))
async def list_goals(asking: Viewer, status: RunStatus | None = None) -> Response:
    """All goals, or those that stand so."""
    return Answer({"goals": await asking.control.goals(status)})


@router.post("", status_code=201, responses=created("The goal, queued.", **GOAL))
async def add_goal(asking: Operator, body: NewGoal, idempotency_key: Key = "") -> Response:
    """Queue a goal.

    Leave beforehand (`allow_up_to`) takes an approver; so does a workspace outside the folders of
    the setting `api_workspaces`.
    """
    _check(asking, body)
    key = f"{asking.caller.token.name}/{idempotency_key}" if idempotency_key else ""
    return Answer(await asking.control.add_goal(body.to_spec(key=key), by=asking.by), 201)


@router.post("/preview", responses=answers("What would become of it."))
async def preview_goal(asking: Operator, body: NewGoal) -> Response:
    """How the agent reads a goal; nothing is added."""
    _check(asking, body)
    return Answer(await asking.control.preview_goal(body.to_spec(key="")))


@router.get("/{goal}", responses=_GOAL)
async def show_goal(asking: Viewer, goal: Id) -> Response:
    """One goal: its plan, where it stands, what it asks."""
    return Answer(await asking.control.goal(goal))


@router.post("/{goal}/pause", responses=_GOAL)
async def pause_goal(asking: Operator, goal: Id, body: Reason) -> Response:
    """Set a goal aside until it is resumed."""
    await asking.control.pause_goal(goal, body.reason, by=asking.by)
    return await _shown(asking, goal)


@router.post("/{goal}/resume", responses=_GOAL)
async def resume_goal(asking: Operator, goal: Id, body: Reason) -> Response:
    """Let a paused or parked goal go on; after an alarm it takes a reason."""
    await asking.control.resume_goal(goal, body.reason, by=asking.by)
    return await _shown(asking, goal)


@router.post("/{goal}/cancel", responses=_GOAL)
async def cancel_goal(asking: Operator, goal: Id, body: Reason) -> Response:
    """End a goal for good."""
    await asking.control.cancel_goal(goal, body.reason, by=asking.by)
    return await _shown(asking, goal)


@router.post("/{goal}/retry", responses=_GOAL)
async def retry_goal(asking: Operator, goal: Id, body: Nothing) -> Response:
    """Try an ended goal again from the start."""
    await asking.control.retry_goal(goal, by=asking.by)
    return await _shown(asking, goal)


@router.post("/{goal}/budget", responses=_GOAL)
async def add_budget(asking: Operator, goal: Id, body: MoreBudget) -> Response:
    """Give a goal more to spend; one that was parked for its budget goes on."""
    await asking.control.add_budget(goal, body.model_dump(exclude_none=True), by=asking.by)
    return await _shown(asking, goal)


@router.get("/{goal}/sheet", responses=answers("What an owner signs.", **SHEET))
async def goal_sheet(asking: Viewer, goal: Id) -> Response:
    """What an owner signs to say yes, from R4 on."""
    return Answer((await asking.control.goal_sheet(goal)).to_json())


@router.post(
    "/{goal}/answer", responses=answers("What the yes still lacks.", waits_for=TEXT, **GOAL)
)
async def answer_goal(asking: Operator, goal: Id, body: GoalAnswer) -> Response:
    """Answer what a goal asks. A yes takes an approver, and from R4 on an owner's signature."""
    if body.yes:
        asking.caller.must(Role.APPROVER, to="say yes")
    waits_for = await asking.control.answer_goal(
        goal,
        body.yes,
        digest=body.digest,
        reason=body.reason,
        by=asking.by,
        signed=body.approval.to_approval() if body.approval else None,
    )
    return Answer({**await asking.control.goal(goal), "waits_for": waits_for})


def _check(asking: Asking, body: NewGoal) -> None:
    if body.allow_up_to != "R0":
        asking.caller.must(Role.APPROVER, to="give leave beforehand")
    if body.workspace and not is_below(Path(body.workspace), asking.workspaces):
        asking.caller.must(Role.APPROVER, to="name a workspace outside of api_workspaces")


async def _shown(asking: Asking, goal: str) -> Response:
    return Answer(await asking.control.goal(goal))
