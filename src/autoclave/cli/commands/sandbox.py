"""`autoclave sandbox …`."""

from __future__ import annotations

from pathlib import Path

import click

from ...domain.canonical import JsonObject
from ...domain.sealed import Tier
from ...domain.text import show, show_line
from ..exits import ExitCode
from ..invocation import Invocation
from ..options import common_options
from ..render.paint import verdict


@click.group()
def command() -> None:
    """Run any command sealed; test the seal."""


@command.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}
)
@click.option(
    "--tier",
    type=click.Choice([tier.value for tier in Tier], case_sensitive=False),
    help="At least this tight.",
)
@click.option(
    "--in",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Run on a copy of this folder.",
)
@common_options()
@click.argument("argv", nargs=-1, required=True, metavar="CMD…", type=click.UNPROCESSED)
@click.pass_obj
def run(
    invocation: Invocation, tier: str | None, folder: Path | None, argv: tuple[str, ...]
) -> int:
    """Run CMD as a capability would be run: no network, no files but its own.

    Ends with the exit code of CMD. Control characters in what it prints are spelled out;
    --json has them exactly. What it changed stays in the sandbox and is listed.
    """
    output = invocation.output
    where = None if folder is None else folder.absolute()
    wanted = None if tier is None else Tier(tier.upper())
    result = invocation.call(lambda control: control.sandbox_run(argv, wanted, where))
    if output.as_json:
        output.json(result)
    else:
        _print(invocation, result)
    return int(result["exit_code"])


@command.command()
@common_options()
@click.pass_obj
def test(invocation: Invocation) -> int:
    """Try to escape, and try everyday work; ends with 6 when the seal leaks."""
    report = invocation.call(lambda control: control.sandbox_test())
    color = invocation.output.color
    invocation.output.data(report, lambda data: _report(data, color=color))
    return ExitCode.FINE if report["ok"] else ExitCode.FINDINGS


def _print(invocation: Invocation, result: JsonObject) -> None:
    output = invocation.output
    if result["stdout"]:
        output.text(show(result["stdout"]))
    if result["stderr"]:
        output.note(show(result["stderr"]).removesuffix("\n"))
    if result["ended"] not in ("exited", "signalled"):
        output.note(f"autoclave: stopped by its limit: {show_line(result['ended'])}")
    changed = result.get("changed") or []
    if changed:
        listed = ", ".join(show_line(str(path)) for path in changed[:20])
        more = f" and {len(changed) - 20} more" if len(changed) > 20 else ""
        output.note(f"autoclave: changed in the sandbox: {listed}{more}")


def _report(report: JsonObject, *, color: bool) -> str:
    route = report.get("facts", {}).get("route")
    way = f" by way of {show_line(str(route))}" if route else ""
    lines = [f"tier {show_line(str(report['tier']))}{way}"]
    for probe in report["probes"]:
        said = verdict("ok" if probe["passed"] else "fail", color=color, width=5)
        kind = "must fail" if probe["must_fail"] else "must work"
        detail = show_line(str(probe.get("detail") or ""))
        lines.append(f"{said} {kind}  {show_line(probe['name'])}  {detail}".rstrip())
    if note := report.get("facts", {}).get("note"):
        lines.append(show_line(str(note)))
    lines.append(
        "The seal holds." if report["ok"] else "The seal LEAKS: nothing will be run in it."
    )
    return "\n".join(lines)
