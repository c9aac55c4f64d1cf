"""The route through bubblewrap: it makes the namespaces and the root that we may not make.

Where a system grants namespaces to bubblewrap alone, the supervisor's child becomes bubblewrap and
this launcher goes on inside as the first process. Its own filter, Landlock and limits follow there.
"""

# Starts with every run, and pathlib starts slowly.
# ruff: noqa: PTH110

from __future__ import annotations

import _socket
import errno
import marshal
import os
import struct
import sys

from . import first, identity, root, signals, view
from .landlock import DEVICES
from .order import Order
from .system import StepFailed, prctl

INSIDE = "inside"
"""The launcher's argument where it goes on in bubblewrap's namespaces; two descriptors follow."""
_UNSHARED = (
    *("--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"),
    # No process in there can make a user namespace of its own, filter or not.
    *("--unshare-cgroup", "--disable-userns"),
    # The first process is ours, so its memory and environment hold nothing of the caller's.
    *("--die-with-parent", "--new-session", "--as-pid-1"),
)
_PR_SET_PDEATHSIG = 1


def leave_for(order: Order, *, uid: int | None, kept: tuple[int, ...]) -> None:
    """Become bubblewrap, with the `kept` descriptors and no environment. OSError, StepFailed."""
    folder = os.open(order.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    data = marshal.dumps(order.data)
    written = os.memfd_create("order", os.MFD_CLOEXEC)
    os.write(written, data)
    os.lseek(written, 0, os.SEEK_SET)
    if uid is not None:
        # Root would keep its capabilities in there, so bubblewrap is started by the fresh user.
        view.open_the_way(readable=order.readable, folder=order.folder, links=order.links)
        identity.become(uid)
    prctl("die with the supervisor", _PR_SET_PDEATHSIG, signals.KILL)
    for fd in (*kept, folder, written):
        os.set_inheritable(fd, True)
    os.chdir("/")
    launcher = __file__.rpartition("/launch/")[0] + "/launcher.py"
    inside = [sys.executable, "-I", "-S", "-B", launcher, INSIDE, str(folder), str(written)]
    os.execve(order.bubblewrap, [order.bubblewrap, *_arguments(order), *inside], {})  # noqa: S606


def arrive(order: Order, folder: int) -> None:
    """In the first process: take the place that `first.enter` takes with namespaces of our own."""
    if os.getpid() != 1:
        raise StepFailed("be the first process", errno.ESRCH)
    prctl("die with bubblewrap", _PR_SET_PDEATHSIG, signals.KILL)
    line = _socket.socket(fileno=first.LINE)
    # Who says it is added by the kernel, in the numbers of whoever reads it.
    line.send(b"here")
    if line.recv(8) != b"go":
        os._exit(1)
    workspace = os.open(order.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    first.fill(order, line, folder=folder, workspace=workspace)


def read_order(fd: int) -> Order:
    data = b""
    while chunk := os.read(fd, 1 << 20):
        data += chunk
    os.close(fd)
    return Order(marshal.loads(data), b"")  # noqa: S302 - from our own supervisor


def hand_over(listener: int) -> None:
    """Give the supervisor what tells of every new file; the line is closed here then."""
    line = _socket.socket(fileno=first.LINE)
    rights = struct.pack("=i", listener)
    line.sendmsg([b"l"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)])
    line.close()
    os.close(listener)


def _arguments(order: Order) -> list[str]:
    trees = root.outermost(order)
    words = [*_UNSHARED]
    for tree in trees:
        words += ["--ro-bind", tree, tree]
    for device in DEVICES:
        if os.path.exists(device):
            words += ["--dev-bind", device, device]
    size = str(root.workspace_bytes(order))
    words += ["--perms", "0700", "--size", size, "--tmpfs", order.folder]
    for link, target in _links(order, trees):
        words += ["--symlink", target, link]
    return [*words, "--remount-ro", "/", "--chdir", "/", "--"]


def _links(order: Order, trees: list[str]) -> list[tuple[str, str]]:
    """The links that are not in a tree already, by the place where they really are."""
    found: dict[str, str] = {}
    for link, target in order.links.items():
        parent, _, name = link.rpartition("/")
        place = f"{_followed(parent, order.links)}/{name}"
        if not any(f"{place}/".startswith(f"{tree}/") for tree in trees):
            found.setdefault(place, target)
    return sorted(found.items())


def _followed(path: str, links: dict[str, str]) -> str:
    """`path` with every link of the order on its way followed."""
    for _ in range(len(links) + 1):
        at = next((link for link in links if f"{path}/".startswith(f"{link}/")), "")
        if not at:
            break
        path = os.path.normpath(links[at] + path[len(at) :])
    return path
