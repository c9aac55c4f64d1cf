"""`autoclave owner …`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ...domain.canonical import JsonObject
from ...domain.errors import CredentialMissing, InvalidInput
from ..asking import ask_hidden
from ..exits import ExitCode
from ..invocation import Invocation, person
from ..options import common_options
from ..output import Output
from ..render import owners

if TYPE_CHECKING:
    from ...domain.owners import Change
    from ...service.control import Control


@click.group()
def command() -> None:
    """Who may approve: keys, and the people who have them."""


@command.command()
@click.option("--name", default="", metavar="NAME", help="Whose it is; else your login name.")
@click.option("--passphrase", is_flag=True, help="Encrypt the key; asked for at the terminal.")
@common_options()
@click.pass_obj
def create(invocation: Invocation, name: str, passphrase: bool) -> int:
    """Make your key, outside every home, and own this home if nobody does yet."""
    from ..owning import make_owner, own_key

    async def work(control: Control) -> JsonObject:
        new = passphrase and not own_key(name).path.exists()
        secret = await _new_passphrase(invocation.output) if new else ""
        return await make_owner(control, by=person(), name=name, passphrase=secret)

    made = invocation.call(work)
    invocation.output.data(made, owners.made)
    return ExitCode.FINE if made["owns"] else ExitCode.WAITING


@command.command("list")
@common_options()
@click.pass_obj
def list_owners(invocation: Invocation) -> None:
    """Who owns this home, which keys are on this machine, which changes wait for a yes."""
    from ..signing import key_files

    found = invocation.call(lambda control: control.owners())
    here = {each.public(): str(each.path) for each in key_files()}
    for owner in found["owners"]:
        owner["file"] = here.get(owner["key"], "")
    invocation.output.data(found, owners.owner_list)


@command.command()
@click.argument("name", metavar="NAME")
@click.argument("key", metavar="PUBLICKEY")
@click.option("--owner", default="", metavar="NAME", help="Which of your keys signs.")
@common_options()
@click.pass_obj
def add(invocation: Invocation, name: str, key: str, owner: str) -> int:
    """Let somebody else own this home too; they print their key with `autoclave owner create`.

    It takes two owners, or a single one twice with 24 hours between: until then it ends with 11.
    """
    return _change(invocation, "add", name, key.lower(), owner)


@command.command()
@click.argument("name", metavar="NAME")
@click.option("--owner", default="", metavar="NAME", help="Which of your keys signs.")
@common_options()
@click.pass_obj
def remove(invocation: Invocation, name: str, owner: str) -> int:
    """Take an owner out. It takes two owners; what they signed and is not applied yet dies."""
    return _change(invocation, "remove", name, "", owner)


def _change(invocation: Invocation, change: Change, name: str, key: str, owner: str) -> int:
    from ..signing import Keyring

    keyring = Keyring(output=invocation.output, home=invocation.home().root, wanted=owner)

    async def work(control: Control) -> JsonObject:
        sheet = await control.owner_sheet(change, name, key)
        signed = await keyring.sign(sheet)
        return await control.change_owners(change, name, key, signed=signed, by=person())

    done = invocation.call(work)
    invocation.output.data(done, owners.owner_list)
    return ExitCode.FINE if done["done"] else ExitCode.WAITING


async def _new_passphrase(output: Output) -> str:
    if not output.may_ask:
        raise CredentialMissing(
            "a passphrase is asked for at a terminal, and there is none",
            hint="do it at a terminal, or make the key without one",
        )
    first = await ask_hidden(output, "a new passphrase: ")
    if not first:
        raise InvalidInput("an empty passphrase protects nothing")
    if first != await ask_hidden(output, "once more: "):
        raise InvalidInput("the two are not the same")
    return first
