"""The system call filter: what no sealed process may ask of the kernel."""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from . import bpf
from .numbers import machine
from .system import StepFailed, call

_REFUSED = """
    ptrace process_vm_readv process_vm_writev process_madvise process_mrelease kcmp
    io_uring_setup io_uring_enter io_uring_register bpf perf_event_open userfaultfd
    add_key request_key keyctl
    mount umount2 pivot_root chroot move_mount open_tree open_tree_attr fsopen fsconfig fsmount
    fspick mount_setattr statmount listmount setns unshare name_to_handle_at open_by_handle_at
    init_module finit_module delete_module kexec_load kexec_file_load reboot swapon swapoff acct
    quotactl quotactl_fd syslog settimeofday clock_settime clock_adjtime adjtimex sethostname
    setdomainname vhangup iopl ioperm modify_ldt personality
    pidfd_open pidfd_getfd pidfd_send_signal
    mbind set_mempolicy set_mempolicy_home_node migrate_pages move_pages
    memfd_create memfd_secret fanotify_init fanotify_mark inotify_init inotify_init1
    mknod mknodat
    shmget shmat shmctl shmdt semget semop semctl semtimedop msgget msgsnd msgrcv msgctl
    mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr
    setpriority sched_setaffinity sched_setscheduler sched_setparam sched_setattr ioprio_set
    socket connect bind listen accept accept4 file_setattr
"""

# Landlock does not cover these, and refusing them breaks plain copy functions: they report
# success and change nothing.
_WITHOUT_EFFECT = """
    chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat
    utime utimes utimensat futimesat
    setxattr lsetxattr fsetxattr setxattrat removexattr lremovexattr fremovexattr removexattrat
"""

_MAKERS = "creat mkdir mkdirat symlink symlinkat link linkat openat2"
_CREATING = 0x40 | 0x400000
"""O_CREAT, O_TMPFILE."""
_WHITEOUT = 4

_NEW_NAMESPACES = 0x7E020000
_TERMINAL_AND_FLAGS_IOCTLS = (0x5412, 0x541C, 0x40086602, 0x401C5820)
"""TIOCSTI, TIOCLINUX, FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR."""
_LEASE_AND_NOTIFY = (1024, 1026)
_PR_SET_DUMPABLE = 4
_SET_MODE_FILTER = 1
_NEW_LISTENER = 8
_SCOPES_FROM = 6
"""The Landlock that refuses signals to others by itself."""


def install(*, abi: int, is_full: bool, asks: bool = False) -> int:
    """Filter this thread and all its children for good. Needs no-new-privileges.

    With `asks` every call that may make a file waits for an answer, given through the descriptor
    that is returned.
    """
    if asks:
        code = program(os.uname().machine, abi=abi, own_pid=os.getpid(), is_full=True, asks=True)
    else:
        code = _built(abi=abi, is_full=is_full)
    buffer = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("=H6xQ", len(code) // 8, ctypes.addressof(buffer))
    found = machine(os.uname().machine)
    number = found[1]["seccomp"] if found else 0
    flags = _NEW_LISTENER if asks else 0
    return call("seccomp filter", number, _SET_MODE_FILTER, flags, header)


def build_ahead(*, abi: int) -> None:
    """Keep the filters of both tiers, for all processes that are forked from here."""
    for is_full in (False, True):
        _ahead[abi, is_full] = _built(abi=abi, is_full=is_full)


_ahead: dict[tuple[int, bool], bytes] = {}


def _built(*, abi: int, is_full: bool) -> bytes:
    # With older Landlock the filter names the process that it is for.
    if abi >= _SCOPES_FROM and (abi, is_full) in _ahead:
        return _ahead[abi, is_full]
    return program(os.uname().machine, abi=abi, own_pid=os.getpid(), is_full=is_full)


def program(
    machine_name: str, *, abi: int, own_pid: int, is_full: bool = False, asks: bool = False
) -> bytes:
    """The whole filter. Older Landlock leaves signals and truncation to it."""
    found = machine(machine_name)
    if found is None:
        raise StepFailed("seccomp filter", errno.ENOSYS, f"no filter for {machine_name} machines")
    word, numbers = found
    refuse = bpf.answer(errno.EPERM)
    table = {numbers[n]: refuse for n in _REFUSED.split() if n in numbers}
    # In FULL there is nothing outside that they could change.
    without_effect = () if is_full else _WITHOUT_EFFECT.split()
    table |= {numbers[n]: bpf.answer(0) for n in without_effect if n in numbers}
    parts = [
        bpf.table(table),
        *_by_argument(numbers, refuse),
        *_for_old_landlock(numbers, abi, own_pid),
        *(_makers(numbers) if asks else ()),
    ]
    return bpf.prologue(word) + b"".join(parts) + bpf.otherwise(bpf.ALLOW)


def _by_argument(numbers: dict[str, int], refuse: int) -> list[bytes]:
    return [
        bpf.only_stream_pairs(numbers["socketpair"], refuse),
        bpf.unless_equal(numbers["prlimit64"], 0, (0,), refuse),
        bpf.when_any_bit(numbers["clone"], 0, _NEW_NAMESPACES, refuse),
        # ENOSYS makes the C library fall back to clone, whose flags can be looked at.
        bpf.always(numbers["clone3"], bpf.answer(errno.ENOSYS)),
        bpf.when_equal(numbers["ioctl"], 1, _TERMINAL_AND_FLAGS_IOCTLS, refuse),
        bpf.when_equal(numbers["fcntl"], 1, _LEASE_AND_NOTIFY, refuse),
        # The supervisor has to see open files of its descendants to count hidden disk use.
        bpf.when_equal(numbers["prctl"], 0, (_PR_SET_DUMPABLE,), refuse),
    ]


def _makers(numbers: dict[str, int]) -> list[bytes]:
    """The calls after which there may be one file more; mknod and bind are refused anyway."""
    parts = [bpf.always(numbers[name], bpf.ASK) for name in _MAKERS.split() if name in numbers]
    for name, flags_at in (("open", 1), ("openat", 2)):
        if name in numbers:
            parts.append(bpf.when_any_bit(numbers[name], flags_at, _CREATING, bpf.ASK))
    return [*parts, bpf.when_any_bit(numbers["renameat2"], 4, _WHITEOUT, bpf.ASK)]


def _for_old_landlock(numbers: dict[str, int], abi: int, own_pid: int) -> list[bytes]:
    refuse = bpf.answer(errno.EPERM)
    parts = [] if abi >= 3 else [bpf.always(numbers["truncate"], refuse)]
    if abi >= _SCOPES_FROM:
        return parts
    signals = ("tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo")
    parts += [bpf.unless_equal(numbers[name], 0, (own_pid,), refuse) for name in signals]
    # Zero is the own process group, which is the own session.
    return [*parts, bpf.unless_equal(numbers["kill"], 0, (own_pid, 0), refuse)]
