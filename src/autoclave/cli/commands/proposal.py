"""`autoclave proposal …`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import click

from ...domain.canonical import JsonObject
from ...domain.errors import InvalidInput, Stale
from ...domain.proposal import ProposalStatus
from ...service.batch import check_batch
from ..deeds import sign_and_do
from ..exits import ExitCode
from ..invocation import Invocation, person
from ..options import common_options
from ..render import proposals

if TYPE_CHECKING:
    from ...core.proposals import Reader
    from ...service.control import Control

OPEN = (ProposalStatus.WAITING, ProposalStatus.SIGNED)
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
    (found,) = invocation.call(_showing(invocation, (proposal,)))
    _show(invocation, found)
    if found["status"] in OPEN:
        invocation.output.note(f"approve exactly this: {proposals.how_to_approve(found)}")


@command.command()
@click.argument("wanted", metavar="ID...", nargs=-1, required=True)
@click.option(
    "--hash",
    "proofs",
    metavar="H",
    multiple=True,
    help="What is approved, as `proposal show` says it; one for each ID.",
)
@click.option("--owner", default="", metavar="NAME", help="Which of your keys signs.")
@common_options()
@click.pass_obj
def approve(
    invocation: Invocation, wanted: tuple[str, ...], proofs: tuple[str, ...], owner: str
) -> int:
    """Approve exactly the bytes and the evidence that a hash names, with your owner's key.

    Without --hash it shows both and ends with 9: nobody approves what was not on the screen.
    Where one yes is not enough it ends with 11 and says what is missing. Several at once go only
    at R1.
    """
    if proofs:
        done = invocation.call(_approving(invocation, wanted, proofs, owner))
        _say_all(invocation, done)
        return ExitCode.WAITING if any(each.get("waits_for") for each in done) else ExitCode.FINE
    shown = invocation.call(_showing(invocation, wanted))
    for each in shown[:-1]:
        invocation.output.note(proposals.proposal(each, color=invocation.output.note_color))
    _show(invocation, shown[-1])
    how = "; ".join(map(proposals.how_to_approve, shown))
    invocation.output.note(f"approve exactly this: {how}")
    return ExitCode.STALE


def _showing(
    invocation: Invocation, wanted: tuple[str, ...]
) -> Callable[[Control], Awaitable[list[JsonObject]]]:
    to: Reader = "program" if invocation.output.as_json else "person"

    async def work(control: Control) -> list[JsonObject]:
        return [await control.show_proposal(each, by=person(), to=to) for each in wanted]

    return work


def _approving(
    invocation: Invocation, wanted: tuple[str, ...], proofs: tuple[str, ...], owner: str
) -> Callable[[Control], Awaitable[list[JsonObject]]]:
    from ..signing import Keyring

    keyring = Keyring(output=invocation.output, home=invocation.signed_home(), wanted=owner)

    async def work(control: Control) -> list[JsonObject]:
        found = [await control.proposal(each) for each in wanted]
        check_batch(found)
        if len(proofs) != len(found):
            raise InvalidInput(f"{len(found)} proposals take as many hashes, not {len(proofs)}")
        named = [_named(each, proof) for each, proof in zip(found, proofs, strict=True)]
        done = []
        for proposal, digest in zip(wanted, named, strict=True):
            sheet = await control.proposal_sheet(proposal)
            if sheet.digest != digest:
                raise _stale(proposal, "it is another one now")
            signed = await keyring.sign(sheet)
            done.append(await control.approve_proposal(proposal, signed=signed, by=person()))
        return done

    return work


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
@click.option("--owner", default="", metavar="NAME", help="Which of your keys signs.")
@common_options()
@click.pass_obj
def redo(invocation: Invocation, proposal: str, owner: str) -> int:
    """Apply an undone change again, as a new commit, signed with your owner's key.

    Where one yes is not enough it ends with 11 and says what is missing.
    """
    return sign_and_do(
        invocation,
        lambda control: control.redo_sheet(proposal),
        lambda control, yes: control.redo_proposal(proposal, signed=yes, by=person()),
        human=proposals.standing,
        owner=owner,
    )


@command.command()
@click.argument("proposal", metavar="ID")
@click.option(
    "--as",
    "how",
    required=True,
    type=click.Choice(["applied", "undone"]),
    help="What its files are now: changed as it says, or as they were before.",
)
@common_options()
@click.pass_obj
def settle(invocation: Invocation, proposal: str, how: str) -> None:
    """Say what became of a change that was cut off and can't be finished by itself."""
    is_applied = how == "applied"
    _say(
        invocation,
        invocation.call(lambda c: c.settle_proposal(proposal, as_applied=is_applied, by=person())),
    )


def _named(found: JsonObject, proof: str) -> str:
    """The whole digest, when `proof` is enough of its beginning. Raises Stale else."""
    digest = str(found.get("digest") or "")
    if len(proof) >= _LEAST_HASH and digest.startswith(proof.lower()):
        return digest
    short = len(proof) < _LEAST_HASH
    why = f"{proof!r} is too short to name it" if short else f"its hash is not {proof[:12]}"
    raise _stale(found["id"], why)


def _stale(proposal: str, why: str) -> Stale:
    return Stale(
        f"{proposal} is not what you approve: {why}",
        hint=f"look at it again: autoclave proposal show {proposal}",
    )


def _say_all(invocation: Invocation, done: list[JsonObject]) -> None:
    if len(done) == 1:
        _say(invocation, done[0])
        return
    invocation.output.data(
        {"proposals": done}, lambda data: "\n".join(map(proposals.standing, data["proposals"]))
    )


def _show(invocation: Invocation, found: JsonObject) -> None:
    color = invocation.output.color
    invocation.output.data(found, lambda data: proposals.proposal(data, color=color))


def _say(invocation: Invocation, found: JsonObject) -> None:
    invocation.output.data(found, proposals.standing)
