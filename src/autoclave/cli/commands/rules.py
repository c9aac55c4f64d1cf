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
    with invocation.control() as control:
        found = control.explain(action)
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
    ruling = found.get("ruling") or {}
    lines = [
        fields(
            {
                "verdict": ruling.get("verdict"),
                "risk": ruling.get("risk"),
                "by": ", ".join(ruling.get("rules") or ()),
                "reason": ruling.get("reason"),
            }
        ),
        "",
    ]
    for rule in found.get("rules") or ():
        matched = "matched" if rule.get("matched") else "no match"
        said = verdict(str(rule.get("verdict") or ""), color=color, width=6)
        name = show_line(str(rule.get("id") or rule.get("rule") or ""))
        lines.append(
            f"{said} {matched:<9} {name}  {show_line(str(rule.get('why') or ''))}".rstrip()
        )
    return "\n".join(lines)
