"""The first process of tier FULL: it builds the private root, collects the dead, and reports.

It takes no orders from inside and cannot be signalled from there; all others die with it.
"""

from __future__ import annotations

import _socket
import errno
import os
import select
import struct

from . import identity, mounts, namespaces, root, signals
from .order import Order
from .system import StepFailed, prctl
from .workspace import Copy, TooMuch

LINE = 7
"""Descriptor of the line to the supervisor; the command never has it."""
_LONGEST_START_MS = 20_000
_CREDENTIALS = struct.Struct("=iII")
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4


class TooFull(Exception):
    """The inputs are more than the workspace may hold."""


class Line:
    """The supervisor's end: who the first process is, its workspace, how the command ended."""

    def __init__(self) -> None:
        self._ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
        # Whoever speaks is named by the kernel, in our own numbers.
        self._ours.setsockopt(_socket.SOL_SOCKET, _socket.SO_PASSCRED, 1)
        self.theirs = theirs.detach()
        self.fd = self._ours.fileno()

    def meet(self, forked: int) -> int:
        """The first process's id, once the one that made it is gone; 0 when it failed."""
        os.close(self.theirs)
        said = self._ours.recv(64)
        os.waitpid(forked, 0)
        if not said:
            return 0
        self._ours.send(b"go")
        return int(said)

    def meet_through(self, bubblewrap: int) -> int:
        """The same for a first process that bubblewrap made, which stays as its parent."""
        os.close(self.theirs)
        poller = select.poll()
        # bubblewrap may die and leave a child behind that waits for it.
        ending = os.pidfd_open(bubblewrap)
        poller.register(ending, select.POLLIN)
        poller.register(self.fd, select.POLLIN)
        ready = [fd for fd, _ in poller.poll(_LONGEST_START_MS)]
        os.close(ending)
        if self.fd not in ready:
            return 0
        said, named, _, _ = self._ours.recvmsg(64, _socket.CMSG_SPACE(_CREDENTIALS.size))
        if not said or not named:
            return 0
        self._ours.send(b"go")
        pid, _, _ = _CREDENTIALS.unpack(named[0][2])
        return int(pid)

    def forget(self) -> None:
        """In the child, where the number of this end will mean something else."""
        self._ours.detach()

    def handle(self) -> int:
        """The one that is sent next: the workspace, which outlives everything inside, is first."""
        room = _socket.CMSG_SPACE(4) + _socket.CMSG_SPACE(_CREDENTIALS.size)
        _, parts, _, _ = self._ours.recvmsg(16, room)
        rights = [data for _, kind, data in parts if kind == _socket.SCM_RIGHTS]
        if not rights:
            raise StepFailed("take the workspace over", errno.ECHILD)
        return int(struct.unpack("=i", rights[0][:4])[0])

    def status(self) -> int | None:
        """How the command ended, as `wait` says it; None when the first process itself is gone."""
        said = self._ours.recv(64)
        return int(said) if said else None


def enter(order: Order, *, uid: int | None) -> None:
    """Returns twice removed: in the first process of new namespaces, below a new root."""
    try:
        folder = os.open(order.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise StepFailed(f"enter {order.folder}", error.errno or errno.EIO) from error
    # Root reaches everything now and nothing later; a user may copy mounts only inside.
    source = root.Source(order) if uid is not None else None
    if uid is not None:
        identity.become(uid)
    namespaces.enter()
    line = _socket.socket(fileno=LINE)
    _fork_the_first(line)
    mounts.make_private()
    workspace = root.build(order, source or root.Source(order))
    fill(order, line, folder=folder, workspace=workspace)


def fill(order: Order, line: _socket.socket, *, folder: int, workspace: int) -> None:
    """Copy the inputs in and let the supervisor have the workspace."""
    _copy_in(folder, workspace, order)
    os.close(folder)
    line.sendmsg([b"w"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack("=i", workspace))])
    line.detach()
    os.close(workspace)


def stay(command: int) -> None:
    """Collect the dead until killed; tell how the command ended. Never returns."""
    os.closerange(0, LINE)
    while True:
        try:
            dead, status = os.wait()
        except ChildProcessError:
            signals.pause()
            continue
        if dead == command:
            os.write(LINE, str(status).encode())


def hide() -> None:
    """Nobody of the same user may look into this process."""
    prctl("hide the first process", _PR_SET_DUMPABLE, 0)


def _fork_the_first(line: _socket.socket) -> None:
    """A user's own pid namespace begins with the next child; its maker then has no use."""
    pid = os.fork()
    if pid:
        line.send(str(pid).encode())
        os._exit(0)
    # Only then is the supervisor the parent whose death is watched.
    if line.recv(8) != b"go":
        os._exit(1)
    prctl("die with the supervisor", _PR_SET_PDEATHSIG, signals.KILL)
    poller = select.poll()
    poller.register(LINE, 0)
    if poller.poll(0):
        os._exit(1)


def _copy_in(folder: int, workspace: int, order: Order) -> None:
    try:
        Copy(folder, workspace, most_bytes=order.limits.disk_bytes)
    except TooMuch:
        raise TooFull from None
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise TooFull from None
        raise StepFailed("copy the inputs in", error.errno or errno.EIO) from error
