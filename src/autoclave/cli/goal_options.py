"""The options that describe a goal, the same for `run` and `goal add`."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..domain.risk import Risk

if TYPE_CHECKING:
    from ..service.goals import GoalSpec

F = TypeVar("F", bound=Callable[..., Any])
_ALLOWABLE = [risk.name for risk in Risk if risk <= Risk.R3]


def goal_options(function: F) -> F:
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def goal_spec(
    *,
    text: str,
    workspace: Path | None,
    done: tuple[str, ...],
    model: str,
    model_name: str,
    budget: float | None,
    seconds: float | None,
    priority: int,
    yes_up_to: str,
) -> GoalSpec:
    from ..service.goals import GoalSpec

    return GoalSpec(
        text=text,
        workspace=None if workspace is None else workspace.absolute(),
        done=done,
        priority=priority,
        budget_usd=budget,
        budget_seconds=seconds,
        allow_up_to=Risk[yes_up_to],
        model=_asked(model, model_name),
    )


def _asked(model: str, name: str) -> str:
    """As it is kept with the goal: a file is found from wherever the goal is worked on."""
    if model == "recorded" and name:
        name = str(Path(name).expanduser().absolute())
    return f"{model}:{name}" if name else model


def _not_empty(_: click.Context, __: click.Parameter, value: str) -> str:
    if not value.strip():
        raise click.BadParameter("say in a sentence what is to be reached")
    return value.strip()


def _split(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, ...]:
    if value is None:
        return ()
    try:
        command = tuple(shlex.split(value))
    except ValueError as error:
        raise click.BadParameter(f"cannot be split into words: {error}") from error
    if not command:
        raise click.BadParameter("is an empty command")
    return command


def _finite(_: click.Context, __: click.Parameter, value: float | None) -> float | None:
    if value is not None and (not math.isfinite(value) or value < 0):
        raise click.BadParameter("must be a number that is not negative")
    return value


_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.argument("text", metavar="GOAL", callback=_not_empty),
    click.option(
        "--workspace",
        "-w",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        metavar="DIR",
        help="The folder that the goal is about.",
    ),
    click.option(
        "--done",
        metavar="CMD",
        callback=_split,
        help="A command that ends with 0 when the goal is reached; it is run sealed.",
    ),
    click.option(
        "--model",
        type=click.Choice(["auto", "claude", "openai", "offline", "recorded"]),
        default="auto",
        show_default=True,
        help="Who thinks; auto takes what is configured, else works offline; recorded plays "
        "what was recorded with the setting model_record.",
    ),
    click.option(
        "--model-name",
        default="",
        metavar="NAME",
        help="Which model, such as claude-sonnet-5-5; for recorded, the file.",
    ),
    click.option(
        "--budget", type=float, metavar="USD", callback=_finite, help="The most it may cost."
    ),
    click.option(
        "--seconds", type=float, metavar="S", callback=_finite, help="The most time it may take."
    ),
    click.option(
        "--priority",
        type=click.IntRange(-100, 100),
        default=0,
        metavar="N",
        help="Higher goes first, -100 to 100.",
    ),
    click.option(
        "--yes-up-to",
        type=click.Choice(_ALLOWABLE, case_sensitive=False),
        default="R0",
        show_default=True,
        help="Answer questions up to this risk with yes: R1 changes files, R2 runs made code, "
        "R3 reads outside.",
    ),
)
