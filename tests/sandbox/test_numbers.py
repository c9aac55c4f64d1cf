"""Numbers written down by hand, compared with the kernel's own headers where there are some."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest

from autoclave.sandbox.launch import (
    bpf,
    calls,
    identity,
    inodes,
    landlock,
    mounts,
    namespaces,
    root,
    view,
)
from autoclave.sandbox.launch.numbers import machine

INCLUDE = Path("/usr/include")
HEADERS = {
    "x86_64": [INCLUDE / "x86_64-linux-gnu/asm/unistd_64.h", INCLUDE / "asm/unistd_64.h"],
    "aarch64": [INCLUDE / "asm-generic/unistd.h"],
}
NEWER = {
    "fchmodat2": 452,
    "statmount": 457,
    "listmount": 458,
    "setxattrat": 463,
    "removexattrat": 466,
    "open_tree_attr": 467,
    "file_setattr": 469,
}
"""Calls that older headers do not have yet. From 424 on every machine has the same numbers."""


def header(*places: Path) -> str:
    """The first that is there."""
    for place in places:
        if place.is_file():
            return place.read_text(encoding="utf-8", errors="replace")
    pytest.skip(f"no kernel header {' or '.join(map(str, places))} here")


def defined(text: str, prefix: str) -> dict[str, int]:
    lines = re.findall(rf"#define\s+{prefix}(\w+)\s+(\d+)\s", text)
    return {name: int(number) for name, number in reversed(lines)}


@pytest.mark.parametrize("name", HEADERS)
def test_call_numbers_are_the_kernels(name: str) -> None:
    """Every one that the header knows, and no other is missing from it than the newest."""
    known = machine(name)
    theirs = defined(header(*HEADERS[name]), "__NR(?:3264)?_")
    assert known
    ours = known[1]

    assert {call: ours[call] for call in ours if call in theirs} == {
        call: theirs[call] for call in ours if call in theirs
    }
    assert set(ours) - set(theirs) <= set(NEWER)
    assert {call: ours[call] for call in NEWER} == NEWER


def test_only_old_calls_are_missing_on_the_newer_machine() -> None:
    """aarch64 never had what newer calls replaced; all else that is refused exists on both."""
    tables = [machine(name) for name in HEADERS]
    assert tables[0]
    assert tables[1]

    assert set(tables[0][1]) - set(tables[1][1]) == {
        *("chmod", "chown", "lchown", "creat", "link", "mkdir", "mknod", "open", "symlink"),
        *("futimesat", "utime", "utimes", "inotify_init", "ioperm", "iopl", "modify_ldt"),
    }
    assert set(tables[1][1]) <= set(tables[0][1])


@pytest.mark.parametrize(("name", "model"), [("x86_64", "X86_64"), ("aarch64", "AARCH64")])
def test_audit_words_are_the_kernels(name: str, model: str) -> None:
    """The word by which the filter knows its machine: model, 64 bits, little end first."""
    models = defined(header(INCLUDE / "linux/elf-em.h"), "EM_")
    known = machine(name)

    assert known
    assert known[0] == models[model] | 0x80000000 | 0x40000000


@pytest.mark.parametrize("name", HEADERS)
def test_numbers_that_stand_elsewhere_agree(name: str) -> None:
    """The launcher's own calls, which it writes out so that it starts fast."""
    known = machine(name)
    assert known
    ours = known[1]

    assert (root._PIVOT_ROOT[name], root._UMOUNT2[name]) == (ours["pivot_root"], ours["umount2"])
    assert namespaces._UNSHARE[name] == view._UNSHARE[name] == ours["unshare"]
    assert identity._CAPSET[name] == ours["capset"]
    assert (ours["open_tree"], ours["move_mount"]) == (mounts._OPEN_TREE, mounts._MOVE_MOUNT)
    assert ours["mount_setattr"] == mounts._MOUNT_SETATTR


@pytest.mark.parametrize("name", HEADERS)
def test_landlock_is_the_kernels(name: str) -> None:
    """Its three calls and the rights by name."""
    theirs = defined(header(*HEADERS[name]), "__NR_")
    text = header(INCLUDE / "linux/landlock.h")
    rights = {
        right: 1 << int(bit)
        for right, bit in re.findall(r"ACCESS_FS_(\w+)\s+\(1ULL << (\d+)\)", text)
    }

    assert (
        theirs["landlock_create_ruleset"],
        theirs["landlock_add_rule"],
        theirs["landlock_restrict_self"],
    ) == (landlock._CREATE_RULESET, landlock._ADD_RULE, landlock._RESTRICT_SELF)
    ours = {
        "EXECUTE": landlock._EXECUTE,
        "WRITE_FILE": landlock._WRITE_FILE,
        "READ_FILE": landlock._READ_FILE,
        "READ_DIR": landlock._READ_DIR,
        "MAKE_CHAR": landlock._MAKE_CHAR,
        "MAKE_BLOCK": landlock._MAKE_BLOCK,
        "TRUNCATE": landlock._TRUNCATE,
        "IOCTL_DEV": landlock._IOCTL_DEVICE,
    }
    assert {right: ours[right] for right in ours if right in rights} == {
        right: rights[right] for right in ours if right in rights
    }


def test_seccomp_is_the_kernels() -> None:
    """Verdicts, and the flag and the ioctls with which calls are asked about."""
    text = header(INCLUDE / "linux/seccomp.h")
    verdicts = dict(re.findall(r"SECCOMP_RET_(\w+)\s+(0x[0-9a-f]+)U", text))
    inodes_ioctls = (inodes._RECEIVE, inodes._SEND)
    sizes = [struct.calcsize("=QIIiIQ6Q"), struct.calcsize(inodes._ANSWER)]

    assert int(verdicts["KILL_PROCESS"], 16) == bpf.KILL
    assert int(verdicts["ALLOW"], 16) == bpf.ALLOW
    assert int(verdicts["USER_NOTIF"], 16) == bpf.ASK
    assert int(verdicts["ERRNO"], 16) == bpf.answer(0)
    assert re.search(r"FLAG_NEW_LISTENER\s+\(1UL << 3\)", text)
    assert calls._NEW_LISTENER == 1 << 3
    assert sizes[0] == inodes._QUESTION
    for number, (size, ioctl) in enumerate(zip(sizes, inodes_ioctls, strict=True)):
        assert ioctl == (3 << 30) | (size << 16) | (ord("!") << 8) | number
