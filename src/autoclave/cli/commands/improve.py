"""`autoclave improve`."""

from __future__ import annotations

import click

from ...domain.canonical import JsonObject
from ...domain.text import show_line
from ..invocation import Invocation
from ..options import common_options
from ..render.progress import progress_to
from ..render.proposals import proposal_list


@click.command()
@click.option("--quiet", "-q", is_flag=True, help="Say nothing about progress.")
@common_options()
@click.pass_obj
def command(invocation: Invocation, quiet: bool) -> None:
    """Look for opportunities in what was learned, and draft proposals for them."""
    output = invocation.output
    listener = progress_to(output, quiet=quiet)
    found = invocation.call(lambda control: control.improve(listener))
    output.data(found, _text)


def _text(found: JsonObject) -> str:
    opportunities, proposals = found["opportunities"], found["proposals"]
    if not opportunities:
        return "No opportunities: no failure was seen on enough goals yet."
    lines = [f"{len(opportunities)} opportunities:"]
    lines += [f"  {show_line(item['title'])}" for item in opportunities]
    lines += [f"  {item['goal']} {_tried(item)}" for item in found["tried"]]
    if not proposals:
        return "\n".join([*lines, "No change was found that passes every gate."])
    return "\n".join([*lines, "", proposal_list(proposals)])


def _tried(item: JsonObject) -> str:
    return f"{show_line(item['status'])}  {show_line(item.get('reason') or '')}".rstrip()
