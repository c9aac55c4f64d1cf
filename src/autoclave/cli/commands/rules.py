"""`autoclave rules …`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ...domain.canonical import JsonObject
from ...domain.errors import InvalidInput
from ...domain.text import show_line
from ..invocation import Invocation
from ..options import common_options
from ..render.paint import fields, verdict

_LARGEST = 1 << 20


@click.group()
def command() -> None:
    """The safety rules."""


@command.command()
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@common_options()
@click.pass_obj
def explain(invocation: Invocation, file: Path) -> None:
    """What the rules say about the action in FILE, rule by rule.

    \b
    echo '{"kind": "workspace.write", "target": "notes.txt"}' | autoclave rules explain -
    """
    action = _read(file)
    found = invocation.call(lambda control: control.explain(action))
    color = invocation.output.color
    invocation.output.data(found, lambda data: _text(data, color=color))


def _read(file: Path) -> JsonObject:
    try:
        with click.open_file(str(file), encoding="utf-8") as opened:
            text = opened.read(_LARGEST + 1)
        action = json.loads(text)
    except OSError as error:
        raise InvalidInput(f"cannot read {file}: {error.strerror}") from error
    except ValueError as error:
        raise InvalidInput(f"{file} is not JSON: {error}") from error
    if not isinstance(action, dict):
        raise InvalidInput(f"{file} must hold a JSON object, not {type(action).__name__}")
    return action


def _text(found: JsonObject, *, color: bool) -> str:
    rulings = {
        "verdict": found["verdict"],
        "risk": found["risk"],
        "by": ", ".join(found["rules"]),
        "reason": found["reason"],
    }
    first_what_matched = sorted(found["explanation"], key=lambda rule: not rule["matched"])
    return "\n".join([fields(rulings), "", *(_rule(rule, color) for rule in first_what_matched)])


def _rule(rule: JsonObject, color: bool) -> str:
    effect = verdict(rule["effect"], color=color and rule["matched"], width=6)
    matched = "matches" if rule["matched"] else "does not"
    return f"{effect} {matched:<8} {show_line(rule['rule'])}: {show_line(rule['why'])}"
