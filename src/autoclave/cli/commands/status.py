"""`autoclave status`."""

from __future__ import annotations

import time

import click

from ...service.glance import glance
from ..invocation import Invocation
from ..options import common_options
from ..render.paint import moment
from ..render.status import status


@click.command()
@click.option(
    "--watch",
    is_flag=True,
    help="Look again every second until stopped; plain text, for any screen.",
)
@click.option(
    "--every",
    type=click.FloatRange(0.2, 3600),
    default=1.0,
    metavar="S",
    help="How often, in seconds; 1 by default.",
)
@common_options()
@click.pass_obj
def command(invocation: Invocation, watch: bool, every: float) -> None:
    """How things stand: running or not, goals, proposals, what waits for you."""
    if not watch:
        _show(invocation)
        return
    while True:
        _show(invocation, again=True)
        time.sleep(every)


def _show(invocation: Invocation, *, again: bool = False) -> None:
    output = invocation.output
    if invocation.url:
        report = invocation.call(lambda control: control.status())
    else:
        report = glance(invocation.home())
    if output.as_json:
        output.json(report, one_line=again)
        return
    text = status(report, color=output.color)
    if again:
        output.redraw(f"{text}\n\n{moment(time.time())}; Ctrl-C ends this")
    else:
        output.text(text)
