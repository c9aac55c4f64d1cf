"""`autoclave history`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ...domain.canonical import JsonObject
from ..invocation import Invocation
from ..options import common_options
from ..output import Output
from ..render.events import event

if TYPE_CHECKING:
    from ...service.control import Control


@click.command()
@click.option(
    "--after", type=click.IntRange(0), metavar="ID", help="Only later ones, oldest first."
)
@click.option(
    "--limit", "-n", type=click.IntRange(1), default=50, show_default=True, help="At most so many."
)
@click.option("--stream", default="", help="Only this one: agent, goal/G-0001, proposal/P-0001.")
@click.option("--follow", "-f", is_flag=True, help="Go on as things happen, until stopped.")
@common_options()
@click.pass_obj
def command(
    invocation: Invocation, after: int | None, limit: int, stream: str, follow: bool
) -> None:
    """What happened: the newest events, or those after an id.

    With --follow and --json it prints one object per line.
    """
    start = -1 if after is None else after
    if follow:
        invocation.call(lambda control: _follow(control, invocation.output, start, limit, stream))
        return
    found = invocation.call(lambda control: control.history(start, limit, stream))
    invocation.output.data({"events": found}, lambda data: _text(invocation.output, data))


async def _follow(control: Control, output: Output, after: int, limit: int, stream: str) -> None:
    """The newest ones if nothing else was asked for, then all that follows."""
    if after < 0:
        found = await control.history(after, limit, stream)
        for happened in found:
            _say(output, happened)
        after = found[-1]["id"] if found else 0
    async for happened in control.events(after, stream):
        _say(output, happened)


def _say(output: Output, happened: JsonObject) -> None:
    if output.as_json:
        output.json(happened, one_line=True)
    else:
        output.text(event(happened, color=output.color))


def _text(output: Output, data: JsonObject) -> str:
    lines = [event(happened, color=output.color) for happened in data["events"]]
    return "\n".join(lines) or "Nothing has happened yet."
