"""`autoclave init`."""

from __future__ import annotations

from pathlib import Path

import click

from ...domain.text import show_line
from ...service.home import init_home
from ...service.trust import trust
from ..invocation import Invocation
from ..options import common_options


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@common_options()
@click.pass_obj
def command(invocation: Invocation, folder: Path) -> None:
    """Make DIR a home: rules, capabilities and mind of its own.

    An existing home gets what it lacks; nothing is overwritten.
    """
    made = init_home(folder)
    trust(made.home.root)
    report = {
        "home": str(made.home.root),
        "added": list(made.added),
        "kept": list(made.kept),
    }
    invocation.output.data(report, lambda r: _text(r["home"], r["added"], r["kept"]))


def _text(home: str, added: list[str], kept: list[str]) -> str:
    lines = [f"{show_line(home)} is a home for Autoclave."]
    if added:
        lines.append(f"  added: {', '.join(added)}")
    if kept:
        lines.append(f"  left as it was: {', '.join(kept)}")
    lines.append(f"  next: cd {show_line(home)} && autoclave doctor")
    return "\n".join(lines)
