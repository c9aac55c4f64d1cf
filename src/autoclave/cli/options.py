"""Options that every command takes, before or after its own name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from .invocation import Invocation

F = TypeVar("F", bound=Callable[..., Any])


def common_options(*, hidden: bool = True) -> Callable[[F], F]:
    """`--home`, `--url`, `--json` and their like; shown in full by `autoclave --help`."""

    def decorate(function: F) -> F:
        for option in reversed(_options(hidden)):
            function = option(function)
        return function

    return decorate


def _options(hidden: bool) -> list[Callable[[F], F]]:
    return [
        click.option(
            "--home",
            type=click.Path(path_type=Path),
            metavar="DIR",
            hidden=hidden,
            expose_value=False,
            callback=_set_home,
            help="Work on this home; else the nearest one upwards, $AUTOCLAVE_HOME, your own.",
        ),
        click.option(
            "--url",
            metavar="URL",
            hidden=hidden,
            expose_value=False,
            callback=_set_url,
            help="Reach the `autoclave serve` that answers there, instead of a home here.",
        ),
        click.option(
            "--token-file",
            type=click.Path(path_type=Path, dir_okay=False),
            metavar="FILE",
            hidden=hidden,
            expose_value=False,
            callback=_set_token_file,
            help="The token for --url; else $AUTOCLAVE_TOKEN.",
        ),
        click.option(
            "--json",
            is_flag=True,
            expose_value=False,
            callback=_set_json,
            help="Print data and errors as one JSON object.",
        ),
        click.option(
            "--no-color",
            is_flag=True,
            hidden=hidden,
            expose_value=False,
            callback=_set_no_color,
            help="No colours; so does $NO_COLOR.",
        ),
        click.option(
            "--no-input",
            is_flag=True,
            hidden=hidden,
            expose_value=False,
            callback=_set_no_input,
            help="Never ask; a question becomes an exit code.",
        ),
    ]


def _set_home(context: click.Context, _: click.Parameter, value: Path | None) -> None:
    if value is not None:
        context.ensure_object(Invocation).home_option = value


def _set_url(context: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        context.ensure_object(Invocation).url = value


def _set_token_file(context: click.Context, _: click.Parameter, value: Path | None) -> None:
    if value is not None:
        context.ensure_object(Invocation).token_file = value


def _set_json(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        context.ensure_object(Invocation).output.as_json = True


def _set_no_color(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        context.ensure_object(Invocation).output.no_color = True


def _set_no_input(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        context.ensure_object(Invocation).output.no_input = True
