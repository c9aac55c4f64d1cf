"""`autoclave doctor`."""

from __future__ import annotations

import click

from ..exits import ExitCode
from ..invocation import Invocation
from ..options import common_options
from ..render.status import doctor


@click.command()
@common_options()
@click.pass_obj
def command(invocation: Invocation) -> int:
    """Check that everything Autoclave needs is here; ends with 6 when something is not."""
    report = invocation.call(lambda control: control.doctor())
    invocation.output.data(report, lambda r: doctor(r, color=invocation.output.color))
    return ExitCode.FINE if report["ok"] else ExitCode.FINDINGS
