"""`autoclave secret …`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from ...domain.canonical import JsonObject
from ...domain.errors import InvalidInput
from ...domain.text import show_line
from ..asking import ask_hidden
from ..invocation import Invocation
from ..options import common_options
from ..output import Output
from ..render.paint import moment

if TYPE_CHECKING:
    from ...service.control import Control

_LONGEST = 16_384


@click.group()
def command() -> None:
    """Keys that the kernel puts into requests; never shown."""


@command.command("set")
@click.argument("name")
@click.option("--host", required=True, metavar="HOST", help="The only one that it is sent to.")
@click.option("--header", default="Authorization", show_default=True, help="Where it stands.")
@click.option("--prefix", default="", help="What stands before it, such as 'Bearer '.")
@common_options()
@click.pass_obj
def set_secret(invocation: Invocation, name: str, host: str, header: str, prefix: str) -> None:
    """Keep a secret. It is asked for at the terminal, or read from standard input.

    \b
    autoclave secret set GITHUB --host api.github.com --prefix 'Bearer ' < token.txt
    """

    async def work(control: Control) -> JsonObject:
        value = await _value(invocation.output, name)
        return await control.set_secret(name, value, host=host, header=header, prefix=prefix)

    kept = invocation.call(work)
    invocation.output.data(kept, lambda data: f"kept: {_line(data)}")


@command.command("list")
@common_options()
@click.pass_obj
def list_secrets(invocation: Invocation) -> None:
    """Their names, and where each of them may go."""
    found = invocation.call(lambda control: control.secrets())
    invocation.output.data({"secrets": found}, _text)


@command.command()
@click.argument("name")
@common_options()
@click.pass_obj
def remove(invocation: Invocation, name: str) -> None:
    """Forget one."""
    found = invocation.call(lambda control: control.remove_secret(name))
    invocation.output.data(found, lambda data: f"{show_line(data['name'])} is forgotten")


async def _value(output: Output, name: str) -> str:
    if output.may_ask:
        return await ask_hidden(output, f"the value of {show_line(name)}: ")
    if sys.stdin.isatty():
        raise InvalidInput("nobody is to be asked, and nothing comes from standard input")
    text = sys.stdin.read(_LONGEST + 1)
    if len(text) > _LONGEST:
        raise InvalidInput("the value is longer than any secret")
    return text.strip("\r\n")


def _text(data: JsonObject) -> str:
    lines = [_line(each) for each in data["secrets"]]
    return "\n".join(lines) or "no secrets: autoclave secret set NAME --host HOST"


def _line(each: JsonObject) -> str:
    header = show_line(f"{each['header']}: {each['prefix']}…")
    place = f"{show_line(each['name'])}  to {show_line(each['host'])} in {header}"
    return f"{place}  since {moment(each['set_at'])}"
