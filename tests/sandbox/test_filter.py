"""The system call filter, computed for both machines and read by a small BPF machine here."""

from __future__ import annotations

import errno
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoclave.sandbox.launch import bpf, calls
from autoclave.sandbox.launch.numbers import machine

MACHINES = ("x86_64", "aarch64")
ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
EPERM = ERRNO | errno.EPERM
OWN = 4242


def verdict(
    machine_name: str,
    call: str | int,
    *arguments: int,
    abi: int = 7,
    word: int = 0,
    asks: bool = False,
) -> int:
    """What the filter says to one call, step by step as the kernel would."""
    known = machine(machine_name)
    assert known
    number = known[1][call] if isinstance(call, str) else call
    padded = (*arguments, 0, 0, 0, 0, 0, 0)[:6]
    data = struct.pack("<IIQ6Q", number, word or known[0], 0, *padded)
    return answer_of(calls.program(machine_name, abi=abi, own_pid=OWN, asks=asks), data)


def answer_of(code: bytes, data: bytes) -> int:
    """What a program answers, step by step as the kernel would."""
    at, value = 0, 0
    while True:
        operation, if_true, if_false, operand = struct.unpack_from("=HBBI", code, at * 8)
        at += 1
        if operation == 0x20:
            value = struct.unpack_from("<I", data, operand)[0]
        elif operation == 0x05:
            at += operand
        elif operation == 0x54:
            value &= operand
        elif operation == 0x06:
            return int(operand)
        else:
            tests = {0x15: value == operand, 0x35: value >= operand, 0x45: bool(value & operand)}
            at += if_true if tests[operation] else if_false


@pytest.mark.parametrize("name", MACHINES)
def test_other_machines_are_killed(name: str) -> None:
    """Calls by the numbers of another machine end the process."""
    assert verdict(name, 0, word=0x40000003) == KILL
    assert verdict(name, 0x40000000 + 59) == KILL


@pytest.mark.parametrize("name", MACHINES)
@pytest.mark.parametrize(
    "call",
    [
        *("ptrace", "io_uring_setup", "bpf", "mount", "setns", "unshare", "keyctl", "socket"),
        *("connect", "bind", "pidfd_getfd", "shmget", "mknodat", "kexec_load", "userfaultfd"),
        *("memfd_create", "process_vm_readv", "name_to_handle_at", "perf_event_open"),
    ],
)
def test_dangerous_calls_are_refused(name: str, call: str) -> None:
    """With EPERM, whatever the arguments."""
    assert verdict(name, call, 1, 2, 3) == EPERM


@pytest.mark.parametrize("name", MACHINES)
@pytest.mark.parametrize("call", ["fchmod", "fchmodat", "fchownat", "utimensat", "setxattr"])
def test_changes_of_mode_and_owner_are_hollow(name: str, call: str) -> None:
    """They report success and do nothing, so that plain copies work."""
    assert verdict(name, call, 3, 0o777) == ERRNO


@pytest.mark.parametrize("name", MACHINES)
@pytest.mark.parametrize(
    ("call", "arguments", "expected"),
    [
        ("socketpair", (1, 1), ALLOW),
        ("socketpair", (1, 1 | 0o2000000 | 0o4000), ALLOW),
        ("socketpair", (1, 5), ALLOW),
        ("socketpair", (1, 2), EPERM),
        ("socketpair", (1, 3), EPERM),
        ("socketpair", (2, 1), EPERM),
        ("prlimit64", (0, 7), ALLOW),
        ("prlimit64", (1, 7), EPERM),
        ("clone", (0x11,), ALLOW),
        ("clone", (0x003D0F00,), ALLOW),
        ("clone", (0x10000011,), EPERM),
        ("clone", (0x00020011,), EPERM),
        ("clone3", (0,), ERRNO | errno.ENOSYS),
        ("ioctl", (0, 0x5401), ALLOW),
        ("ioctl", (0, 0x5412), EPERM),
        ("ioctl", (0, 0x541C), EPERM),
        ("ioctl", (0, 0xFFFFFFFF00005412), EPERM),
        ("fcntl", (0, 2), ALLOW),
        ("fcntl", (0, 1024), EPERM),
        ("prctl", (15,), ALLOW),
        ("prctl", (4,), EPERM),
        ("kill", (1, 9), ALLOW),
        ("truncate", (0, 0), ALLOW),
    ],
)
def test_verdicts_by_argument(
    name: str, call: str, arguments: tuple[int, ...], expected: int
) -> None:
    """Some calls are judged by what is asked of them."""
    assert verdict(name, call, *arguments) == expected


