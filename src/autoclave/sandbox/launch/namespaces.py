"""Namespaces of one's own: everything that a process shares with the machine, made anew."""

# Starts with every run, and pathlib starts slowly.
# ruff: noqa: PTH123

from __future__ import annotations

import errno
import os

from .system import StepFailed, call, prctl

_UNSHARE = {"x86_64": 272, "aarch64": 97}
_USER, _MOUNTS, _PIDS, _NETWORK = 0x10000000, 0x00020000, 0x20000000, 0x40000000
_IPC, _NAMES, _CGROUP = 0x08000000, 0x04000000, 0x02000000
_PR_SET_DUMPABLE = 4


def enter() -> None:
    """User, mounts, network, IPC, names and cgroup now; pids for the next child that is forked.

    Inside, the user is the same one. All capabilities that this gives end at the namespaces.
    """
    uid, gid = os.getuid(), os.getgid()
    number = _UNSHARE.get(os.uname().machine)
    if number is None:
        raise StepFailed("own namespaces", errno.ENOSYS)
    # After a change of user the files of /proc/self would be root's.
    prctl("write the own maps", _PR_SET_DUMPABLE, 1)
    call("own user namespace", number, _USER)
    _write("setgroups", "deny")
    _write("uid_map", f"{uid} {uid} 1")
    _write("gid_map", f"{gid} {gid} 1")
    call("own namespaces", number, _MOUNTS | _PIDS | _NETWORK | _IPC | _NAMES | _CGROUP)


def _write(name: str, line: str) -> None:
    try:
        with open(f"/proc/self/{name}", "w") as file:
            file.write(line)
    except OSError as error:
        raise StepFailed(f"write {name}", error.errno or errno.EPERM) from error
