"""`autoclave audit …`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from ...domain.canonical import JsonObject
from ...domain.errors import JournalBroken, NotFound
from ...service.home import Home
from ..exits import ExitCode
from ..invocation import Invocation
from ..options import common_options
from ..render import audit as render
from ..render.events import event


@click.group()
def command() -> None:
    """Whether the journal is as it was written, and what must not pass unseen in it."""


@command.command()
@click.option("--expect", default="", metavar="HEAD", help="A head that you kept: ID:HASH.")
@click.option(
    "--file",
    "file",
    type=click.Path(path_type=Path),
    help="Check an exported file instead; needs no home.",
)
@common_options()
@click.pass_obj
def verify(invocation: Invocation, expect: str, file: Path | None) -> int:
    """Check every event against the chain and its anchor; ends with 6 when one is wrong.

    It prints the head of the journal. Whoever keeps that in another place and gives it with
    --expect notices even that journal and anchor were both replaced by older copies.
    """
    if file is not None and expect:
        raise click.UsageError("--expect is for the journal, not for a file")
    if file is not None:
        return _file(invocation, file)
    report = _journal(invocation, expect)
    invocation.output.data(report, render.journal)
    return ExitCode.FINE if report["ok"] else ExitCode.FINDINGS


@command.command()
@common_options()
@click.pass_obj
def incidents(invocation: Invocation) -> None:
    """What was cut off in the middle, and where the journal did not verify."""
    found = invocation.call(lambda control: control.audit_incidents())
    color = invocation.output.color

    def text(data: JsonObject) -> str:
        lines = [event(each, color=color) for each in data["incidents"]]
        return "\n".join(lines) or "No incident was ever recorded."

    invocation.output.data({"incidents": found}, text)


@command.command()
@click.option("--from", "first", type=click.IntRange(1), default=1, metavar="ID", help="First.")
@click.option("--to", "last", type=click.IntRange(1), metavar="ID", help="Last; else the newest.")
@click.option(
    "--out",
    default="-",
    metavar="FILE",
    help="Where to: a file that is not there yet, or - for standard output.",
)
@common_options()
@click.pass_obj
def export(invocation: Invocation, first: int, last: int | None, out: str) -> None:
    """The journal as JSON lines that anybody can check: `audit verify --file FILE`."""
    from ...service.audit_desk import to_file

    def to_output(lines: Iterable[str]) -> None:
        for line in lines:
            invocation.output.text(line)

    write = to_output if out == "-" else to_file(Path(out))
    invocation.call(lambda control: control.audit_export(write, first=first, last=last))
    if out != "-":
        invocation.output.note(f"written to {out}; check it with: autoclave audit verify --file")


def _journal(invocation: Invocation, expect: str) -> JsonObject:
    try:
        return invocation.call(lambda control: control.audit_verify(expect=expect))
    except JournalBroken as error:
        return _unopened(invocation, expect, error)


def _unopened(invocation: Invocation, expect: str, error: JournalBroken) -> JsonObject:
    """A journal that refuses to open is the one that people want to know most about."""
    from ...service.audit_desk import verify_unopened
    from ...settings import load_settings

    report = verify_unopened(
        invocation.home(), url=load_settings().settings.database_url or "", expect=expect
    )
    return report if not report["ok"] else {**report, "ok": False, "reason": error.message}


def _file(invocation: Invocation, file: Path) -> int:
    from ...service.audit_desk import check_export

    report = check_export(file, _home(invocation))
    invocation.output.data(report, render.file)
    return ExitCode.FINE if report["ok"] else ExitCode.FINDINGS


def _home(invocation: Invocation) -> Home | None:
    """An outsider has none; one that was named must be there."""
    try:
        return invocation.home()
    except NotFound:
        if invocation.home_option is not None:
            raise
        return None
