"""`autoclave history`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from ...domain.canonical import JsonObject
from ..invocation import Invocation
from ..options import common_options
from ..render.events import event

if TYPE_CHECKING:
    from ...service.control import Control

_PAGE = 1000


@click.command()
@click.option("--after", type=click.IntRange(0), default=0, metavar="ID", help="Only later ones.")
@click.option("--limit", "-n", type=click.IntRange(1), default=50, help="At most so many.")
@click.option("--stream", default="", help="Only this one: agent, goal/G-0001, proposal/P-0001.")
@click.option("--follow", "-f", is_flag=True, help="Go on as things happen, until stopped.")
@common_options()
@click.pass_obj
def command(invocation: Invocation, after: int, limit: int, stream: str, follow: bool) -> None:
    """What happened, event by event; with --follow and --json one object per line."""
    output = invocation.output
    with invocation.control() as control:
        if follow:
            for happened in _follow(control, after, stream):
                if output.as_json:
                    output.json(happened, one_line=True)
                else:
                    output.text(event(happened, color=output.color))
            return
        found = control.history(after, limit, stream)
    color = output.color
    output.data(
        {"events": found},
        lambda data: (
            "\n".join(event(item, color=color) for item in data["events"])
            or "Nothing has happened yet."
        ),
    )


def _follow(control: Control, after: int, stream: str) -> Iterator[JsonObject]:
    """Every event, those to come too; another process may be writing them, so it looks again."""
    while True:
        found = control.history(after, _PAGE, stream)
        yield from found
        if found:
            after = found[-1]["id"]
        if len(found) < _PAGE:
            time.sleep(0.5)
