"""`autoclave init`."""

from __future__ import annotations

from pathlib import Path

import click

from ...domain.canonical import JsonObject
from ...domain.text import show_line
from ...service.home import init_home
from ...service.trust import trust
from ..invocation import Invocation, person
from ..options import common_options


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@common_options()
@click.pass_obj
def command(invocation: Invocation, folder: Path) -> None:
    """Make DIR a home: rules, capabilities and mind of its own.

    An existing home gets what it lacks; nothing is overwritten. Your owner's key is made if you
    have none, and owns the home if it has no owner yet.
    """
    from ..owning import make_owner

    made = init_home(folder)
    trust(made.home.root)
    invocation.home_option = made.home.root
    owner = invocation.call(lambda control: make_owner(control, by=person()))
    report = {
        "home": str(made.home.root),
        "added": list(made.added),
        "kept": list(made.kept),
        "owner": owner,
    }
    invocation.output.data(report, lambda r: _text(r["home"], r["added"], r["kept"], r["owner"]))


def _text(home: str, added: list[str], kept: list[str], owner: JsonObject) -> str:
    lines = [f"{show_line(home)} is a home for Autoclave."]
    if added:
        lines.append(f"  added: {', '.join(added)}")
    if kept:
        lines.append(f"  left as it was: {', '.join(kept)}")
    if owner["enrolled"]:
        lines.append(f"  its owner: {show_line(owner['name'])}, key {show_line(owner['file'])}")
    lines.append(f"  next: cd {show_line(home)} && autoclave doctor")
    return "\n".join(lines)
