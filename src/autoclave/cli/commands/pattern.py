"""`autoclave pattern …`."""

from __future__ import annotations

import click

from ...domain.knowledge import PatternKind
from ..invocation import Invocation, person
from ..options import common_options
from ..render.knowledge import consolidated, pattern, pattern_list


@click.group()
def command() -> None:
    """What it has learned."""


@command.command("list")
@click.option("--kind", type=click.Choice([kind.value for kind in PatternKind]), help="Only those.")
@common_options()
@click.pass_obj
def list_patterns(invocation: Invocation, kind: str | None) -> None:
    """Every pattern with its evidence in numbers."""
    found = invocation.call(lambda control: control.patterns(kind))
    invocation.output.data({"patterns": found}, lambda data: pattern_list(data["patterns"]))


@command.command()
@click.argument("pattern_id", metavar="ID")
@common_options()
@click.pass_obj
def show(invocation: Invocation, pattern_id: str) -> None:
    """One pattern: when it holds, what it says, where it was seen."""
    found = invocation.call(lambda control: control.pattern(pattern_id))
    invocation.output.data(found, pattern)


@command.command()
@click.argument("pattern_id", metavar="ID")
@click.option("--reason", required=True, help="Why it is wrong; kept in the history.")
@common_options()
@click.pass_obj
def retire(invocation: Invocation, pattern_id: str, reason: str) -> None:
    """Do not use it any more."""
    found = invocation.call(lambda control: control.retire_pattern(pattern_id, reason, by=person()))
    invocation.output.data(found, lambda data: f"{data['id']} is {data['state']}")


@command.command()
@click.option(
    "--model", default="auto", metavar="NAME", help="Who writes: auto, claude, claude:NAME."
)
@click.option(
    "--budget",
    type=click.FloatRange(min=0.0, max=1e6),
    default=0.5,
    show_default=True,
    metavar="USD",
    help="The most that the questions may cost together.",
)
@click.option("--wait", is_flag=True, help="Stay until the answers are there; it may take hours.")
@click.option("--cancel", default="", metavar="ID", help="Give a batch up that is under way.")
@common_options()
@click.pass_obj
def consolidate(invocation: Invocation, model: str, budget: float, wait: bool, cancel: str) -> None:
    """Let a model put into words what patterns teach, in a batch at half the price.

    The answers are collected by the next call of this command, or by `autoclave serve`.
    """
    from ...service.lesson_desk import LessonWish

    wish = LessonWish(model=model, budget_usd=budget, wait=wait, cancel=cancel)
    found = invocation.call(lambda control: control.consolidate_patterns(wish))
    invocation.output.data(found, consolidated)
