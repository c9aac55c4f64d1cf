"""`autoclave doctor`."""

from __future__ import annotations

import click

from ...domain.canonical import JsonObject
from ...domain.errors import Fatal
from ...service.home import Home
from ..exits import ExitCode
from ..invocation import Invocation
from ..options import common_options
from ..render.status import doctor
from ..signals import run_stoppable


@click.command()
@click.option(
    "--ping-model", is_flag=True, help="Ask the model's server about it too; that is free."
)
@common_options()
@click.pass_obj
def command(invocation: Invocation, ping_model: bool) -> int:
    """Check that everything Autoclave needs is here; ends with 6 when something is not."""
    report = _report(invocation, ping_model=ping_model)
    invocation.output.data(report, lambda r: doctor(r, color=invocation.output.color))
    return ExitCode.FINE if report["ok"] else ExitCode.FINDINGS


def _report(invocation: Invocation, *, ping_model: bool) -> JsonObject:
    """What cannot even be opened is a finding too, and the machine is looked at all the same."""
    try:
        return invocation.call(lambda control: control.doctor(ping_model=ping_model))
    except Fatal as error:
        home, broken = invocation.home(), error
    return run_stoppable(lambda: _without_agent(home, broken), invocation.output.note)


async def _without_agent(home: Home, broken: Fatal) -> JsonObject:
    from ...monitoring.health import Check, Probe, check_health
    from ...monitoring.machine import machine_probes

    def open_agent() -> Check:
        raise broken

    probes = (*machine_probes(home.root), Probe(name="agent", look=open_agent))
    return (await check_health(probes)).to_json()
