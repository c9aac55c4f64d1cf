"""A root folder of one's own: needed trees read-only, five devices, a workspace in memory."""

# Starts with every run, and pathlib starts slowly.
# ruff: noqa: PTH102, PTH103, PTH110, PTH112

from __future__ import annotations

import errno
import os

from . import mounts
from .landlock import DEVICES
from .order import Order
from .system import StepFailed, call, mount

_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_UMOUNT2 = {"x86_64": 166, "aarch64": 39}
_DETACH = 2
READABLE = ("/proc",)
"""What may be read in the new root besides the trees of the order."""
_STAGES = ("/mnt", "/tmp", "/usr")  # noqa: S108 - only mounted on, in our own namespace
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TREE = mounts.READ_ONLY | mounts.NOSUID | mounts.NODEV
_DEVICE = mounts.READ_ONLY | mounts.NOSUID | mounts.NOEXEC
_FIXED = mounts.READ_ONLY | mounts.NOSUID | mounts.NODEV


class Source:
    """Handles on all that the new root is made of, opened while it can be reached."""

    def __init__(self, order: Order) -> None:
        self.trees = [(path, mounts.copy_of(path, _TREE)) for path in outermost(order)]
        present = [path for path in DEVICES if os.path.exists(path)]
        self.devices = [(path, mounts.copy_of(path, _DEVICE)) for path in present]


def build(order: Order, source: Source) -> int:
    """Make the new root and go there; a handle on its empty workspace."""
    stage = next((path for path in _STAGES if os.path.isdir(path)), "/")
    options = "mode=0755,size=1m,nr_inodes=4096"
    flags = mounts.NOSUID | mounts.NODEV
    mount("new root", "tmpfs", stage, kind="tmpfs", flags=flags, data=options)
    os.chdir(stage)
    for path, handle in (*source.trees, *source.devices):
        mounts.attach(f".{path}", handle)
    _mount_proc()
    workspace = _mount_workspace(order)
    for link, target in sorted(order.links.items()):
        mounts.restore_link(f".{link}", target)
    _turn_round()
    return workspace


def outermost(order: Order) -> list[str]:
    """The readable trees without those that lie inside another one."""
    kept: list[str] = []
    for path in sorted(set(order.readable)):
        if not any(path.startswith(f"{tree}/") for tree in kept):
            kept.append(path)
    return kept


def workspace_bytes(order: Order) -> int:
    """One page more than allowed, for the same reason as one inode."""
    return (-(-order.limits.disk_bytes // _PAGE) + 1) * _PAGE


def _mount_proc() -> None:
    """Only the processes in it, nothing of the machine. Containers may refuse it: go without."""
    os.mkdir("proc", 0o555)
    flags = mounts.NOSUID | mounts.NODEV | mounts.NOEXEC
    try:
        mount("proc", "proc", "proc", kind="proc", flags=flags, data="subset=pid")
    except StepFailed:
        return


def _mount_workspace(order: Order) -> int:
    """One inode more than allowed, so that using it shows who went over."""
    options = f"mode=0700,size={workspace_bytes(order)},nr_inodes={order.limits.inodes + 2}"
    place = f".{order.folder}"
    try:
        os.makedirs(place, mode=0o755, exist_ok=True)
    except OSError as error:
        raise StepFailed("make a place for the workspace", error.errno or errno.EIO) from error
    flags = mounts.NOSUID | mounts.NODEV
    mount("workspace", "tmpfs", place, kind="tmpfs", flags=flags, data=options)
    return os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _turn_round() -> None:
    """Make the staged folder the root, let the old one go, and close the new one for writing."""
    machine = os.uname().machine
    call("pivot to the new root", _PIVOT_ROOT[machine], b".", b".")
    call("let the old root go", _UMOUNT2[machine], b".", _DETACH)
    os.chdir("/")
    mounts.protect("/", _FIXED)
