"""`autoclave notify …`."""

from __future__ import annotations

import click

from ...domain.canonical import JsonObject
from ...domain.text import show_line
from ..exits import ExitCode
from ..invocation import Invocation
from ..options import common_options
from ..render.paint import clip, moment, table


@click.group()
def command() -> None:
    """How you are told that something waits for you; set up by the settings notify_…"""


@command.command("test")
@common_options()
@click.pass_obj
def test_(invocation: Invocation) -> int:
    """Send a test notice in every way that is set up; ends with 6 when one does not arrive."""
    found = invocation.call(lambda control: control.test_notices())
    report: JsonObject = {"ok": all(each["ok"] for each in found), "channels": found}
    invocation.output.data(report, _tested)
    return ExitCode.FINE if report["ok"] else ExitCode.FINDINGS


@command.command("list")
@common_options()
@click.pass_obj
def list_(invocation: Invocation) -> None:
    """What you were told of and still waits, and what could not be told."""
    found = invocation.call(lambda control: control.notices())
    invocation.output.data({"notices": found}, _listed)


def _tested(report: JsonObject) -> str:
    lines = []
    for each in report["channels"]:
        said = "arrived" if each["ok"] else f"did not arrive: {show_line(each['why'])}"
        lines.append(f"{each['channel']}: {said}")
        lines += [f"  fix: {show_line(each['fix'])}"] if each["fix"] else []
    return "\n".join(lines)


def _listed(report: JsonObject) -> str:
    rows = [
        [each["channel"], each["kind"], each["subject"], _state(each), clip(each["what"])]
        for each in report["notices"]
    ]
    return table(["how", "kind", "about", "told", "what"], rows, empty="Nothing to tell.")


def _state(row: JsonObject) -> str:
    if row["due_at"] is not None:
        again = f", again at {moment(row['due_at'])}" if row["attempts"] else ""
        return f"not yet{again}"
    return "given up" if row["error"] else "yes"