@pytest.mark.parametrize("name", MACHINES)
@pytest.mark.parametrize("call", ["kill", "tkill", "tgkill", "rt_sigqueueinfo"])
def test_old_landlock_leaves_signals_to_the_filter(name: str, call: str) -> None:
    """Below ABI 6 only signals to itself are left."""
    assert verdict(name, call, 1, 9, abi=5) == EPERM
    assert verdict(name, call, OWN, 9, abi=5) == ALLOW


@pytest.mark.parametrize("name", MACHINES)
def test_very_old_landlock_leaves_truncation_to_the_filter(name: str) -> None:
    """Below ABI 3 a path could be truncated from outside its tree."""
    assert verdict(name, "truncate", abi=2) == EPERM


@given(name=st.sampled_from(MACHINES), number=st.integers(0, 600))
def test_what_is_not_named_is_allowed(name: str, number: int) -> None:
    """The filter always ends, and lets everything else through."""
    known = machine(name)
    assert known
    answer = verdict(name, number)

    assert answer == ALLOW if number not in known[1].values() else answer in _ANSWERS


_ANSWERS = (ALLOW, EPERM, ERRNO, ERRNO | errno.ENOSYS)


@pytest.mark.parametrize("name", MACHINES)
def test_calls_that_may_make_a_file_are_asked_about(name: str) -> None:
    """Only where that is wanted; what opens a file that is there is not."""
    creating = {"openat": (0, 0, 0o100), "mkdirat": (), "symlinkat": (), "linkat": ()}
    creating |= {"openat2": (), "renameat2": (0, 0, 0, 0, 4)}
    if name == "x86_64":
        creating |= {"open": (0, 0o101), "creat": (), "mkdir": (), "symlink": (), "link": ()}

    for call, arguments in creating.items():
        assert verdict(name, call, *arguments, asks=True) == bpf.ASK
        assert verdict(name, call, *arguments) == ALLOW
    assert verdict(name, "openat", 0, 0, 0o20200000, asks=True) == bpf.ASK
    assert verdict(name, "openat", 0, 0, 0o2, asks=True) == ALLOW
    assert verdict(name, "renameat2", asks=True) == ALLOW
    assert verdict(name, "mknodat", asks=True) == EPERM


@given(st.dictionaries(st.integers(0, 600), st.sampled_from([EPERM, ERRNO, KILL]), max_size=300))
def test_a_table_says_what_a_list_says(verdicts: dict[int, int]) -> None:
    """For every number, also those that are not in it."""
    code = bpf.table(verdicts) + bpf.otherwise(ALLOW)
    load = struct.pack("=HBBI", 0x20, 0, 0, 0)

    for number in {0, 601, 0x3FFFFFFF, *verdicts, *(n + 1 for n in verdicts)}:
        said = answer_of(load + code, struct.pack("<IIQ6Q", number, 0, 0, *(0,) * 6))
        assert said == verdicts.get(number, ALLOW)


@pytest.mark.parametrize("name", MACHINES)
def test_the_whole_filter_refuses_by_number_what_its_lists_name(name: str) -> None:
    """Every number there is, one by one."""
    known = machine(name)
    assert known
    refused = {known[1][call] for call in calls._REFUSED.split() if call in known[1]}
    hollow = {known[1][call] for call in calls._WITHOUT_EFFECT.split() if call in known[1]}
    by_argument = {
        known[1][call]
        for call in ("socketpair", "prlimit64", "clone", "clone3", "ioctl", "fcntl", "prctl")
    }

    for number in set(range(700)) - by_argument:
        expected = EPERM if number in refused else ERRNO if number in hollow else ALLOW
        assert verdict(name, number) == expected, number
