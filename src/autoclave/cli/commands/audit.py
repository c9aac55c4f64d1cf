"""`autoclave audit …`."""

from __future__ import annotations

import click

from ...domain.canonical import JsonObject
from ...domain.text import show_line
from ..exits import ExitCode
from ..invocation import Invocation
from ..options import common_options


@click.group()
def command() -> None:
    """Whether the journal is as it was written."""


@command.command()
@common_options()
@click.pass_obj
def verify(invocation: Invocation) -> int:
    """Check every event against the chain and its anchor; ends with 6 when one is wrong."""
    report = invocation.call(lambda control: control.audit_verify())
    invocation.output.data(report, _text)
    return ExitCode.FINE if report["ok"] else ExitCode.FINDINGS


def _text(report: JsonObject) -> str:
    if report["ok"]:
        anchor = show_line(report["anchor"])
        return f"The journal is whole: {report['events']} events verified; anchor: {anchor}."
    bad = report["first_bad"]
    where = "" if bad is None else f" The first bad event is {bad}."
    return f"The journal is NOT as it was written.{where} {show_line(report['reason'])}"
