"""`autoclave pause`."""

from __future__ import annotations

import click

from ..invocation import Invocation, person
from ..options import common_options
from ..render.status import standing


@click.command()
@click.option("--reason", default="", help="Why; shown by `status` and kept in the history.")
@common_options()
@click.pass_obj
def command(invocation: Invocation, reason: str) -> None:
    """Stop the whole agent at its next step, from any terminal.

    Nothing is lost and nothing new is begun until `autoclave resume`.
    """
    found = invocation.call(lambda control: control.pause_agent(reason, by=person()))
    invocation.output.data(found, standing)
