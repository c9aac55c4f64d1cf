"""Running a command: its result, its limits and programs that cannot be started."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest
from run_command import code


def run(context: Any, *argv: str, **more: Any) -> dict[str, Any]:
    return asyncio.run(code.execute(context, {"argv": list(argv), **more}))


def test_nothing_is_expanded(context: Any) -> None:
    """There is no shell between the arguments and the program."""
    assert run(context, "echo", "$HOME; ls", "*")["stdout"] == "$HOME; ls *\n"


def test_failing_command_is_a_result(context: Any) -> None:
    """An exit code other than 0 is an answer, not an error of the capability."""
    result = run(context, "sh", "-c", "echo no >&2; exit 7")

    assert (result["ok"], result["exit_code"], result["stderr"]) == (False, 7, "no\n")


def test_signal_is_told_as_a_shell_would(context: Any) -> None:
    """128 and the number of the signal."""
    assert run(context, "sh", "-c", "kill -9 $$")["exit_code"] == 137


def test_command_that_takes_too_long_is_stopped(context: Any) -> None:
    """What it printed until then is kept, and its children are ended with it."""
    result = run(context, "sh", "-c", "echo begun; sleep 60 & sleep 60", seconds=0.3)

    assert (result["timed_out"], result["exit_code"], result["stdout"]) == (True, 124, "begun\n")


def test_long_output_keeps_both_ends(context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cause of an error is often at one of the ends."""
    monkeypatch.setattr(code, "MOST_BYTES", 20)

    text = run(context, "python", "-c", "print('a' * 10 + 'x' * 1000 + 'b' * 9)")["stdout"]

    assert text == f"{'a' * 10}\n… 1,000 bytes left out …\n{'b' * 9}\n"


def test_bytes_that_are_no_text_are_spelled_out(context: Any) -> None:
    """The result is text whatever the program writes."""
    assert run(context, "printf", r"\377")["stdout"] == r"\xff"


def test_command_may_ignore_its_input(context: Any) -> None:
    """A program that reads nothing is no error."""
    assert run(context, "true", stdin="x" * 1_000_000)["ok"]


def test_program_of_the_workspace_is_run_by_its_path(context: Any) -> None:
    """`./script` is the user's own."""
    script = context.workspace / "script"
    # Made executable from the start: the sandbox lets nobody change a mode.
    handle = os.open(script, os.O_WRONLY | os.O_CREAT, 0o755)
    os.write(handle, b"#!/bin/sh\necho mine\n")
    os.close(handle)

    assert run(context, "./script")["stdout"] == "mine\n"


@pytest.mark.parametrize("program", ["no-such-program", "./missing", "/no/such"])
def test_missing_program_is_an_error(context: Any, program: str) -> None:
    """Which program is missing is said."""
    with pytest.raises(FileNotFoundError, match=program):
        run(context, program)


def test_nul_byte_is_refused(context: Any) -> None:
    """No system call takes it."""
    with pytest.raises(ValueError, match="NUL"):
        run(context, "echo", "a\0b")
