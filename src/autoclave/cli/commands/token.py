"""`autoclave token …`."""

from __future__ import annotations

import re

import click

from ...domain.canonical import JsonObject
from ...domain.text import show_line
from ...service.tokens import Role, TokenStore
from ..invocation import Invocation, person
from ..options import common_options
from ..render.paint import moment, table

_UNITS = {"m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}


@click.group()
def command() -> None:
    """Who may come in over HTTP, and to do how much."""


@command.command()
@click.argument("name", metavar="NAME")
@click.option(
    "--role",
    required=True,
    type=click.Choice([role.value for role in Role]),
    help="viewer looks; operator gives and steers work; approver says yes.",
)
@click.option("--expires", default="", metavar="TIME", help="After 12h, 30d, 8w; else never.")
@common_options()
@click.pass_obj
def create(invocation: Invocation, name: str, role: str, expires: str) -> None:
    """Make a token for somebody or something. It is shown now and never again.

    It never replaces an owner's key: what takes a signature takes one over HTTP too.
    """
    store = _store(invocation)
    lasts = _seconds(expires) if expires else None
    token, text = store.create(name, Role(role), by=person(), lasts_seconds=lasts)
    made: JsonObject = {
        "name": token.name,
        "role": str(token.role),
        "expires_at": token.expires_at,
        "token": text,
    }
    invocation.output.data(made, lambda data: show_line(data["token"]))
    invocation.output.note("keep it now: only its hash is stored, and nobody can show it again")


@command.command("list")
@common_options()
@click.pass_obj
def list_tokens(invocation: Invocation) -> None:
    """Every token: whose it is, what it may, until when, and when it was used last."""
    found = _store(invocation).list()
    invocation.output.data({"tokens": found}, lambda data: _listed(data["tokens"]))


@command.command()
@click.argument("name", metavar="NAME")
@common_options()
@click.pass_obj
def revoke(invocation: Invocation, name: str) -> None:
    """Make a token worthless at once; streams that it has open are closed."""
    found = _store(invocation).revoke(name)
    invocation.output.data(found, lambda data: show_line(f"{data['name']} is revoked"))


def _store(invocation: Invocation) -> TokenStore:
    home = invocation.home()
    home.prepare()
    return TokenStore(home.runtime)


def _seconds(text: str) -> float:
    found = re.fullmatch(r"([1-9][0-9]{0,5})([mhdw])", text)
    if found is None:
        raise click.BadParameter("is a number and m, h, d or w: 12h, 30d", param_hint="--expires")
    return float(found[1]) * _UNITS[found[2]]


def _listed(tokens: list[JsonObject]) -> str:
    rows = [
        [
            each["name"],
            each["role"],
            moment(each["created_at"]),
            _until(each),
            moment(each["last_used_at"]) if each["last_used_at"] else "never",
        ]
        for each in tokens
    ]
    empty = (
        "No tokens: nobody gets in over HTTP. Make one: autoclave token create NAME --role viewer"
    )
    return table(["name", "role", "made", "until", "last used"], rows, empty=empty)


def _until(token: JsonObject) -> str:
    if token["expires_at"] is None:
        return "no end"
    return f"{moment(token['expires_at'])}{' (expired)' if token['expired'] else ''}"
