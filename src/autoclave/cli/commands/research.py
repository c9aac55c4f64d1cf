"""`autoclave research`."""

from __future__ import annotations

import click

from ..invocation import Invocation
from ..options import common_options
from ..render.knowledge import answer


@click.command()
@click.argument("question")
@common_options()
@click.pass_obj
def command(invocation: Invocation, question: str) -> None:
    """Ask what is known; every passage names its source."""
    found = invocation.call(lambda control: control.research(question))
    invocation.output.data(found, answer)
