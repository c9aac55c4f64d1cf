"""The door to system calls that Python has no name for."""

from __future__ import annotations

import ctypes
import os

_libc = ctypes.CDLL(None, use_errno=True)


class StepFailed(Exception):
    """One step of sealing did not work; nothing was executed."""

    def __init__(self, step: str, number: int, why: str = "") -> None:
        super().__init__(f"{step}: {why or os.strerror(number)}")
        self.step = step
        self.errno = number
        self.why = why or os.strerror(number)


def call(step: str, number: int, *arguments: object) -> int:
    """Make one system call; StepFailed with the errno when the kernel says no."""
    words = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result: int = _libc.syscall(ctypes.c_long(number), *words)
    if result < 0:
        raise StepFailed(step, ctypes.get_errno())
    return result


def prctl(step: str, option: int, argument: int = 0, second: int = 0) -> int:
    # Looked up here, because macOS has none and imports this module too.
    words = [ctypes.c_ulong(word) for word in (argument, second, 0, 0)]
    result: int = _libc.prctl(option, *words)
    if result < 0:
        raise StepFailed(step, ctypes.get_errno())
    return result


def mount(
    step: str, source: str, target: str, *, kind: str = "", flags: int = 0, data: str = ""
) -> None:
    words = [text.encode() or None for text in (source, target, kind, data)]
    source_word, target_word, kind_word, data_word = words
    if _libc.mount(source_word, target_word, kind_word, ctypes.c_ulong(flags), data_word) < 0:
        raise StepFailed(step, ctypes.get_errno())
