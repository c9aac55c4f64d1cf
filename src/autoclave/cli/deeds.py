"""Deeds that an owner signs: shown, asked for where that is wanted, signed and handed in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import click

from ..domain.canonical import JsonObject
from .asking import ask_yes_no
from .exits import ExitCode
from .invocation import Invocation
from .render import deeds

if TYPE_CHECKING:
    from ..domain.approval import Approval, Sheet
    from ..service.control import Control

GetSheet = Callable[["Control"], Awaitable["Sheet"]]
Do = Callable[["Control", "Approval"], Awaitable[JsonObject]]


def sign_and_do(
    invocation: Invocation,
    sheet_of: GetSheet,
    do: Do,
    *,
    human: Callable[[JsonObject], str],
    owner: str,
    question: str = "",
) -> int:
    """Have it done with the person's signature; 11 while it waits for another yes."""
    from .signing import Keyring

    output = invocation.output
    keyring = Keyring(output=output, home=invocation.signed_home(), wanted=owner)

    async def work(control: Control) -> JsonObject:
        sheet = await sheet_of(control)
        shown = deeds.deed(sheet)
        output.note(shown)
        if question and not await ask_yes_no(output, question, details=lambda: shown):
            raise click.Abort
        return await do(control, await keyring.sign(sheet))

    done = invocation.call(work)
    if done.get("waits_for"):
        output.data(done, deeds.standing)
        return ExitCode.WAITING
    output.data(done, human)
    return ExitCode.FINE
