"""Proposals over HTTP. Nothing here says yes: it hands on what an owner signed elsewhere."""

from __future__ import annotations

from fastapi import APIRouter, Response

from ..domain.proposal import ProposalStatus
from .asking import Answer, Approver, Id, Viewer
from .bodies import Comments, GoodReason, Nothing, Settled, Shown, Signed
from .shapes import PROPOSAL, SHEET, answers, fields, listed

router = APIRouter(prefix="/proposals", tags=["proposals"], default_response_class=Answer)

_PROPOSAL = answers("The proposal as it stands.", **PROPOSAL)
_SHEET = answers("What an owner signs.", **SHEET)


@router.get("", responses=answers("Proposals, newest last.", proposals=listed(fields(**PROPOSAL))))
async def list_proposals(asking: Viewer, status: ProposalStatus | None = None) -> Response:
    """All proposals, or those that stand so."""
    return Answer({"proposals": await asking.control.proposals(status)})


@router.get("/{proposal}", responses=_PROPOSAL)
async def show_proposal(asking: Viewer, proposal: Id) -> Response:
    """What it changes, why, what speaks against it, what was measured."""
    return Answer(await asking.control.proposal(proposal))


@router.post("/{proposal}/shown", responses=_PROPOSAL)
async def note_shown(asking: Viewer, proposal: Id, body: Shown) -> Response:
    """The same, and that it was shown is written down."""
    return Answer(await asking.control.show_proposal(proposal, by=asking.by, to=body.to))


@router.get("/{proposal}/sheet", responses=_SHEET)
async def proposal_sheet(asking: Viewer, proposal: Id) -> Response:
    """What an owner signs to approve it as it stands."""
    return Answer((await asking.control.proposal_sheet(proposal)).to_json())


@router.post("/{proposal}/approve", responses=_PROPOSAL)
async def approve_proposal(asking: Approver, proposal: Id, body: Signed) -> Response:
    """Hand in an owner's signed yes; the last one it takes applies it."""
    signed = body.approval.to_approval()
    return Answer(await asking.control.approve_proposal(proposal, signed=signed, by=asking.by))


@router.post("/{proposal}/reject", responses=_PROPOSAL)
async def reject_proposal(asking: Approver, proposal: Id, body: GoodReason) -> Response:
    """Say no."""
    return Answer(await asking.control.reject_proposal(proposal, body.reason, by=asking.by))


@router.post("/{proposal}/return", responses=_PROPOSAL)
async def return_proposal(asking: Approver, proposal: Id, body: Comments) -> Response:
    """Send it back with comments."""
    return Answer(await asking.control.return_proposal(proposal, body.comments, by=asking.by))


@router.post("/{proposal}/undo", responses=_PROPOSAL)
async def undo_proposal(asking: Approver, proposal: Id, body: Nothing) -> Response:
    """Take an applied change back, as a new commit."""
    return Answer(await asking.control.undo_proposal(proposal, by=asking.by))


@router.get("/{proposal}/redo-sheet", responses=_SHEET)
async def redo_sheet(asking: Viewer, proposal: Id) -> Response:
    """What an owner signs to have an undone one applied again."""
    return Answer((await asking.control.redo_sheet(proposal)).to_json())


@router.post("/{proposal}/redo", responses=_PROPOSAL)
async def redo_proposal(asking: Approver, proposal: Id, body: Signed) -> Response:
    """Hand in an owner's signed yes to apply an undone change again."""
    signed = body.approval.to_approval()
    return Answer(await asking.control.redo_proposal(proposal, signed=signed, by=asking.by))


@router.post("/{proposal}/settle", responses=_PROPOSAL)
async def settle_proposal(asking: Approver, proposal: Id, body: Settled) -> Response:
    """Say what became of one that a crash cut off."""
    done = await asking.control.settle_proposal(proposal, as_applied=body.as_applied, by=asking.by)
    return Answer(done)
