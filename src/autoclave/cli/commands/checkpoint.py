"""`autoclave checkpoint …`."""

from __future__ import annotations

from collections.abc import Sequence

import click

from ...domain.canonical import JsonObject
from ..deeds import sign_and_do
from ..invocation import Invocation, person
from ..options import common_options
from ..render.paint import clip, moment, table


@click.group()
def command() -> None:
    """Snapshots of the journal and of the body."""


@command.command()
@click.option("--note", default="", help="What it is for.")
@common_options()
@click.pass_obj
def create(invocation: Invocation, note: str) -> None:
    """Make one now."""
    made = invocation.call(lambda control: control.checkpoint_create(note))
    invocation.output.data(made, lambda data: f"{data['id']} is made")


@command.command("list")
@common_options()
@click.pass_obj
def list_checkpoints(invocation: Invocation) -> None:
    """All that are kept."""
    found = invocation.call(lambda control: control.list_checkpoints())
    invocation.output.data({"checkpoints": found}, lambda data: _table(data["checkpoints"]))


@command.command()
@click.argument("checkpoint", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--owner", default="", metavar="NAME", help="Which of your keys signs.")
@common_options()
@click.pass_obj
def restore(invocation: Invocation, checkpoint: str, yes: bool, owner: str) -> int:
    """Go back to one, signed with your owner's key. The present becomes a checkpoint first.

    Its owners come back with it. Where they are others than today's, that is said, and it takes as
    many owners as a change of owners: until then it ends with 11.
    """
    if not yes and not invocation.output.may_ask:
        raise click.UsageError("this goes back in time: say --yes")
    return sign_and_do(
        invocation,
        lambda control: control.restore_sheet(checkpoint),
        lambda control, signed: control.restore_checkpoint(checkpoint, signed=signed, by=person()),
        human=lambda done: f"{done['id']} is restored",
        owner=owner,
        question="" if yes else f"Go back to {checkpoint}?",
    )


def _table(found: Sequence[JsonObject]) -> str:
    rows = [
        [item["id"], moment(item["at"]), item["events"], clip(item.get("note") or "")]
        for item in found
    ]
    empty = "No checkpoints. Make one: autoclave checkpoint create"
    return table(["id", "made", "events", "note"], rows, empty=empty)
