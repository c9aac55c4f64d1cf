"""`autoclave dashboard`."""

from __future__ import annotations

import sys
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from ...domain.errors import InvalidInput
from ..invocation import Invocation, person
from ..options import common_options
from ..signals import run_until_stopped

if TYPE_CHECKING:
    import asyncio

    from ...dashboard.door import Door
    from ...dashboard.signature import Sign
    from ...domain.approval import Approval, Sheet


@click.command()
@click.option("--ascii", "is_ascii", is_flag=True, help="Draw with ASCII characters alone.")
@click.option("--light", "scheme", flag_value="light", help="Dark text on a light ground.")
@click.option("--dark", "scheme", flag_value="dark", help="Light text on a dark ground.")
@click.option("--owner", default="", metavar="NAME", help="Which of your keys signs.")
@click.option("--web", is_flag=True, help="Show it to browsers on this machine that have a token.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8322,
    show_default=True,
    metavar="N",
    help="Where --web answers; 0 for any port that is free.",
)
@click.option("--mirror", is_flag=True, hidden=True, help="Frames and keys as JSON lines.")
@common_options()
@click.pass_obj
def command(
    invocation: Invocation,
    is_ascii: bool,
    scheme: Literal["light", "dark"] | None,
    owner: str,
    web: bool,
    port: int,
    mirror: bool,
) -> int:
    """Watch and steer the agent in this terminal, or with --web in a browser.

    It is a process of its own: the agent goes on when it ends, and it stays when the agent ends.
    Press ? for the keys, Ctrl+P for all commands, q to leave. In a browser it does what the token
    may do, and signs nothing.
    """
    if web:
        return _serve(invocation, port)
    if mirror:
        return _mirror(invocation)
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


def _serve(invocation: Invocation, port: int) -> int:
    """Every browser gets a process of its own that mirrors a dashboard."""
    from ...api.web_dashboard import serve_dashboard
    from ...settings import load_settings

    home = invocation.home()
    words = ("-P", "-m", "autoclave", "dashboard", "--mirror", "--home", str(home.root))

    def work(stop: asyncio.Event) -> Coroutine[Any, Any, None]:
        return serve_dashboard(
            home,
            stop,
            command=(sys.executable, *words),
            port=port,
            names=load_settings().settings.names_of_the_api,
            note=invocation.output.note,
        )

    run_until_stopped(work, invocation.output.note)
    return 0


def _mirror(invocation: Invocation) -> int:
    from ...dashboard.launch import local_door
    from ...dashboard.mirror import run_mirror
    from ...settings import load_settings

    folders = tuple(map(Path, load_settings().settings.workspaces_of_the_api))
    return run_mirror(local_door(invocation.home()), workspaces=folders)


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
