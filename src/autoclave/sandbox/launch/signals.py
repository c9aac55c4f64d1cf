"""The signals of the standard library without its enumerations, which start slowly."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
else:
    import _signal as signal

DEFAULT, IGNORE = signal.SIG_DFL, signal.SIG_IGN
COUNT = signal.NSIG
KILL, STOP, NO_TIME = int(signal.SIGKILL), int(signal.SIGSTOP), int(signal.SIGXCPU)
CHILD, BROKEN_PIPE, TOO_LARGE, INTERRUPT = (
    int(signal.SIGCHLD),
    int(signal.SIGPIPE),
    int(signal.SIGXFSZ),
    int(signal.SIGINT),
)
interrupted = signal.default_int_handler
pause = signal.pause
handle = signal.signal


def wake_on_child() -> int:
    """A descriptor that can be read when a child has ended."""
    import os

    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    handle(CHILD, lambda number, frame: None)
    return reading


_ahead: list[bool] = []


def reset_ahead() -> None:
    """Reset them now for all processes that are forked from here; nobody sets one until then."""
    reset()
    _ahead.append(True)


def reset() -> None:
    """Every signal as at the start of a program, and none blocked."""
    if _ahead:
        return
    for number in range(1, COUNT):
        if number not in (KILL, STOP, 32, 33):
            handle(number, DEFAULT)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
