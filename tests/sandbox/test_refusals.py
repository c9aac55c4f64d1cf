"""Machines on which a sealed run cannot be had: made here by taking something away."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import autoclave
from autoclave.domain.sealed import Tier

_HOBBLED = """
import asyncio, ctypes, errno, os, struct, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from autoclave.domain.errors import SandboxUnavailable
from autoclave.domain.sealed import SealedRun
from autoclave.sandbox.launch import bpf
from autoclave.sandbox.launch.numbers import machine
from autoclave.sandbox.launch.system import call, prctl
from autoclave.sandbox.sealed import SealedSandbox
word, numbers = machine(os.uname().machine)
number = int(sys.argv[3]) if sys.argv[3].isdigit() else numbers[sys.argv[3]]
verdict = bpf.answer(getattr(errno, sys.argv[4]))
code = bpf.prologue(word) + bpf.always(number, verdict) + bpf.otherwise(bpf.ALLOW)
buffer = ctypes.create_string_buffer(code, len(code))
prctl("no new privileges", 38, 1)
header = struct.pack("=H6xQ", len(code) // 8, ctypes.addressof(buffer))
call("filter", numbers["seccomp"], 1, 0, header)
sandbox = SealedSandbox(base=Path(sys.argv[2]))
async def main():
    with sandbox.scratch() as folder:
        await sandbox.run(SealedRun(argv=("touch", "was-run"), folder=folder))
try:
    print(sandbox.tiers())
    asyncio.run(main())
except SandboxUnavailable as refusal:
    print(refusal.message)
    print(refusal.hint)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("taken", "error", "step"),
    [
        ("444", "ENOSYS", "landlock version"),
        ("444", "ENOTSUP", "landlock version"),
        ("446", "EPERM", "landlock restrict"),
        ("seccomp", "ENOSYS", "seccomp filter"),
        ("capset", "EPERM", "drop capabilities"),
    ],
)
def test_a_missing_part_is_named(tmp_path: Path, taken: str, error: str, step: str) -> None:
    """No tier, and a refusal with the step, the errno and that nothing was executed."""
    source = str(Path(autoclave.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", _HOBBLED, source, str(tmp_path), taken, error],
        capture_output=True,
        text=True,
        check=False,
    )

    tiers, message, hint = done.stdout.splitlines()

    assert tiers == "()"
    assert f"'{step}' failed ({error}" in message
    assert "nothing was executed" in message
    assert hint


@pytest.mark.slow
@pytest.mark.parametrize("taken", ["pivot_root", "mount", "openat2"])
def test_without_a_part_of_the_full_tier_the_next_one_is_had(tmp_path: Path, taken: str) -> None:
    """FULL is given up, the run goes on in RESTRICTED."""
    if taken == "mount" and os.geteuid() == 0:
        pytest.skip("root may need mounts for RESTRICTED too")
    source = str(Path(autoclave.__file__).parents[1])
    number = "437" if taken == "openat2" else taken

    done = subprocess.run(
        [sys.executable, "-c", _HOBBLED, source, str(tmp_path), number, "EPERM"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines() == [str((Tier.RESTRICTED,))]


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to take a capability from it")
def test_root_that_may_not_mount_is_told_what_to_do(tmp_path: Path) -> None:
    """Python below a closed folder needs a mount; without leave for it the refusal says so."""
    if all(parent.stat().st_mode & 0o001 for parent in Path(sys.executable).resolve().parents):
        pytest.skip("this Python can be reached by everyone")
    source = str(Path(autoclave.__file__).parents[1])
    number = {"x86_64": "272", "aarch64": "97"}[os.uname().machine]

    done = subprocess.run(
        [sys.executable, "-c", _HOBBLED, source, str(tmp_path), number, "EPERM"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert "own mount namespace" in done.stdout
    assert "run as an ordinary user" in done.stdout
