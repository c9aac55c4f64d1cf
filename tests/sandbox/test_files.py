"""Trees of files: read, compared and written without being led astray."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoclave.domain.changes import ChangeSet, FileChange
from autoclave.domain.errors import (
    Conflict,
    InvalidInput,
    NotAllowed,
    NotFound,
    OutOfResources,
    Stale,
)
from autoclave.sandbox import beneath
from autoclave.sandbox.files import SafeFiles

# Few names on purpose: files and folders of one name meet often.
NAMES = st.sampled_from(["a", "b", "c.py", "d e", "f\ng", "\x1b[2J", "-rf", "ü", "%s"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)


def _is_a_tree(tree: dict[str, bytes]) -> bool:
    return not any(other.startswith(f"{path}/") for path in tree for other in tree)


TREES = st.dictionaries(PATHS, st.binary(max_size=20), max_size=6).filter(_is_a_tree)


def _change(path: str, before: bytes | None, after: bytes | None) -> ChangeSet:
    return ChangeSet((FileChange(path=path, before=before, after=after),))


@settings(max_examples=40, deadline=None)
@given(old=TREES, new=TREES)
def test_applying_a_difference_makes_trees_equal(
    tmp_path_factory: pytest.TempPathFactory, old: dict[str, bytes], new: dict[str, bytes]
) -> None:
    """Whatever a run did to a tree, applying the difference does the same to the original."""
    files = SafeFiles()
    base = tmp_path_factory.mktemp("trees")
    files.write_tree(base / "theirs", old)
    files.write_tree(base / "ours", new)

    changes = files.difference(old, base / "ours")
    before = files.state(base / "theirs", changes)
    files.apply(base / "theirs", changes)

    assert files.read_tree(base / "theirs") == new
    assert files.state(base / "theirs", changes) == "after"
    assert before == ("before" if changes else "after")
    assert not list((base / "theirs").glob(".autoclave*"))


def test_caches_and_repositories_are_not_read(tmp_path: Path, files: SafeFiles) -> None:
    """What tools leave behind is neither input nor change."""
    files.write_tree(
        tmp_path,
        {
            "a.py": b"1",
            ".git/config": b"x",
            "venv/bin/x": b"x",
            "p/__pycache__/a.pyc": b"x",
            "p/node_modules/x.js": b"x",
            "stray.pyc": b"x",
        },
    )

    assert files.read_tree(tmp_path) == {"a.py": b"1"}
    assert files.difference({"a.py": b"1"}, tmp_path) == ChangeSet()


def test_links_are_passed_over_when_a_workspace_is_read(tmp_path: Path, files: SafeFiles) -> None:
    """A link never brings a file from outside in."""
    (tmp_path / "secret").write_text("secret")
    root = tmp_path / "root"
    files.write_tree(root, {"a": b"1"})
    (root / "file").symlink_to(tmp_path / "secret")
    (root / "folder").symlink_to(tmp_path)

    assert files.read_tree(root) == {"a": b"1"}


@pytest.mark.parametrize("kind", ["link", "pipe", "socket"])
def test_what_is_no_file_is_refused_in_a_difference(
    tmp_path: Path, files: SafeFiles, kind: str
) -> None:
    """A result that is a link, a pipe or a socket is named, and reading it never waits."""
    if kind == "link":
        (tmp_path / "result").symlink_to("/etc/passwd")
    elif kind == "pipe":
        os.mkfifo(tmp_path / "result")
    else:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(tmp_path / "result"))

    with pytest.raises(InvalidInput, match="result is a"):
        files.difference({}, tmp_path)


def test_a_pipe_is_never_waited_for(tmp_path: Path) -> None:
    """Opening a pipe for its bytes says what it is at once."""
    os.mkfifo(tmp_path / "result")

    with beneath.opened_root(tmp_path) as root, pytest.raises(OSError, match="regular") as refusal:
        beneath.read_file(root, "result", most_bytes=10)

    assert refusal.value.errno == errno.EINVAL


@pytest.mark.parametrize("way", [beneath._openat2, beneath._open_step_by_step])
@pytest.mark.parametrize("path", ["link/secret", "direct", "../secret", "a/../../secret"])
def test_no_path_leads_out(tmp_path: Path, way: object, path: str) -> None:
    """Both ways of opening refuse links, linked parents and dots."""
    (tmp_path / "secret").write_text("secret")
    root = tmp_path / "root"
    (root / "a").mkdir(parents=True)
    (root / "link").symlink_to(tmp_path)
    (root / "direct").symlink_to(tmp_path / "secret")

    with beneath.opened_root(root) as handle, pytest.raises(OSError, match=r".") as refusal:
        way(handle, path, os.O_RDONLY)  # type: ignore[operator]

    assert refusal.value.errno in (errno.ELOOP, errno.EXDEV, errno.ENOTDIR)


def test_too_many_bytes_are_refused(tmp_path: Path) -> None:
    """A huge sparse file is refused by its size, not read."""
    with (tmp_path / "big").open("wb") as file:
        file.truncate(1 << 40)

    with pytest.raises(InvalidInput, match="larger than 1000 bytes"):
        SafeFiles(most_bytes=1000).read_tree(tmp_path)


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    """The count is capped."""
    SafeFiles().write_tree(tmp_path, {f"{i}": b"" for i in range(6)})

    with pytest.raises(InvalidInput, match="more than 5 files"):
        SafeFiles(most_files=5).read_tree(tmp_path)


def test_names_that_are_not_utf8_are_refused_readably(tmp_path: Path, files: SafeFiles) -> None:
    """The refusal spells the name out."""
    (tmp_path / os.fsdecode(b"caf\xe9\x1b")).touch()

    with pytest.raises(InvalidInput, match=r"caf\\xe9\\x1b in \. is not UTF-8"):
        files.read_tree(tmp_path)


def test_a_missing_folder_is_not_found(tmp_path: Path, files: SafeFiles) -> None:
    """Reading or applying below nothing is refused."""
    with pytest.raises(NotFound):
        files.read_tree(tmp_path / "none")
    with pytest.raises(NotFound):
        files.apply(tmp_path / "none", ChangeSet())


def test_existing_files_are_not_written_over(tmp_path: Path, files: SafeFiles) -> None:
    """`write_tree` is for fresh folders."""
    (tmp_path / "a").write_text("mine")

    with pytest.raises(Conflict):
        files.write_tree(tmp_path, {"a": b"theirs"})


def test_write_tree_does_not_go_through_links(tmp_path: Path, files: SafeFiles) -> None:
    """A planted folder link does not redirect a write."""
    outside = tmp_path / "outside"
    outside.mkdir()
    root = tmp_path / "root"
    root.mkdir()
    (root / "sub").symlink_to(outside)

    with pytest.raises(Conflict):
        files.write_tree(root, {"sub/a": b"x"})

    assert not list(outside.iterdir())


@pytest.mark.parametrize(
    "path", [".git/hooks/pre-commit", "sub/.GIT/config", ".hg/hgrc", ".autoclave-x/y"]
)
def test_repositories_are_never_written(tmp_path: Path, files: SafeFiles, path: str) -> None:
    """A change cannot plant a hook that a person's git would run."""
    with pytest.raises(NotAllowed):
        files.apply(tmp_path, _change(path, None, b"x"))

    assert not list(tmp_path.iterdir())


