"""The warm helper's work: fork a supervisor for every socket that it is handed.

It reads no order itself, so no run's memory holds anything of another one.
"""

from __future__ import annotations

import _socket
import gc
import marshal
import os
import struct

from . import calls, landlock, signals, supervise, view
from .order import Order
from .system import StepFailed, prctl

_LINE = 0
_PR_SET_PDEATHSIG = 1


def serve() -> Order:
    """Until the caller's line ends. Returns only in a sealed child: its order is to be run."""
    line = _socket.socket(fileno=_LINE)
    _prepare(*marshal.loads(line.recv(1 << 20)))  # noqa: S302 - from our own caller
    signals.handle(signals.CHILD, lambda *_: _reap(os.WNOHANG))
    while (handed := _next(line)) is not None:
        if os.fork() == 0:
            line.detach()
            return _supervise(*handed)
        for fd in handed:
            os.close(fd)
    # The supervisors hear of the same end; killed by ours they could not clean up.
    _reap(0)
    os._exit(0)


def _prepare(readable: list[str], links: dict[str, str]) -> None:
    """What every run would do again, done once; then nothing of it is touched any more."""
    try:
        if os.geteuid() == 0:
            view.open_the_way(readable=readable, links=links)
        calls.build_ahead(abi=min(landlock.version(), landlock.NEWEST_KNOWN))
    except StepFailed:
        # Every run will say so itself.
        return
    gc.collect()
    gc.freeze()


def _next(line: _socket.socket) -> tuple[int, ...] | None:
    """The caller's socket, and the two ends of its line where the run is to have one."""
    _, rights, _, _ = line.recvmsg(1, _socket.CMSG_SPACE(12))
    return struct.unpack(f"={len(rights[0][2]) // 4}i", rights[0][2]) if rights else None


def _reap(how: int) -> None:
    try:
        while os.waitpid(-1, how)[0]:
            continue
    except ChildProcessError:
        return


def _supervise(handed: int, *calls: int) -> Order:
    prctl("die with the helper", _PR_SET_PDEATHSIG, signals.KILL)
    signals.handle(signals.CHILD, signals.DEFAULT)
    os.setsid()
    os.dup2(handed, 0)
    os.dup2(handed, 1)
    os.close(handed)
    try:
        supervise.main(calls)
    except supervise.Sealed as sealed:
        return sealed.order
    except BaseException:  # noqa: BLE001 - the caller sees that there is no report
        os._exit(1)
    os._exit(0)
