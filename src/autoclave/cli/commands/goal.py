"""`autoclave goal …`."""

from __future__ import annotations

from typing import Any

import click

from ...domain.canonical import JsonObject
from ...domain.run import RunStatus
from ..goal_options import goal_options, goal_spec
from ..invocation import Invocation, person
from ..options import common_options
from ..render import goals


@click.group()
def command() -> None:
    """Queue goals, look at them, answer their questions."""


@command.command()
@goal_options
@common_options()
@click.pass_obj
def add(invocation: Invocation, /, **options: Any) -> None:
    """Queue GOAL; `autoclave serve` works on it."""
    with invocation.control() as control:
        _say(invocation, control.add_goal(goal_spec(**options)))


@command.command("list")
@click.option(
    "--status",
    type=click.Choice([status.value for status in RunStatus]),
    help="Only those that stand so.",
)
@common_options()
@click.pass_obj
def list_goals(invocation: Invocation, status: str | None) -> None:
    """All goals, newest last."""
    with invocation.control() as control:
        found = control.goals(status)
    invocation.output.data({"goals": found}, lambda data: goals.goal_list(data["goals"]))


@command.command()
@click.argument("goal", metavar="ID")
@common_options()
@click.pass_obj
def show(invocation: Invocation, goal: str) -> None:
    """One goal: its plan, where it stands, what it asks."""
    with invocation.control() as control:
        found = control.goal(goal)
    color = invocation.output.color
    invocation.output.data(found, lambda data: goals.goal(data, color=color))


@command.command()
@click.argument("goal", metavar="ID")
@click.option("--reason", default="", help="Why; kept in the history.")
@common_options()
@click.pass_obj
def pause(invocation: Invocation, goal: str, reason: str) -> None:
    """Set a goal aside until it is resumed."""
    with invocation.control() as control:
        control.pause_goal(goal, reason)
        _say(invocation, control.goal(goal))


@command.command()
@click.argument("goal", metavar="ID")
@common_options()
@click.pass_obj
def resume(invocation: Invocation, goal: str) -> None:
    """Let a paused or parked goal go on."""
    with invocation.control() as control:
        control.resume_goal(goal)
        _say(invocation, control.goal(goal))


@command.command()
@click.argument("goal", metavar="ID")
@click.option("--reason", default="", help="Why; kept in the history.")
@common_options()
@click.pass_obj
def cancel(invocation: Invocation, goal: str, reason: str) -> None:
    """End a goal for good."""
    with invocation.control() as control:
        control.cancel_goal(goal, reason)
        _say(invocation, control.goal(goal))


@command.command()
@click.argument("goal", metavar="ID")
@common_options()
@click.pass_obj
def retry(invocation: Invocation, goal: str) -> None:
    """Try an ended goal again from the start."""
    with invocation.control() as control:
        control.retry_goal(goal)
        _say(invocation, control.goal(goal))


@command.command()
@click.argument("goal", metavar="ID")
@click.argument("answer", metavar="yes|no", type=click.Choice(["yes", "no"]))
@click.option("--hash", "proof", default="", help="What the yes is for, as `goal show` prints it.")
@click.option("--reason", default="", help="Why; it is learned from.")
@common_options()
@click.pass_obj
def answer(invocation: Invocation, goal: str, answer: str, proof: str, reason: str) -> None:
    """Answer what a goal asks. A yes to a change needs its hash."""
    with invocation.control() as control:
        asked = control.goal(goal).get("question") or {}
        proof = _whole_digest(proof, asked)
        control.answer_goal(goal, answer == "yes", digest=proof, reason=reason, by=person())
        _say(invocation, control.goal(goal))


def _whole_digest(said: str, asked: JsonObject) -> str:
    """The digest that a long enough beginning names; anything else is left for Control to judge."""
    digest = str(asked.get("digest") or "")
    return digest if len(said) >= 8 and digest.startswith(said) else said


def _say(invocation: Invocation, goal: JsonObject) -> None:
    invocation.output.data(goal, lambda data: f"{data['id']} is {data['status']}")
