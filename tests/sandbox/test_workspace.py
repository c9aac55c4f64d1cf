"""The workspace of tier FULL: copied in and out, with nothing lost and nothing added."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autoclave.domain.sealed import Ended, Limits, SealedRun, Tier
from autoclave.sandbox.launch.workspace import Copy, TooMuch
from autoclave.sandbox.sealed import SealedSandbox

PLENTY = 1 << 30


def copied(source: Path, target: Path, *, most_bytes: int = PLENTY) -> None:
    handles = [os.open(path, os.O_RDONLY) for path in (source, target)]
    try:
        Copy(*handles, most_bytes=most_bytes)
    finally:
        for handle in handles:
            os.close(handle)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "file").write_text("text")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "link").symlink_to("/etc/passwd")
    return folder


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "target"
    folder.mkdir()
    return folder


def test_a_copy_is_whole(source: Path, target: Path) -> None:
    """Folders, bytes, rights to execute, times, and links as links."""
    copied(source, target)

    assert (target / "deep" / "er" / "file").read_text() == "text"
    assert (target / "run.sh").stat().st_mode & 0o777 == 0o755
    assert (target / "run.sh").stat().st_mtime_ns == (source / "run.sh").stat().st_mtime_ns
    assert (target / "link").readlink() == Path("/etc/passwd")


def test_what_is_the_same_stays(source: Path, target: Path) -> None:
    """Only what changed is written again."""
    copied(source, target)
    before = {name: (target / name).stat().st_ino for name in ("run.sh", "deep/er/file")}
    (source / "run.sh").write_text("#!/bin/bash\n")

    copied(source, target)

    after = {name: (target / name).stat().st_ino for name in before}
    assert after["deep/er/file"] == before["deep/er/file"]
    assert (target / "run.sh").read_text() == "#!/bin/bash\n"


def test_what_is_gone_goes(source: Path, target: Path) -> None:
    """Files, whole folders, and what changed its kind."""
    copied(source, target)
    (source / "deep" / "er" / "file").unlink()
    (source / "deep" / "er").rmdir()
    (source / "link").unlink()
    (source / "link").mkdir()
    (source / "run.sh").unlink()
    (source / "run.sh").symlink_to("deep")

    copied(source, target)

    assert sorted(path.name for path in target.rglob("*")) == ["deep", "link", "run.sh"]
    assert (target / "run.sh").is_symlink()
    assert (target / "link").is_dir()


def test_a_file_with_two_names_is_not_written_through(source: Path, target: Path) -> None:
    """Another name of a file in the target keeps its bytes."""
    elsewhere = target.parent / "elsewhere"
    elsewhere.write_text("theirs")
    os.link(elsewhere, target / "run.sh")

    copied(source, target)

    assert elsewhere.read_text() == "theirs"
    assert (target / "run.sh").read_text() == "#!/bin/sh\n"


def test_a_link_in_the_target_is_replaced(source: Path, target: Path) -> None:
    """Nothing is written where it leads."""
    elsewhere = target.parent / "elsewhere"
    elsewhere.mkdir()
    (target / "deep").symlink_to(elsewhere)

    copied(source, target)

    assert list(elsewhere.iterdir()) == []
    assert (target / "deep" / "er" / "file").read_text() == "text"


def test_holes_stay_holes(source: Path, target: Path) -> None:
    """A huge file without content is copied in no time and takes no room."""
    with (source / "hole").open("wb") as file:
        file.truncate(1 << 40)
        file.seek(1 << 39)
        file.write(b"x")

    copied(source, target)

    status = (target / "hole").stat()
    assert status.st_size == 1 << 40
    assert status.st_blocks * 512 < 1 << 20


def test_many_names_of_one_file_are_capped(source: Path, target: Path) -> None:
    """They would become as many files."""
    (source / "big").write_bytes(bytes(1 << 20))
    for number in range(8):
        os.link(source / "big", source / f"big{number}")

    with pytest.raises(TooMuch):
        copied(source, target, most_bytes=4 << 20)


async def test_inputs_beyond_the_limit_are_not_run(sandbox: SealedSandbox, tier: Tier) -> None:
    """The run ends by its disk, in every tier."""
    with sandbox.scratch() as folder:
        (folder / "big").write_bytes(bytes(3 << 20))
        argv = ("python", "-I", "-S", "-c", "import time; time.sleep(60)")
        limits = Limits(disk_bytes=2 << 20)
        result = await sandbox.run(SealedRun(argv=argv, folder=folder, tier=tier, limits=limits))

    assert result.ended is Ended.DISK
    assert not result.ok


async def test_rights_are_brought_back(sandbox: SealedSandbox) -> None:
    """In FULL a program may change modes, and they are there afterwards."""
    if Tier.FULL not in sandbox.tiers():
        pytest.skip("no tier FULL here")
    source = "import os; open('x', 'w'); os.chmod('x', 0o6755); os.chmod('given', 0)"
    with sandbox.scratch() as folder:
        (folder / "given").write_text("g")
        argv = ("python", "-I", "-S", "-c", source)
        result = await sandbox.run(SealedRun(argv=argv, folder=folder, tier=Tier.FULL))
        modes = [(folder / name).stat().st_mode & 0o7777 for name in ("x", "given")]

    assert result.ok, result.stderr
    assert modes == [0o755, 0o600]
