"""`autoclave capability …`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ...domain.canonical import JsonObject
from ...domain.errors import InvalidInput
from ..deeds import sign_and_do
from ..exits import ExitCode
from ..invocation import Invocation, person
from ..options import common_options
from ..render.knowledge import capability, capability_list, capability_test
from ..render.paint import diff

_LARGEST_INPUT = 1 << 20


@click.group()
def command() -> None:
    """What it can do."""


@command.command("list")
@common_options()
@click.pass_obj
def list_capabilities(invocation: Invocation) -> None:
    """Every capability with how well it works."""
    found = invocation.call(lambda control: control.list_capabilities())
    invocation.output.data(
        {"capabilities": found}, lambda data: capability_list(data["capabilities"])
    )


@command.command()
@click.argument("name")
@common_options()
@click.pass_obj
def show(invocation: Invocation, name: str) -> None:
    """One capability: what goes in, what comes out, what it needs."""
    found = invocation.call(lambda control: control.capability(name))
    invocation.output.data(found, capability)


@command.command()
@click.argument("name")
@click.option("--inputs", default="{}", metavar="JSON", help="A JSON object, or @FILE, or @-.")
@click.option(
    "--workspace",
    "-w",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="The folder that it works on; it gets a copy.",
)
@common_options()
@click.pass_obj
def run(invocation: Invocation, name: str, inputs: str, workspace: Path | None) -> int:
    """Run one by itself, sealed, on a copy; nothing is written back."""
    given = _inputs(inputs)
    folder = None if workspace is None else workspace.absolute()
    result = invocation.call(lambda control: control.run_capability(name, given, folder))
    invocation.output.data(result, lambda data: _result(data, color=invocation.output.color))
    return ExitCode.FAILURE if result.get("failure") else ExitCode.FINE


@command.command()
@click.argument("name")
@common_options()
@click.pass_obj
def test(invocation: Invocation, name: str) -> int:
    """Run its examples and its tests, sealed; ends with 6 when one fails."""
    report = invocation.call(lambda control: control.test_capability(name))
    color = invocation.output.color
    invocation.output.data(report, lambda data: capability_test(data, color=color))
    return ExitCode.FINE if report["ok"] else ExitCode.FINDINGS


@command.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--owner", default="", metavar="NAME", help="Which of your keys signs.")
@common_options()
@click.pass_obj
def add(invocation: Invocation, folder: Path, owner: str) -> int:
    """Try the capability in FOLDER in the sandbox, then enrol it.

    You sign for exactly its bytes and what they need, with your owner's key.
    """
    place = folder.absolute()
    return sign_and_do(
        invocation,
        lambda control: control.capability_sheet(place),
        lambda control, yes: control.add_capability(place, signed=yes, by=person()),
        human=capability,
        owner=owner,
    )


def _inputs(text: str) -> JsonObject:
    try:
        if text.startswith("@"):
            with click.open_file(text[1:], encoding="utf-8") as file:
                text = file.read(_LARGEST_INPUT + 1)
        if len(text) > _LARGEST_INPUT:
            raise InvalidInput("the inputs are larger than 1 MB")
        value = json.loads(text)
    except OSError as error:
        raise InvalidInput(f"cannot read {text[1:]}: {error.strerror}") from error
    except ValueError as error:  # also what is not UTF-8
        raise InvalidInput(f"the inputs are not JSON: {error}") from error
    if not isinstance(value, dict):
        raise InvalidInput(f"the inputs must be a JSON object, not {type(value).__name__}")
    return value


def _result(result: JsonObject, *, color: bool) -> str:
    shown = json.dumps(result.get("outputs") or {}, indent=2, ensure_ascii=False)
    parts = [
        _failure(result["failure"]) if result.get("failure") else str(diff(shown, color=False))
    ]
    if result.get("diff"):
        parts += ["", diff(result["diff"], color=color)]
    return "\n".join(parts)


def _failure(failure: JsonObject) -> str:
    where = f" in {failure['where']}" if failure.get("where") else ""
    return f"failed: {diff(failure['error_class'] + ': ' + failure['message'], color=False)}{where}"
