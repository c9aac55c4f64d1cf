"""Errors as they go over a wire, and back: by the name of their class."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..domain import errors


def code_of(error: errors.AutoclaveError) -> str:
    """`not_found` for NotFound."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(error).__name__).lower()


def error_of(code: str, message: str, *, hint: str = "") -> errors.AutoclaveError:
    """The error that a server named; one that this version does not know is a plain one."""
    for kind in _all_below(errors.AutoclaveError):
        error = kind(message, hint=hint)
        if code_of(error) == code:
            return error
    return errors.AutoclaveError(message, hint=hint)


def _all_below(kind: type[errors.AutoclaveError]) -> Iterator[type[errors.AutoclaveError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _all_below(each)
