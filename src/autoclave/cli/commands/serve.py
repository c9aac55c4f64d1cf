"""`autoclave serve`."""

from __future__ import annotations

import click

from ..invocation import Invocation
from ..options import common_options
from ..render.progress import progress_to
from ..signals import run_until_stopped


@click.command()
@click.option("--quiet", "-q", is_flag=True, help="Say nothing about progress.")
@common_options()
@click.pass_obj
def command(invocation: Invocation, quiet: bool) -> None:
    """Work on queued goals in the foreground until stopped.

    What was in flight when the last process ended is resumed. SIGTERM or Ctrl-C stops gracefully
    and ends with 0; a second one stops at once.
    """
    output = invocation.output
    listener = progress_to(output, quiet=quiet)
    with invocation.control() as control:
        output.note("serving; Ctrl-C stops gracefully")
        run_until_stopped(lambda stop: control.serve(stop, listener), output.note)
    output.note("stopped; everything is saved")
