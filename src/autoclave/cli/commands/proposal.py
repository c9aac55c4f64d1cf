"""`autoclave proposal …`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ...domain.canonical import JsonObject
from ...domain.errors import Stale
from ...domain.proposal import ProposalStatus
from ..exits import ExitCode
from ..invocation import Invocation, person
from ..options import common_options
from ..render import proposals

if TYPE_CHECKING:
    from ...service.control import Control

_LEAST_HASH = 8


@click.group()
def command() -> None:
    """Review, approve, reject and undo changes to the agent itself."""


@command.command("list")
@click.option(
    "--status", type=click.Choice([status.value for status in ProposalStatus]), help="Only those."
)
@common_options()
@click.pass_obj
def list_proposals(invocation: Invocation, status: str | None) -> None:
    """All proposals, newest last."""
    found = invocation.call(lambda control: control.proposals(status))
    invocation.output.data(
        {"proposals": found}, lambda data: proposals.proposal_list(data["proposals"])
    )


@command.command()
@click.argument("proposal", metavar="ID")
@common_options()
@click.pass_obj
def show(invocation: Invocation, proposal: str) -> None:
    """What it changes, why, what speaks against it, what was measured."""
    found = invocation.call(lambda control: control.proposal(proposal))
    _show(invocation, found)
    if found["status"] == ProposalStatus.WAITING:
        invocation.output.note(f"approve exactly this: {proposals.how_to_approve(found)}")


@command.command()
@click.argument("proposal", metavar="ID")
@click.option("--hash", "proof", metavar="H", help="What is approved, as `proposal show` says it.")
@common_options()
@click.pass_obj
def approve(invocation: Invocation, proposal: str, proof: str | None) -> int:
    """Approve exactly the bytes and the evidence that a hash names.

    Without --hash it shows both and ends with 9: nobody approves what was not on the screen.
    """

    async def work(control: Control) -> JsonObject:
        found = await control.proposal(proposal)
        if proof is None:
            return found
        return await control.approve_proposal(proposal, digest=_named(found, proof), by=person())

    found = invocation.call(work)
    if proof is not None:
        _say(invocation, found)
        return ExitCode.FINE
    _show(invocation, found)
    invocation.output.note(f"approve exactly this: {proposals.how_to_approve(found)}")
    return ExitCode.STALE


@command.command()
@click.argument("proposal", metavar="ID")
@click.option("--reason", required=True, help="Why not; it is learned from.")
@common_options()
@click.pass_obj
def reject(invocation: Invocation, proposal: str, reason: str) -> None:
    """Say no."""
    said = invocation.call(lambda control: control.reject_proposal(proposal, reason, by=person()))
    _say(invocation, said)


@command.command("return")
@click.argument("proposal", metavar="ID")
@click.option(
    "--comment", "comments", required=True, multiple=True, help="What has to change; repeatable."
)
@common_options()
@click.pass_obj
def return_proposal(invocation: Invocation, proposal: str, comments: tuple[str, ...]) -> None:
    """Send it back with comments, each to be answered by the next draft."""
    said = invocation.call(
        lambda control: control.return_proposal(proposal, list(comments), by=person())
    )
    _say(invocation, said)


@command.command()
@click.argument("proposal", metavar="ID")
@common_options()
@click.pass_obj
def undo(invocation: Invocation, proposal: str) -> None:
    """Take an applied change back, as a new commit."""
    _say(invocation, invocation.call(lambda c: c.undo_proposal(proposal, by=person())))


@command.command()
@click.argument("proposal", metavar="ID")
@common_options()
@click.pass_obj
def redo(invocation: Invocation, proposal: str) -> None:
    """Apply an undone change again, as a new commit."""
    _say(invocation, invocation.call(lambda c: c.redo_proposal(proposal, by=person())))


def _named(found: JsonObject, proof: str) -> str:
    """The whole digest, when `proof` is enough of its beginning. Raises Stale else."""
    digest = str(found.get("digest") or "")
    if len(proof) >= _LEAST_HASH and digest.startswith(proof.lower()):
        return digest
    short = len(proof) < _LEAST_HASH
    why = f"{proof!r} is too short to name it" if short else f"its hash is not {proof[:12]}"
    raise Stale(
        f"{found['id']} is not what you approve: {why}",
        hint=f"look at it again: autoclave proposal show {found['id']}",
    )


def _show(invocation: Invocation, found: JsonObject) -> None:
    color = invocation.output.color
    invocation.output.data(found, lambda data: proposals.proposal(data, color=color))


def _say(invocation: Invocation, found: JsonObject) -> None:
    invocation.output.data(found, lambda data: f"{data['id']} is {data['status']}")
