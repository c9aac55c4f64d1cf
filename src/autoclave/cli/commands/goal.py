"""`autoclave goal …`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import click

from ...domain.canonical import JsonObject
from ...domain.run import RunStatus
from ..exits import ExitCode
from ..goal_options import goal_options, goal_spec
from ..invocation import Invocation, person
from ..options import common_options
from ..render import goals

if TYPE_CHECKING:
    from ...service.control import Control


@click.group()
def command() -> None:
    """Queue goals, look at them, answer their questions."""


@command.command()
@goal_options
@common_options()
@click.pass_obj
def add(invocation: Invocation, /, **options: Any) -> None:
    """Queue GOAL; `autoclave serve` works on it."""
    spec = goal_spec(**options)
    _say(invocation, invocation.call(lambda control: control.add_goal(spec, by=person())))


@command.command("list")
@click.option(
    "--status",
    type=click.Choice([status.value for status in RunStatus]),
    help="Only those that stand so.",
)
@common_options()
@click.pass_obj
def list_goals(invocation: Invocation, status: str | None) -> None:
    """All goals, the most urgent first."""
    found = invocation.call(lambda control: control.goals(status))
    invocation.output.data({"goals": found}, lambda data: goals.goal_list(data["goals"]))


@command.command()
@click.argument("goal", metavar="ID")
@common_options()
@click.pass_obj
def show(invocation: Invocation, goal: str) -> None:
    """One goal: its plan, where it stands, what it asks."""
    found = invocation.call(lambda control: control.goal(goal))
    color = invocation.output.color
    invocation.output.data(found, lambda data: goals.goal(data, color=color))


@command.command()
@click.argument("goal", metavar="ID")
@click.option("--reason", default="", help="Why; kept in the history.")
@common_options()
@click.pass_obj
def pause(invocation: Invocation, goal: str, reason: str) -> None:
    """Set a goal aside until it is resumed."""
    _change(invocation, goal, lambda control: control.pause_goal(goal, reason, by=person()))


@command.command()
@click.argument("goal", metavar="ID")
@click.option("--reason", default="", help="Why; needed where refusals or alarms set it aside.")
@common_options()
@click.pass_obj
def resume(invocation: Invocation, goal: str, reason: str) -> None:
    """Let a paused or parked goal go on."""
    _change(invocation, goal, lambda control: control.resume_goal(goal, reason, by=person()))


@command.command()
@click.argument("goal", metavar="ID")
@click.option("--reason", default="", help="Why; kept in the history.")
@common_options()
@click.pass_obj
def cancel(invocation: Invocation, goal: str, reason: str) -> None:
    """End a goal for good."""
    _change(invocation, goal, lambda control: control.cancel_goal(goal, reason, by=person()))


@command.command()
@click.argument("goal", metavar="ID")
@click.option("--add-usd", type=float, metavar="USD", help="Money for language models.")
@click.option("--add-steps", type=int, metavar="N", help="Steps.")
@click.option("--add-seconds", type=float, metavar="S", help="Seconds of work.")
@click.option("--add-tokens", type=int, metavar="N", help="Tokens of language models.")
@common_options()
@click.pass_obj
def budget(invocation: Invocation, goal: str, /, **options: float | None) -> None:
    """Give a goal more to spend; one that was parked for its budget goes on."""
    given = {name.removeprefix("add_"): each for name, each in options.items() if each is not None}
    _change(invocation, goal, lambda control: control.add_budget(goal, given, by=person()))


@command.command()
@click.argument("goal", metavar="ID")
@common_options()
@click.pass_obj
def retry(invocation: Invocation, goal: str) -> None:
    """Try an ended goal again from the start."""
    _change(invocation, goal, lambda control: control.retry_goal(goal, by=person()))


@command.command()
@click.argument("goal", metavar="ID")
@click.argument("answer", metavar="yes|no", type=click.Choice(["yes", "no"]))
@click.option("--hash", "proof", help="What the yes is for, as `goal show` prints it.")
@click.option("--reason", default="", help="Why; it is learned from.")
@common_options()
@click.pass_obj
def answer(invocation: Invocation, goal: str, answer: str, proof: str | None, reason: str) -> int:
    """Answer what a goal asks; `autoclave serve` goes on with it.

    A yes needs the hash of what it is for. Without it, that is shown and the command ends with 9.
    """
    yes = answer == "yes"

    async def work(control: Control) -> JsonObject:
        found = await control.goal(goal)
        asked = found["question"]
        if yes and proof is None and asked:
            return found
        digest = _whole_digest(proof or "", asked or {})
        await control.answer_goal(goal, yes, digest=digest, reason=reason, by=person())
        return await control.goal(goal)

    found = invocation.call(work)
    if yes and proof is None:
        color = invocation.output.color
        invocation.output.data(found, lambda data: goals.goal(data, color=color))
        return ExitCode.STALE
    _say(invocation, found)
    return ExitCode.FINE


def _whole_digest(said: str, asked: JsonObject) -> str:
    """The digest that a long enough beginning names; all else is left for Control to judge."""
    digest = str(asked.get("digest") or "")
    return digest if len(said) >= 8 and digest.startswith(said) else said


def _change(
    invocation: Invocation, goal: str, change: Callable[[Control], Awaitable[None]]
) -> None:
    """Change a goal and say how it stands then."""

    async def work(control: Control) -> JsonObject:
        await change(control)
        return await control.goal(goal)

    _say(invocation, invocation.call(work))


def _say(invocation: Invocation, goal: JsonObject) -> None:
    invocation.output.data(goal, lambda data: f"{data['id']} is {data['status']}")
