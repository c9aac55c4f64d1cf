"""`autoclave resume`."""

from __future__ import annotations

import click

from ..invocation import Invocation, person
from ..options import common_options
from ..render.status import standing


@click.command()
@click.option("--reason", default="", help="Why; needed after an alarm.")
@common_options()
@click.pass_obj
def command(invocation: Invocation, reason: str) -> None:
    """Let the paused agent go on.

    After an alarm (a secret came to light, the sandbox leaks, the journal has a gap) it looks
    again first, and stays paused when it is still so.
    """
    found = invocation.call(lambda control: control.resume_agent(reason, by=person()))
    invocation.output.data(found, standing)
