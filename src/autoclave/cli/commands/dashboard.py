"""`autoclave dashboard`."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import click

from ...domain.errors import InvalidInput
from ..invocation import Invocation, person
from ..options import common_options

if TYPE_CHECKING:
    from ...dashboard.door import Door
    from ...dashboard.signature import Sign
    from ...domain.approval import Approval, Sheet


@click.command()
@click.option("--ascii", "is_ascii", is_flag=True, help="Draw with ASCII characters alone.")
@click.option("--light", "scheme", flag_value="light", help="Dark text on a light ground.")
@click.option("--dark", "scheme", flag_value="dark", help="Light text on a dark ground.")
@click.option("--owner", default="", metavar="NAME", help="Which of your keys signs.")
@common_options()
@click.pass_obj
def command(
    invocation: Invocation, is_ascii: bool, scheme: Literal["light", "dark"] | None, owner: str
) -> int:
    """Watch and steer the agent in this terminal.

    It is a process of its own: the agent goes on when it ends, and it stays when the agent ends.
    Press ? for the keys, Ctrl+P for all commands, q to leave.
    """
    if invocation.output.as_json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise InvalidInput(
            "the dashboard needs a terminal to draw on",
            hint="autoclave status --watch is the plain one",
        )
    with invocation.output.curtain():
        from ...dashboard.launch import Look, run_dashboard

    color = not invocation.output.no_color
    look = Look(ascii=is_ascii, color=color, scheme=scheme or "auto")
    return run_dashboard(
        _door(invocation),
        look,
        me=person(),
        sign=_signing(invocation, owner, may_ask=False),
        sign_aside=_signing(invocation, owner, may_ask=True),
        rings=_rings,
        drafts=None if invocation.url else invocation.home().runtime / "reviews.json",
    )


def _door(invocation: Invocation) -> Door:
    from ...dashboard.launch import local_door, remote_door

    if invocation.url:
        from ..remote_token import read_token

        return remote_door(invocation.url, read_token(invocation.token_file))
    return local_door(invocation.home())


def _signing(invocation: Invocation, owner: str, *, may_ask: bool) -> Sign:
    """Signs with the person's key; one that wants a passphrase needs the terminal for itself."""

    async def sign(sheet: Sheet) -> Approval:
        from ...dashboard.signature import TerminalNeeded
        from ..signing import Keyring, PassphraseNeeded

        output = replace(invocation.output, no_input=not may_ask)
        keyring = Keyring(output=output, home=invocation.signed_home(), wanted=owner)
        try:
            return await keyring.sign(sheet)
        except PassphraseNeeded as error:
            raise TerminalNeeded(error.message, hint=error.hint) from error

    return sign


def _rings() -> bool:
    """Read when something first starts to wait: the settings are no part of the start."""
    from ...settings import load_settings

    return load_settings().settings.bell
