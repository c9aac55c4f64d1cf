"""What a sealed run may read, what it gets, and how its launcher starts."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import autoclave
from autoclave.domain.errors import InvalidInput
from autoclave.sandbox import places


def test_the_interpreter_and_this_package_are_readable() -> None:
    """Inside, Python, its packages and our own code are found."""
    trees = places.standard_trees()

    for needed in (sys.executable, pytest.__file__, autoclave.__file__):
        path = Path(needed).resolve()
        assert any(path.is_relative_to(tree) for tree in trees), needed


def test_no_home_and_no_root_is_readable() -> None:
    """None of the standard trees holds a person's files."""
    trees = places.standard_trees()

    assert Path("/") not in trees
    assert not any(Path.home().resolve().is_relative_to(tree) for tree in trees)


def test_a_prefix_that_is_a_home_is_cut_down() -> None:
    """Python installed right into a home opens its libraries only."""
    home = Path.home()

    narrow = places._narrowed(home)

    assert home not in narrow
    assert all(path.is_relative_to(home / "lib") for path in narrow)


def test_python_is_ours() -> None:
    """The name means the interpreter that runs us."""
    assert places.program("python") == sys.executable


@pytest.mark.parametrize("name", ["./x", "../bin/sh", "a/b"])
def test_relative_programs_are_refused(name: str) -> None:
    """Whether it is looked for here or there would be a guess."""
    with pytest.raises(InvalidInput):
        places.program(name)


@pytest.mark.parametrize(("name", "value"), [("", "x"), ("A=B", "x"), ("A", "x\0y"), ("A\0", "x")])
def test_broken_variables_are_refused(name: str, value: str) -> None:
    """What the kernel would cut or misread never gets that far."""
    with pytest.raises(InvalidInput):
        places.environment(Path("/x"), {name: value})


def test_the_launcher_starts_light() -> None:
    """It starts with every run, so slow modules stay out of it."""
    launcher = Path(places.__file__).with_name("launcher.py")

    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-X", "importtime", str(launcher)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={},
        check=False,
    )
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}

    assert "autoclave.sandbox.launch.supervise" in loaded
    assert not loaded & {"pathlib", "dataclasses", "typing", "asyncio", "subprocess", "random"}


@pytest.mark.parametrize("path", ["/", "/dev", "/dev/shm", "/dev/null", "/proc/1", "/sys/kernel"])
def test_what_would_open_the_machine_is_refused(path: str) -> None:
    """Devices, processes and the kernel's own files are no trees to read."""
    with pytest.raises(InvalidInput):
        places.further_trees((Path(path),))


def test_a_folder_in_memory_is_a_folder() -> None:
    """A home may lie below /dev/shm."""
    if not os.access("/dev/shm", os.W_OK):
        pytest.skip("no /dev/shm here")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        assert places.further_trees((Path(name),)) == (Path(name),)
