"""`autoclave run`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ...domain.canonical import JsonObject
from ..asking import ask_yes_no
from ..exits import RUN_ENDS
from ..goal_options import goal_options, goal_spec
from ..invocation import Invocation, person
from ..options import common_options
from ..render.goals import preview, question, report
from ..render.paint import moment
from ..render.progress import progress_to
from ..signals import Stopped

if TYPE_CHECKING:
    from ...domain.approval import Approval, Sheet


@click.command()
@goal_options
@click.option("--quiet", "-q", is_flag=True, help="Say nothing about progress.")
@click.option(
    "--dry-run", is_flag=True, help="Only show the plan and what it may cost; nothing is added."
)
@common_options()
@click.pass_obj
def command(invocation: Invocation, /, quiet: bool, dry_run: bool, **options: Any) -> int:
    """Reach GOAL now and report.

    \b
    autoclave run "make the failing tests pass" --workspace .
    autoclave run "make the failing tests pass" -w . --yes-up-to R1 --json

    autoclave run "add a --verbose option" -w . --dry-run

    The change is shown and asked for before it is written. Without a terminal the question is
    kept and the command ends with 11.
    """
    output = invocation.output
    spec = goal_spec(**options)
    if dry_run:
        found = invocation.call(lambda control: control.preview_goal(spec))
        output.data(found, preview)
        return RUN_ENDS["unserved"] if found["refused"] else RUN_ENDS["done"]
    ask = _asker(invocation) if output.may_ask else None
    listener = progress_to(output, quiet=quiet)
    try:
        run = invocation.call(
            lambda control: control.run_goal(spec, by=person(), ask=ask, listener=listener)
        )
    except Stopped:
        output.note("it goes on with `autoclave serve`; `autoclave goal list` shows its id")
        raise
    output.data(run, lambda r: report(r, color=output.color))
    if run["exit"] == "waiting":
        output.note(f"a person has to answer: autoclave goal show {run['id']}")
    if run["exit"] == "later":
        output.note(f"it goes on at {moment(run['goes_on_at'])}, when `autoclave serve` does it")
    return RUN_ENDS[run["exit"]]


def _asker(invocation: Invocation) -> Any:
    from ...service.goals import Answer

    output = invocation.output

    async def ask(asked: JsonObject) -> Answer:
        color = output.note_color
        yes = await ask_yes_no(
            output,
            question(asked, color=color, most_lines=60),
            details=lambda: question(asked, color=color, most_lines=5000),
        )
        signed = await _sign(invocation, asked["sheet"]) if yes and "sheet" in asked else None
        return Answer(yes=yes, by=person(), signed=signed)

    return ask


async def _sign(invocation: Invocation, sheet: Sheet) -> Approval:
    from ..signing import Keyring

    return await Keyring(output=invocation.output, home=invocation.home().root).sign(sheet)
