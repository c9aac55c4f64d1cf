"""`autoclave export`."""

from __future__ import annotations

import click

from ..invocation import Invocation
from ..options import common_options


@click.command()
@click.argument("what", type=click.Choice(["metrics", "events"]))
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "csv", "influx", "prom", "openmetrics"]),
    default="json",
    show_default=True,
    help="Events have no Prometheus or OpenMetrics form.",
)
@common_options()
@click.pass_obj
def command(invocation: Invocation, what: str, form: str) -> None:
    """Metrics or events for other programs, on standard output."""
    invocation.output.text(invocation.call(lambda control: control.export(what, form)))
