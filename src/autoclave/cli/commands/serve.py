"""`autoclave serve`."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..invocation import Invocation
from ..options import common_options
from ..render.progress import progress_to
from ..signals import run_until_stopped

if TYPE_CHECKING:
    from ...service.control import Control


@click.command()
@click.option("--quiet", "-q", is_flag=True, help="Say nothing about progress.")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Where it answers; outside of this machine only when there is a token.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8321,
    show_default=True,
    metavar="N",
    help="The port; 0 for any that is free.",
)
@click.option("--no-http", is_flag=True, help="Answer nobody; only work.")
@common_options()
@click.pass_obj
def command(invocation: Invocation, quiet: bool, host: str, port: int, no_http: bool) -> None:
    """Work on queued goals in the foreground until stopped, and answer over HTTP.

    What was in flight when the last process ended is resumed. SIGTERM or Ctrl-C stops gracefully
    and ends with 0; a second one stops at once. What it answers: docs/api.md.
    """
    output = invocation.output
    listener = progress_to(output, quiet=quiet)
    with invocation.control() as control:
        output.note("serving; Ctrl-C stops gracefully")

        def work(stop: asyncio.Event) -> Coroutine[Any, Any, None]:
            if no_http:
                return control.serve(stop, listener)
            return _answering(invocation, control, stop, listener=listener, at=(host, port))

        run_until_stopped(work, output.note)
    output.note("stopped; everything is saved")


async def _answering(
    invocation: Invocation,
    control: Control,
    stop: asyncio.Event,
    *,
    listener: Any,
    at: tuple[str, int],
) -> None:
    from ...api.serving import HttpSettings, serve
    from ...settings import load_settings

    settings = load_settings().settings
    http = HttpSettings(
        host=at[0],
        port=at[1],
        names=settings.names_of_the_api,
        workspaces=tuple(map(Path, settings.workspaces_of_the_api)),
        metrics_need_token=settings.metrics_need_token,
    )
    await serve(control, stop, http=http, listener=listener, note=invocation.output.note)
