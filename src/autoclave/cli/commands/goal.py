"""`autoclave goal …`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import click

from ...domain.canonical import JsonObject
from ...domain.errors import InvalidInput
from ...domain.run import RunStatus
from ...domain.text import show_line
from ...service.batch import check_batch
from ..exits import ExitCode
from ..goal_options import goal_options, goal_spec
from ..invocation import Invocation, person
from ..options import common_options
from ..render import goals

if TYPE_CHECKING:
    from ...domain.approval import Approval
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
def budget(invocation: Invocation, /, goal: str, **options: float | None) -> None:
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
@click.argument("wanted", metavar="ID...", nargs=-1, required=True)
@click.argument("answer", metavar="yes|no", type=click.Choice(["yes", "no"]))
@click.option(
    "--hash",
    "proofs",
    metavar="H",
    multiple=True,
    help="What the yes is for, as `goal show` prints it; one for each ID.",
)
@click.option("--reason", default="", help="Why; it is learned from.")
@click.option("--owner", default="", metavar="NAME", help="Which of your keys signs.")
@common_options()
@click.pass_obj
def answer(
    invocation: Invocation,
    wanted: tuple[str, ...],
    answer: str,
    proofs: tuple[str, ...],
    reason: str,
    owner: str,
) -> int:
    """Answer what a goal asks; `autoclave serve` goes on with it.

    A yes needs the hash of what it is for. Without it, that is shown and the command ends with 9.
    From R4 on it is signed with your owner's key. Several goals at once go only at R1.
    """
    yes = answer == "yes"
    if yes and not proofs:
        asking = invocation.call(_looking(wanted))
        if any(each["question"] for each in asking):
            color = invocation.output.color
            _data(invocation, asking, lambda data: goals.goal(data, color=color))
            return ExitCode.STALE
    answering = _Answering(invocation, yes=yes, reason=reason, owner=owner)
    done = invocation.call(lambda control: answering.all(control, wanted, proofs))
    _data(invocation, done, _standing)
    return ExitCode.WAITING if any(each.get("waits_for") for each in done) else ExitCode.FINE


def _looking(wanted: tuple[str, ...]) -> Callable[[Control], Awaitable[list[JsonObject]]]:
    async def work(control: Control) -> list[JsonObject]:
        return [await control.goal(each) for each in wanted]

    return work


class _Answering:
    """One answer to what one goal asks, or to what several do."""

    def __init__(self, invocation: Invocation, *, yes: bool, reason: str, owner: str) -> None:
        self._invocation = invocation
        self._yes = yes
        self._reason = reason
        self._owner = owner

    async def all(
        self, control: Control, wanted: tuple[str, ...], proofs: tuple[str, ...]
    ) -> list[JsonObject]:
        found = [await control.goal(each) for each in wanted]
        if self._yes:
            risks = [(each["question"] or {}).get("risk", "") for each in found]
            check_batch([{"id": g, "risk": r} for g, r in zip(wanted, risks, strict=True)])
        hashes = proofs or ("",) * len(found)
        if len(hashes) != len(found):
            raise InvalidInput(f"{len(found)} goals take as many hashes, not {len(hashes)}")
        return [await self._one(control, g, h) for g, h in zip(found, hashes, strict=True)]

    async def _one(self, control: Control, found: JsonObject, proof: str) -> JsonObject:
        goal, asked = found["id"], found["question"] or {}
        digest = _whole_digest(proof, asked)
        signed = None
        if self._yes and asked.get("must_sign") and digest == asked["digest"]:
            signed = await self._sign(control, goal, digest)
        waits_for = await control.answer_goal(
            goal, self._yes, digest=digest, reason=self._reason, by=person(), signed=signed
        )
        return {**await control.goal(goal), "waits_for": waits_for or ""}

    async def _sign(self, control: Control, goal: str, digest: str) -> Approval | None:
        from ..signing import Keyring

        sheet = await control.goal_sheet(goal)
        if sheet.digest != digest:
            return None  # it asks something else by now, and Control will say so
        home = self._invocation.signed_home()
        keyring = Keyring(output=self._invocation.output, home=home, wanted=self._owner)
        return await keyring.sign(sheet)


def _data(
    invocation: Invocation, found: list[JsonObject], human: Callable[[JsonObject], str]
) -> None:
    """One object for one goal, as always; several below `goals`."""
    if len(found) == 1:
        invocation.output.data(found[0], human)
        return
    invocation.output.data({"goals": found}, lambda data: "\n".join(map(human, data["goals"])))


def _standing(goal: JsonObject) -> str:
    waits_for = goal.get("waits_for")
    missing = f": the yes waits for {show_line(waits_for)}" if waits_for else ""
    return f"{show_line(goal['id'])} is {show_line(goal['status'])}{missing}"


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
