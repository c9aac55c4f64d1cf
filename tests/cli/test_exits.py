"""Errors become exit codes by one table, sentences on standard error, objects for pipes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autoclave.cli.exits import EXIT_CODES, ExitCode, exit_code_of, name_of
from autoclave.domain import errors

Call = Callable[..., Any]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.InvalidInput("x"), 2),
        (errors.NotFound("x"), 3),
        (errors.ConfigurationInvalid("x"), 4),
        (errors.CredentialMissing("x"), 5),
        (errors.NotServed("x"), 5),
        (errors.NotAllowed("x"), 7),
        (errors.BudgetSpent("x"), 8),
        (errors.Stale("x"), 9),
        (errors.Conflict("x"), 9),
        (errors.IllegalTransition("x"), 9),
        (errors.NotRunning("x"), 10),
        (errors.NeedsPerson("x"), 11),
        (errors.Busy("x"), 75),
        (errors.OutOfResources("x"), 75),
        (errors.ModelUnavailable("x"), 75),
        (errors.Unreachable("x"), 75),
        (errors.SandboxUnavailable("x"), 1),
        (errors.JournalBroken("x"), 1),
    ],
)
def test_each_error_ends_with_its_code(error: errors.AutoclaveError, code: int) -> None:
    """The table is a contract with scripts."""
    assert exit_code_of(error) == code


def test_every_error_of_the_tree_has_a_code() -> None:
    """A class that is added later falls back to that of its branch."""
    assert errors.AutoclaveError in EXIT_CODES
    assert {errors.Transient, errors.Refused, errors.Fatal} <= set(EXIT_CODES)


def test_exit_codes_are_bytes_and_never_shared() -> None:
    """A shell sees eight bits."""
    values = [code.value for code in ExitCode.__members__.values()]

    assert len(set(values)) == len(values)
    assert all(0 <= value < 256 for value in values)


def test_the_name_in_json_is_that_of_the_class() -> None:
    """Words apart by underscores."""
    assert name_of(errors.ConfigurationInvalid("x")) == "configuration_invalid"


def test_a_person_gets_a_sentence_and_the_next_step(call: Call, control: Any) -> None:
    """Nothing on standard output, and no traceback."""
    control.answers["goal"] = errors.NotFound("no goal G-9", hint="autoclave goal list")

    called = call("goal", "show", "G-9")

    assert (called.code, called.out) == (3, "")
    assert called.err == "autoclave: no goal G-9\n  next: autoclave goal list\n"


def test_a_pipe_gets_one_object(call: Call, control: Any) -> None:
    """Errors too are data for whoever asked for JSON."""
    control.answers["goal"] = errors.NotFound("no goal G-9", hint="autoclave goal list")

    called = call("goal", "show", "G-9", "--json")

    assert called.json == {
        "schema_version": 1,
        "error": {
            "code": "not_found",
            "message": "no goal G-9",
            "hint": "autoclave goal list",
            "exit_code": 3,
        },
    }


def test_an_untrusted_message_cannot_move_the_cursor(call: Call, control: Any) -> None:
    """Control characters are spelled out before they reach a terminal."""
    control.answers["goal"] = errors.NotFound("no goal \x1b[2J\x1b]0;owned\x07")

    called = call("goal", "show", "x")

    assert "\x1b" not in called.err
    assert "\\x1b[2J" in called.err


def test_a_bug_is_one_line_and_a_log(call: Call, control: Any, home: Path) -> None:
    """The traceback is for the one who mends it, not for the one who met it."""
    control.answers["goals"] = ZeroDivisionError("oh")

    called = call("goal", "list")

    log = next((home / ".autoclave" / "log").iterdir())
    assert called.code == 1
    assert "a bug in Autoclave: ZeroDivisionError: oh" in called.err
    assert str(log) in called.err
    assert "Traceback" not in called.err
    assert "Traceback" in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("arguments", "suggestion"),
    [
        (["statsu"], "Did you mean 'status'?"),
        (["goal", "ad"], "Did you mean 'add'?"),
        (["status", "--jsno"], "Did you mean '--json'?"),
    ],
)
def test_a_typo_gets_a_suggestion(call: Call, arguments: list[str], suggestion: str) -> None:
    """And exit code 2."""
    called = call(*arguments)

    assert called.code == 2
    assert suggestion in called.err


def test_a_usage_error_is_json_for_a_pipe(call: Call) -> None:
    """Also when the option came too late for click to see it."""
    called = call("goal", "nonsense", "--json")

    assert called.code == 2
    assert called.json["error"]["code"] == "usage"


def test_control_is_closed_whatever_happens(call: Call, control: Any) -> None:
    """Locks and threads do not outlive the call."""
    control.answers["goals"] = errors.Busy("taken")

    assert call("goal", "list").code == 75
    assert control.is_closed
