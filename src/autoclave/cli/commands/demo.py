"""`autoclave demo`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import click

from ...domain.canonical import JsonObject
from ..asking import ask_yes_no
from ..invocation import Invocation
from ..options import common_options
from ..output import Output
from ..render.demo import chapter, summary
from ..render.proposals import proposal
from ..signals import run_stoppable


@click.command()
@click.option("--yes", is_flag=True, help="Approve the change that it finds without asking.")
@common_options()
@click.pass_obj
def command(invocation: Invocation, yes: bool) -> None:
    """See the whole loop on real code: no key, no network, under a minute.

    It works in a home and a folder of its own, which are removed at the end. Nothing of yours is
    read or changed.
    """
    from ...service.demo import run_demo
    from ..signing import throw_away_key

    output = invocation.output
    approve = _asker(output) if output.may_ask and not yes else _on_your_behalf(output)
    facts = run_stoppable(
        lambda: run_demo(
            invocation.opener, owner=throw_away_key, approve=approve, tell=_teller(output)
        ),
        output.note,
    )
    output.data(facts, lambda data: summary(data, color=output.color))


def _teller(output: Output) -> Callable[[str, JsonObject], None]:
    def tell(name: str, facts: JsonObject) -> None:
        said = "" if output.as_json else chapter(name, facts, color=output.note_color)
        if said:
            output.note(said)

    return tell


def _asker(output: Output) -> Callable[[JsonObject], Awaitable[bool]]:
    async def ask(waiting: JsonObject) -> bool:
        return await ask_yes_no(
            output,
            "\nMay it change itself so? (In the throw-away home of this demo only.)",
            details=lambda: proposal(waiting, color=output.note_color),
        )

    return ask


def _on_your_behalf(output: Output) -> Callable[[JsonObject], Awaitable[bool]]:
    async def say_yes(waiting: JsonObject) -> bool:
        output.note(
            f"\nThe demo approves {waiting['id']} on your behalf, in its throw-away home.\n"
        )
        return True

    return say_yes
