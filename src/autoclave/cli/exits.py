"""What a process says when it ends: one table from errors to exit codes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType

from ..domain import errors


class ExitCode(IntEnum):
    """A contract with scripts: documented in docs/commands.md, never reused."""

    FINE = 0
    FAILURE = 1
    USAGE = 2
    NOT_FOUND = 3
    CONFIGURATION = 4
    CREDENTIAL = 5
    """A key is missing, or nothing here can serve the goal without one."""
    FINDINGS = 6
    REFUSED = 7
    BUDGET = 8
    STALE = 9
    NOT_RUNNING = 10
    WAITING = 11
    LATER = 75
    INTERRUPTED = 130
    BROKEN_PIPE = 141
    TERMINATED = 143


EXIT_CODES: Mapping[type[errors.AutoclaveError], ExitCode] = MappingProxyType(
    {
        errors.AutoclaveError: ExitCode.FAILURE,
        errors.Transient: ExitCode.LATER,
        errors.Refused: ExitCode.REFUSED,
        errors.InvalidInput: ExitCode.USAGE,
        errors.NotFound: ExitCode.NOT_FOUND,
        errors.Conflict: ExitCode.STALE,
        errors.NotAllowed: ExitCode.REFUSED,
        errors.NeedsPerson: ExitCode.WAITING,
        errors.BudgetSpent: ExitCode.BUDGET,
        errors.ModelUnusable: ExitCode.CREDENTIAL,
        errors.NotServed: ExitCode.CREDENTIAL,
        errors.NotRunning: ExitCode.NOT_RUNNING,
        errors.Fatal: ExitCode.FAILURE,
        errors.ConfigurationInvalid: ExitCode.CONFIGURATION,
        errors.CredentialMissing: ExitCode.CREDENTIAL,
        errors.Fenced: ExitCode.STALE,
    }
)
"""The nearest ancestor counts: `Stale` is a `Conflict`, so it ends with 9."""

RUN_ENDS: Mapping[str, ExitCode] = MappingProxyType(
    {
        "done": ExitCode.FINE,
        "failed": ExitCode.FAILURE,
        "waiting": ExitCode.WAITING,
        "unserved": ExitCode.CREDENTIAL,
        "model": ExitCode.CREDENTIAL,
        "budget": ExitCode.BUDGET,
        "denied": ExitCode.REFUSED,
        "later": ExitCode.LATER,
    }
)
"""How `autoclave run` ends, by the `exit` of its report."""


def exit_code_of(error: errors.AutoclaveError) -> ExitCode:
    return next(EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES)


def name_of(error: BaseException) -> str:
    """`not_found` for NotFound: the code in a JSON error."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(error).__name__).lower()
