"""`autoclave pattern …`."""

from __future__ import annotations

import click

from ...domain.knowledge import PatternKind
from ..invocation import Invocation, person
from ..options import common_options
from ..render.knowledge import pattern, pattern_list


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
