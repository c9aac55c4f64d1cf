"""The root command, and the edge of the process where errors become words and exit codes."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from .. import __version__
from ..domain.canonical import JsonObject
from ..domain.errors import AutoclaveError
from ..domain.text import show_line
from ..service.home import Home
from .exits import ExitCode, exit_code_of, name_of
from .invocation import Invocation
from .lazy import LazyCommands
from .options import common_options
from .output import prepare_streams
from .signals import Stopped

if TYPE_CHECKING:
    from ..service.control import Control


@click.group(
    cls=LazyCommands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Begin with `autoclave demo`. Exit codes and every option: docs/commands.md.",
)
@click.version_option(__version__, prog_name="autoclave")
@common_options(hidden=False)
def autoclave() -> None:
    """An agent that you can leave running and let change itself.

    Every change is measured, approved and reversible.
    """


def run(arguments: Sequence[str], *, opener: Callable[[Home], Control] | None = None) -> int:
    """One call of `autoclave`; the exit code. The edge of the process: nothing gets past it."""
    prepare_streams()
    invocation = Invocation() if opener is None else Invocation(opener=opener)
    try:
        result = autoclave.main(
            list(arguments), prog_name="autoclave", obj=invocation, standalone_mode=False
        )
        return result if isinstance(result, int) else ExitCode.FINE
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        invocation.output.note(error.format_message())
        return ExitCode.USAGE
    except click.ClickException as error:
        # Click may have stopped before it came to the option.
        invocation.output.as_json |= "--json" in arguments
        return _usage_error(invocation, error)
    except AutoclaveError as error:
        code = exit_code_of(error)
        _report(invocation, name_of(error), error.message, error.hint, code)
        return code
    except Stopped as stopped:
        return 128 + stopped.number
    except (click.Abort, KeyboardInterrupt):
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        return _reader_left()
    except Exception as error:  # noqa: BLE001  the edge of the process
        return _bug(invocation, error)


def _usage_error(invocation: Invocation, error: click.ClickException) -> int:
    command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else ""
    hint = f"{command} --help" if command else ""
    _report(invocation, "usage", error.format_message(), hint, ExitCode.USAGE)
    return ExitCode.USAGE


def _report(invocation: Invocation, name: str, message: str, hint: str, code: ExitCode) -> None:
    """One object on standard output for a pipe, or one sentence on standard error for a person."""
    if invocation.output.as_json:
        error: JsonObject = {
            "code": name,
            "message": message,
            "hint": hint,
            "exit_code": int(code),
        }
        invocation.output.json({"error": error})
        return
    invocation.output.note(f"autoclave: {show_line(message)}")
    if hint:
        invocation.output.note(f"  next: {show_line(hint)}")


def _reader_left() -> int:
    # Else the interpreter would try to flush once more when it ends, and complain.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 128 + signal.SIGPIPE


def _bug(invocation: Invocation, error: Exception) -> int:
    where = _write_traceback(invocation, error)
    message = f"a bug in Autoclave: {type(error).__name__}: {error}"
    hint = f"the details are in {where}" if where else "there was no place for a log"
    _report(invocation, "bug", message, hint, ExitCode.FAILURE)
    return ExitCode.FAILURE


def _write_traceback(invocation: Invocation, error: Exception) -> str:
    """Where the whole story was written; empty when it could not be."""
    import traceback

    try:
        home = invocation.home()
        home.prepare()
        file = home.log / f"bug-{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}.txt"
        with os.fdopen(os.open(file, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as log:
            traceback.print_exception(error, file=log)
    except (AutoclaveError, OSError):
        return ""
    return str(file)