def test_paths_through_links_are_refused(tmp_path: Path, files: SafeFiles) -> None:
    """A linked folder in the workspace is not written through."""
    outside = tmp_path / "outside"
    outside.mkdir()
    root = tmp_path / "root"
    root.mkdir()
    (root / "sub").symlink_to(outside)
    changes = _change("sub/a", None, b"x")

    with pytest.raises(NotAllowed, match="symbolic link"):
        files.apply(root, changes)

    assert files.state(root, changes) == "other"
    assert not list(outside.iterdir())


def test_a_changed_file_is_stale_and_nothing_is_written(tmp_path: Path, files: SafeFiles) -> None:
    """One file that moved on stops the whole set."""
    files.write_tree(tmp_path, {"a": b"old", "b": b"surprise"})
    changes = ChangeSet(
        (
            FileChange(path="a", before=b"old", after=b"new"),
            FileChange(path="b", before=b"old", after=b"new"),
        )
    )

    with pytest.raises(Stale, match="b is not"):
        files.apply(tmp_path, changes)

    assert files.state(tmp_path, changes) == "other"
    assert files.read_tree(tmp_path) == {"a": b"old", "b": b"surprise"}


def test_modes_are_kept_and_executables_made(tmp_path: Path, files: SafeFiles) -> None:
    """A script stays executable when its text changes; a new one becomes so on request."""
    script = tmp_path / "old.sh"
    script.write_text("old")
    script.chmod(0o750)
    changes = ChangeSet(
        (
            FileChange(path="new.sh", before=None, after=b"new", executable=True),
            FileChange(path="old.sh", before=b"old", after=b"new"),
        )
    )

    files.apply(tmp_path, changes)

    assert script.stat().st_mode & 0o777 == 0o750
    assert (tmp_path / "new.sh").stat().st_mode & 0o111


def test_the_digest_sees_bytes_names_and_modes(tmp_path: Path, files: SafeFiles) -> None:
    """Equal trees have equal digests; each kind of difference shows."""
    files.write_tree(tmp_path / "a", {"x": b"1"})
    files.write_tree(tmp_path / "b", {"x": b"1"})
    files.write_tree(tmp_path / "c", {"y": b"1"})
    same = files.tree_digest(tmp_path / "a") == files.tree_digest(tmp_path / "b")
    (tmp_path / "b" / "x").chmod(0o755)

    digests = {files.tree_digest(tmp_path / name) for name in "abc"}

    assert same
    assert len(digests) == 3


THREE = ChangeSet(
    (
        FileChange(path="changed", before=b"old", after=b"new"),
        FileChange(path="deep/er/made", before=None, after=b"new"),
        FileChange(path="folder/gone", before=b"old", after=None),
        FileChange(path="thing", before=b"old", after=None),
        FileChange(path="thing/inside", before=None, after=b"new"),
    )
)
OLD = {"changed": b"old", "folder/gone": b"old", "thing": b"old"}
NEW = {"changed": b"new", "deep/er/made": b"new", "thing/inside": b"new"}


