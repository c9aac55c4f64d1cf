"""`autoclave config …`."""

from __future__ import annotations

import click

from ...domain.canonical import JsonObject
from ..exits import ExitCode
from ..invocation import Invocation
from ..options import common_options
from ..render.paint import table


@click.group()
def command() -> None:
    """The settings in force and where each comes from."""


@command.command()
@common_options()
@click.pass_obj
def show(invocation: Invocation) -> None:
    """Every setting, its value and its origin."""
    invocation.output.data({"settings": _rows()}, _table)


@command.command()
@common_options()
@click.pass_obj
def check(invocation: Invocation) -> int:
    """Load settings and safety rules as a run would; ends with 4 or 6 when something is wrong."""
    from ...settings import unknown_variables

    rows = _rows()
    unknown = unknown_variables()
    with invocation.control():
        pass  # opening it loads the rules and every manifest, and raises when one is wrong
    report = {"ok": not unknown, "unknown_variables": unknown, "settings": rows}
    invocation.output.data(report, _verdict)
    return ExitCode.FINDINGS if unknown else ExitCode.FINE


def _rows() -> list[JsonObject]:
    from ...settings import load_settings

    return load_settings().to_rows()


def _table(data: JsonObject) -> str:
    rows = [[row["name"], row["value"], row["origin"]] for row in data["settings"]]
    return table(["setting", "value", "from"], rows, empty="There are no settings.")


def _verdict(data: JsonObject) -> str:
    if data["ok"]:
        return "Settings and safety rules are fine."
    names = ", ".join(data["unknown_variables"])
    return f"These environment variables are not settings of Autoclave: {names}"
