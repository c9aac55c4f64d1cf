"""The warm helper's work: keep one supervisor ready that waits for the next socket.

It is forked before it is needed, and takes one order only; the helper itself reads none, so no
run's memory holds anything of another one.
"""

from __future__ import annotations

import _socket
import gc
import marshal
import os
import select
import struct

from . import calls, identity, landlock, signals, supervise, tree, view
from .order import Order
from .system import StepFailed, prctl

_LINE = 0
_PR_SET_PDEATHSIG = 1


def serve() -> Order:
    """Until the caller's line ends. Returns only in a sealed child: its order is to be run."""
    line = _socket.socket(fileno=_LINE)
    _prepare(*marshal.loads(line.recv(1 << 20)))  # noqa: S302 - from our own caller
    signals.handle(signals.CHILD, lambda *_: _reap(os.WNOHANG))
    is_wanted = True
    while is_wanted:
        taken, take = os.pipe()
        if os.fork() == 0:
            os.close(taken)
            return _wait(line, take)
        os.close(take)
        is_wanted = _is_taken(line, taken)
        os.close(taken)
    # The supervisors hear of the same end; killed by ours they could not clean up.
    _reap(0)
    os._exit(0)


def _prepare(readable: list[str], links: dict[str, str]) -> None:
    """What every run would do again, done once; then nothing of it is touched any more."""
    try:
        if os.geteuid() == 0:
            view.open_the_way(readable=readable, links=links)
            identity.look_ahead()
        calls.build_ahead(abi=min(landlock.version(), landlock.NEWEST_KNOWN))
    except StepFailed:
        # Every run will say so itself.
        return
    gc.collect()
    gc.freeze()


def _is_taken(line: _socket.socket, taken: int) -> bool:
    """Wait until the ready one has begun its order, or died; False when the caller is gone."""
    poller = select.poll()
    poller.register(taken, select.POLLIN)
    # Only its end: what comes over it is for the one that is ready.
    poller.register(line.fileno(), 0)
    return line.fileno() not in dict(poller.poll())


def _wait(line: _socket.socket, take: int) -> Order:
    """The ready one: all that needs no order is done before there is one."""
    prctl("die with the helper", _PR_SET_PDEATHSIG, signals.KILL)
    signals.reset_ahead()
    os.setsid()
    tree.adopt_orphans()
    handed = _next(line)
    if handed is None:
        os._exit(0)
    line.detach()
    return _supervise(*handed, take=take)


def _tell(take: int) -> None:
    os.write(take, b"t")
    os.close(take)


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


def _supervise(handed: int, *calls: int, take: int) -> Order:
    os.dup2(handed, 0)
    os.dup2(handed, 1)
    os.close(handed)
    try:
        # Two forks at the same time take longer than one after the other.
        supervise.main(calls, started=lambda: _tell(take))
    except supervise.Sealed as sealed:
        return sealed.order
    except BaseException:  # noqa: BLE001 - the caller sees that there is no report
        os._exit(1)
    os._exit(0)