@pytest.mark.parametrize("fails_at", range(0, 60, 2))
def test_a_failure_half_way_takes_everything_back(
    tmp_path: Path, files: SafeFiles, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    """Whichever file operation fails, the tree is as before, and trying again works."""
    files.write_tree(tmp_path, OLD)
    folders = {path for path in tmp_path.rglob("*") if path.is_dir()}
    calls = 0

    def failing(name: str) -> None:
        real = getattr(os, name)

        def operation(*args: object, **options: object) -> object:
            nonlocal calls
            calls += 1
            if calls - 1 == fails_at:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(*args, **options)

        monkeypatch.setattr(os, name, operation)

    for name in (
        "rename",
        "replace",
        "link",
        "mkdir",
        "rmdir",
        "unlink",
        "fsync",
        "fchmod",
        "open",
    ):
        failing(name)
    try:
        files.apply(tmp_path, THREE)
    except (OutOfResources, Conflict):
        expected = OLD
    else:
        expected = NEW
    monkeypatch.undo()

    assert files.read_tree(tmp_path) == expected
    if expected is OLD:
        assert {path for path in folders if path.is_dir()} == folders
    files.apply(tmp_path, THREE)
    assert files.read_tree(tmp_path) == NEW
    assert expected is NEW or not list(tmp_path.glob(".autoclave*"))


_DIES = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from autoclave.domain.changes import ChangeSet, FileChange
from autoclave.domain.canonical import digest
from autoclave.sandbox.files import SafeFiles
import json
left = int(sys.argv[2])
def dying(name):
    real = getattr(os, name)
    def operation(*args, **options):
        global left
        left -= 1
        if left < 0:
            os._exit(9)
        return real(*args, **options)
    setattr(os, name, operation)
for name in ("rename", "replace", "link", "mkdir", "rmdir", "unlink", "fsync"):
    dying(name)
SafeFiles().apply(Path(sys.argv[1]), ChangeSet.from_json(json.load(sys.stdin)))
"""


@pytest.mark.chaos
@pytest.mark.slow
@pytest.mark.parametrize("dies_at", range(0, 30, 2))
def test_applying_again_after_a_crash_finishes(
    tmp_path: Path, files: SafeFiles, dies_at: int
) -> None:
    """A process that died between any two steps leaves a tree that the next attempt completes."""
    import json

    import autoclave

    files.write_tree(tmp_path, OLD)
    source = str(Path(autoclave.__file__).parents[1])
    command = [sys.executable, "-c", _DIES, str(tmp_path), str(dies_at), source]
    text = json.dumps(THREE.to_json()).encode()
    done = subprocess.run(command, input=text, check=False)

    state = files.state(tmp_path, THREE)
    files.apply(tmp_path, THREE)

    assert done.returncode in (0, 9)
    assert state in ("before", "mixed", "after")
    assert files.read_tree(tmp_path) == NEW
    assert not list(tmp_path.glob(".autoclave*"))


_IN_A_SMALL_PLACE = """
import ctypes, json, os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
root, kind = sys.argv[1], sys.argv[2]
libc = ctypes.CDLL(None, use_errno=True)
if libc.unshare(0x20000) or libc.mount(None, b"/", None, 0x44000, None):
    sys.exit(77)
if libc.mount(b"t", root.encode(), b"tmpfs", 0, b"size=32k"):
    sys.exit(77)
Path(root, "a").write_bytes(b"old")
if kind == "read-only" and libc.mount(None, root.encode(), None, 0x21, None):
    sys.exit(77)
from autoclave.domain.changes import ChangeSet, FileChange
from autoclave.domain.errors import AutoclaveError
from autoclave.sandbox.files import SafeFiles
changes = ChangeSet((
    FileChange(path="a", before=b"old", after=b"new"),
    FileChange(path="b", before=None, after=bytes(100_000)),
))
try:
    SafeFiles().apply(Path(root), changes)
except AutoclaveError as error:
    left = sorted(os.listdir(root))
    print(json.dumps([type(error).__name__, error.message, Path(root, "a").read_text(), left]))
"""


@pytest.mark.parametrize(
    ("kind", "error", "words"),
    [
        ("full", "OutOfResources", "No space left"),
        ("read-only", "Conflict", "Read-only file system"),
    ],
)
def test_a_full_or_read_only_disk_changes_nothing(
    tmp_path: Path, kind: str, error: str, words: str
) -> None:
    """The refusal says why, the old file is whole, and nothing is left beside it."""
    import json

    import autoclave

    source = str(Path(autoclave.__file__).parents[1])
    command = [sys.executable, "-c", _IN_A_SMALL_PLACE, str(tmp_path), kind, source]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode == 77:
        pytest.skip("mounting a small file system is refused here")

    name, message, text, left = json.loads(done.stdout)

    assert (name, text, left) == (error, "old", ["a"])
    assert words in message
