"""Taking back what was written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes import FakeCapability, FakeToolbox, Loop, open_loop, properties

from autoclave.core.driver import Driver
from autoclave.core.rollback import reverse
from autoclave.domain.canonical import JsonObject
from autoclave.domain.changes import ChangeSet, FileChange
from autoclave.domain.events import EventKind
from autoclave.domain.intents import Effect
from autoclave.domain.run import Run, RunStatus

contents = st.none() | st.binary(max_size=4)
trees = st.dictionaries(st.sampled_from("abcd"), st.tuples(contents, contents))


@given(tree=trees)
def test_back_and_forth_is_where_one_was(
    tree: dict[str, tuple[bytes | None, bytes | None]],
) -> None:
    """The reverse of the reverse is the change itself, and each undoes the other."""
    changes = ChangeSet(
        tuple(FileChange(path=p, before=b, after=a) for p, (b, a) in sorted(tree.items()))
    )

    assert reverse(reverse(changes)) == changes
    for forth, back in zip(changes.files, reverse(changes).files, strict=True):
        assert (forth.before, forth.after) == (back.after, back.before)


async def _write(inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
    assert workspace is not None
    old = workspace / "old.txt"
    before = old.read_bytes() if old.exists() else None
    files = (
        FileChange(path="deep/new.txt", before=None, after=b"new\n"),
        FileChange(path="gone.txt", before=b"stays\n", after=None),
        FileChange(path="old.txt", before=before, after=b"changed\n"),
    )
    return {"made": "x", "changes": ChangeSet(files)}


@pytest.fixture
async def loop(fast_tmp_path: Path) -> AsyncIterator[Loop]:
    """A loop with a step that writes three files and one that then fails."""

    async def meddle_and_fail(inputs: JsonObject, workspace: Path | None, key: str) -> JsonObject:
        assert workspace is not None
        assert (workspace / "old.txt").read_bytes() == b"changed\n"
        if (workspace / "meddle").exists():
            (workspace / "old.txt").write_bytes(b"mine\n")
        raise ValueError("no good")

    makes = FakeCapability(
        _write, effect=Effect.VERIFIABLE, writes=True, outputs=dict(properties(made="made"))
    )
    after = FakeCapability(
        meddle_and_fail, serves=("write",), inputs=dict(properties(given="made")), writes=True
    )
    opened = open_loop(fast_tmp_path, FakeToolbox(after=after, makes=makes))
    yield opened
    opened.close()


def _fill(work: Path, *more: str) -> Path:
    work.mkdir()
    (work / "old.txt").write_bytes(b"old\n")
    (work / "gone.txt").write_bytes(b"stays\n")
    for name in more:
        (work / name).touch()
    return work


async def _drive(loop: Loop, work: Path) -> tuple[Run, JsonObject]:
    run = await Driver(loop.parts).drive(await loop.add("write it", workspace=str(work)))
    events = await loop.parts.ledger.events(run.stream)
    back = next(e.payload for e in events if e.kind is EventKind.CHANGES_ROLLED_BACK)
    return run, back


async def test_a_failed_goal_leaves_every_byte_as_it_was(loop: Loop, fast_tmp_path: Path) -> None:
    """What was new is gone, what was gone is back."""
    work = _fill(fast_tmp_path / "work")

    run, back = await _drive(loop, work)

    files = {str(p.relative_to(work)): p.read_bytes() for p in work.rglob("*") if p.is_file()}
    assert run.status is RunStatus.FAILED
    assert files == {"old.txt": b"old\n", "gone.txt": b"stays\n"}
    assert sorted(back["paths"]) == ["deep/new.txt", "gone.txt", "old.txt"]
    assert back["left"] == []
    assert run.applied == ()


async def test_what_a_person_changed_since_is_left_to_them(loop: Loop, fast_tmp_path: Path) -> None:
    """And named, so that they know; the rest is taken back."""
    work = _fill(fast_tmp_path / "work", "meddle")

    _, back = await _drive(loop, work)

    assert (work / "old.txt").read_bytes() == b"mine\n"
    assert back["left"] == ["old.txt"]
    assert (work / "gone.txt").read_bytes() == b"stays\n"
    assert not (work / "deep" / "new.txt").exists()
