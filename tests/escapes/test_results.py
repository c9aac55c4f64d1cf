"""Results that are meant to harm who reads them: sections A and E of the corpus."""

from __future__ import annotations

import ast
import contextlib
import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import autoclave
from autoclave.domain.changes import ChangeSet, FileChange
from autoclave.domain.errors import AutoclaveError, InvalidInput, NotAllowed
from autoclave.domain.sealed import SealedRun, Tier
from autoclave.sandbox import beneath
from autoclave.sandbox.files import SafeFiles
from autoclave.sandbox.sealed import SealedSandbox

pytestmark = pytest.mark.slow
SWAPS = 20_000


@contextlib.contextmanager
def swapping(folder: Path, source: str) -> Iterator[None]:
    """Another process that swaps names in a folder as fast as it can."""
    process = subprocess.Popen([sys.executable, "-I", "-S", "-c", source], cwd=folder)
    try:
        yield
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("path", "source"),
    [
        (
            "file",
            "import os\nwhile True:\n os.symlink('../secret', 'x'); os.rename('x', 'file')\n"
            " open('x', 'w').close(); os.rename('x', 'file')",
        ),
        (
            "folder/file",
            "import os\nos.mkdir('real'); open('real/file', 'w').close()\nwhile True:\n"
            " os.rename('real', 'folder'); os.rename('folder', 'real')\n"
            " os.symlink('..', 'folder'); os.unlink('folder')",
        ),
    ],
)
def test_names_swapped_while_they_are_read(tmp_path: Path, path: str, source: str) -> None:
    """Items 14 and 15: a link in place of a file, or of a folder above it, opens nothing."""
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "inside").mkdir()
    (tmp_path / "file").write_text("secret")
    seen, refused = 0, 0

    with swapping(tmp_path / "inside", source), beneath.opened_root(tmp_path / "inside") as root:
        for attempt in range(SWAPS * 500):
            if attempt >= SWAPS and seen and refused:
                break  # on a busy machine the other side may take its time
            try:
                data, _ = beneath.read_file(root, path, most_bytes=100)
            except OSError as error:
                refused += error.errno in (errno.ELOOP, errno.EXDEV)
                continue
            seen += 1
            assert data == b""

    assert seen
    assert refused


def _a_pipe(folder: Path) -> None:
    os.mkfifo(folder / "bad")


def _a_link(folder: Path) -> None:
    (folder / "bad").symlink_to("/etc/passwd")


def _a_hole(folder: Path) -> None:
    with (folder / "bad").open("wb") as file:
        file.truncate(1 << 40)


def _not_text(folder: Path) -> None:
    (folder / os.fsdecode(b"bad\xff")).write_text("x")


@pytest.mark.parametrize("make", [_a_pipe, _a_link, _a_hole, _not_text])
def test_what_is_no_result(tmp_path: Path, make: Any) -> None:
    """Items 3, 18 and 19: pipes, links, huge holes, names that are no text."""
    make(tmp_path)

    with pytest.raises(InvalidInput):
        SafeFiles().difference({}, tmp_path)


@pytest.mark.parametrize(
    "path",
    [".git/hooks/pre-commit", ".git/config", "a/.git/config", ".hg/hgrc", ".GIT/config"],
)
def test_files_that_others_would_run(tmp_path: Path, path: str) -> None:
    """Items 20 and 21: by name, so also those that are not there yet."""
    change = FileChange(path=path, before=None, after=b"x", executable=True)

    with pytest.raises(NotAllowed):
        SafeFiles().apply(tmp_path, ChangeSet((change,)))

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["../x", "/x", "a/../../x", "a//b", "./x", "", "a\0b"])
def test_paths_that_lead_out(tmp_path: Path, path: str) -> None:
    """Item 16: as a member of an archive would."""
    with pytest.raises(AutoclaveError):
        SafeFiles().write_tree(tmp_path, {path: b"x"})


async def test_traps_in_the_workspace(sandbox: SealedSandbox, tier: Tier) -> None:
    """Items 3 and 18: what a run leaves is taken over as it is, and followed nowhere."""
    source = """
import os
os.symlink('/etc/passwd', 'link'); os.symlink('..', 'up'); os.mkdir('closed', 0)
os.truncate(os.open('hole', os.O_CREAT | os.O_RDWR), 60 << 20)
open('given', 'w').write('changed'); os.link('given', 'twice'); os.unlink('gone')
os.symlink('/', 'folder_then_link') if not os.rmdir('folder_then_link') else 0
"""
    with sandbox.scratch() as folder:
        (folder / "given").write_text("x")
        (folder / "gone").write_text("x")
        (folder / "folder_then_link").mkdir()
        argv = ("python", "-I", "-S", "-B", "-c", source)
        result = await sandbox.run(SealedRun(argv=argv, folder=folder, tier=tier))
        files = SafeFiles()
        with pytest.raises(InvalidInput):
            files.difference({}, folder)
        found = {p.name: (p.is_symlink(), p.lstat().st_size) for p in folder.iterdir()}

    assert result.ok, result.stderr
    assert {name for name, (is_link, _) in found.items() if is_link} == {
        *("link", "up", "folder_then_link")
    }
    assert (found["hole"][1], found["given"][1], found["twice"][1]) == (60 << 20, 7, 7)
    assert "gone" not in found


def test_bytecode_is_never_a_result(tmp_path: Path) -> None:
    """Item 80: neither beside the sources nor in a cache."""
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "x.cpython-311.pyc").write_bytes(b"x")
    (tmp_path / "x.pyc").write_bytes(b"x")

    assert SafeFiles().difference({}, tmp_path).files == ()


def test_nothing_from_inside_is_unpickled() -> None:
    """Item 81: no module of ours can; `marshal` only carries our own launcher's orders."""
    root = Path(autoclave.__file__).parent
    users: dict[str, set[str]] = {}
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                names.append(node.module)
            for name in {n.partition(".")[0] for n in names}:
                users.setdefault(name, set()).add(str(path.relative_to(root)))

    assert not users.keys() & {"pickle", "shelve", "dill", "joblib", "cloudpickle"}
    assert all(user.startswith("sandbox/") for user in users.get("marshal", ()))
