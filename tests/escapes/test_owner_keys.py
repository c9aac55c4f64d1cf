"""No sealed run gets at the key of an owner, whatever the modes of its file say."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoclave.cli.signing import KeyFile, create_key
from autoclave.domain.sealed import SealedRun, Tier
from autoclave.sandbox.sealed import SealedSandbox

pytestmark = pytest.mark.slow

READ = """\
import os, sys
for way in (lambda p: open(p, "rb").read(), os.listdir, lambda p: os.link(p, "mine"),
            lambda p: os.symlink(p, "there") or open("there", "rb").read()):
    for path in sys.argv[1:]:
        try:
            way(path)
            print("REACHED", path)
        except OSError as error:
            print("no:", error.strerror)
"""


@pytest.fixture
def key() -> Iterator[Path]:
    """Somebody's key, left open to everybody so that only the seal keeps it."""
    with tempfile.TemporaryDirectory(prefix="autoclave-owner-", dir="/tmp") as name:
        path = Path(name) / "owners" / "maria.key"
        create_key(KeyFile(path=path))
        for each in (Path(name), path.parent, path):
            each.chmod(0o777)
        yield path


async def test_a_sealed_run_cannot_read_an_owners_key(
    sandbox: SealedSandbox, tier: Tier, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its path, its folder, a link to it; and its environment does not say where it is."""
    monkeypatch.setenv("AUTOCLAVE_OWNER_KEY", str(key))
    there = (str(key), str(key.parent), f"/proc/{os.getpid()}/root{key}")
    says = "import os; print(os.environ.get('AUTOCLAVE_OWNER_KEY', 'nothing'))"

    with sandbox.scratch() as folder:
        read = await sandbox.run(
            SealedRun(argv=("python", "-c", READ, *there), folder=folder, tier=tier)
        )
        told = await sandbox.run(SealedRun(argv=("python", "-c", says), folder=folder, tier=tier))

    assert read.ok, read.stderr
    assert read.stdout.count(b"no:") == 4 * len(there), read.stdout
    assert told.stdout == b"nothing\n"
