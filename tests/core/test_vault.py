"""What stands behind marks: kept privately, per stream, through kills, and given back exactly."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fakes import FakeToolbox, open_loop

from autoclave.core.concealing import conceal_ran, reveal_changes
from autoclave.core.redaction import MARK, Redaction
from autoclave.core.vault import Vault, still_needed
from autoclave.domain.capability import CapabilityResult
from autoclave.domain.changes import ChangeSet, FileChange
from autoclave.domain.errors import NotFound
from autoclave.domain.sealed import Ended, Tier
from autoclave.sandbox.files import SafeFiles

KEY = b"k" * 32
TOKEN = "ghp_" + "a1B2c3D4" * 5
OTHER = "sk-ant-" + "x9Y8z7" * 6
STREAM = "goal/G-0001"

contents = st.lists(
    st.one_of(
        st.binary(max_size=30),
        st.sampled_from(
            [
                TOKEN.encode(),
                f"\npassword='{OTHER}'\n".encode(),
                "naïve «text»\n".encode(),
                b"<redacted:github:0123456789abcdef>",
            ]
        ),
    ),
    max_size=4,
).map(b" ".join)
paths = st.sampled_from(["a.txt", "b/c.env", f"d/{TOKEN}.txt", "z"])


@st.composite
def change_sets(draw: st.DrawFn) -> ChangeSet:
    """Any files with anything in them, made, changed and removed."""
    files = []
    for path in sorted(draw(st.sets(paths, max_size=4))):
        before, after = draw(st.none() | contents), draw(st.none() | contents)
        if before != after:
            files.append(FileChange(path=path, before=before, after=after))
    return ChangeSet(tuple(files))


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path / "vault", Redaction(KEY))


def test_what_was_concealed_is_given_back_to_another_process(tmp_path: Path, vault: Vault) -> None:
    """It is on disk before the mark can be."""
    concealed = vault.conceal(STREAM, {"text": f"use {TOKEN}"})

    again = Vault(tmp_path / "vault", Redaction(KEY))

    assert TOKEN not in concealed["text"]
    assert again.reveal(STREAM, concealed) == {"text": f"use {TOKEN}"}
    assert stat.S_IMODE((tmp_path / "vault").stat().st_mode) == 0o600


def test_a_mark_is_worth_nothing_in_another_stream(vault: Vault) -> None:
    """Text that carries a mark from one run into the next one gets no secret for it."""
    concealed = vault.conceal(STREAM, TOKEN)

    with pytest.raises(NotFound, match="goal/G-0002"):
        vault.reveal("goal/G-0002", concealed)


def test_text_that_looks_like_a_mark_is_no_mark(vault: Vault) -> None:
    """What comes from files and pages can name a mark, and gets back only what it said."""
    mark = vault.conceal(STREAM, TOKEN)

    read = vault.conceal(STREAM, f"send {mark} to me", literal=True)

    assert vault.reveal(STREAM, read) == f"send {mark} to me"


def test_a_line_that_a_kill_cut_off_is_passed_over(tmp_path: Path, vault: Vault) -> None:
    """The next one begins on a line of its own."""
    first = vault.conceal(STREAM, TOKEN)
    with (tmp_path / "vault").open("ab") as file:
        file.write(b'{"stream": "goal/G-00')

    second = vault.conceal(STREAM, OTHER)

    again = Vault(tmp_path / "vault", Redaction(KEY))
    assert again.reveal(STREAM, [first, second]) == [TOKEN, OTHER]


def test_two_processes_keep_in_one_file(tmp_path: Path, vault: Vault) -> None:
    """Neither overwrites the other, and each finds what the other kept."""
    other = Vault(tmp_path / "vault", Redaction(KEY))

    mine, theirs = vault.conceal(STREAM, TOKEN), other.conceal(STREAM, OTHER)

    assert vault.reveal(STREAM, theirs) == OTHER
    assert other.reveal(STREAM, mine) == TOKEN
    assert len((tmp_path / "vault").read_text().splitlines()) == 2


def test_what_is_not_needed_is_forgotten(tmp_path: Path, vault: Vault) -> None:
    """Not a byte of it is left in the file; what is needed stays."""
    gone, kept = vault.conceal(STREAM, TOKEN), vault.conceal("goal/G-0002", OTHER)

    forgotten = vault.prune(lambda stream, at: stream != STREAM)

    assert forgotten == 1
    assert TOKEN not in (tmp_path / "vault").read_text()
    assert vault.reveal("goal/G-0002", kept) == OTHER
    with pytest.raises(NotFound):
        vault.reveal(STREAM, gone)
    assert vault.conceal(STREAM, TOKEN) == gone
    assert vault.reveal(STREAM, gone) == TOKEN


def test_a_goal_keeps_its_secrets_for_a_month_after_its_end() -> None:
    """It may be tried again; one that has not ended keeps them however old it is."""
    day = 86_400.0
    is_needed = still_needed({"goal/G-0001": 10 * day, "goal/G-0002": 80 * day}, now=100 * day)

    kept = {n: is_needed(f"goal/G-000{n}", 0.0) for n in (1, 2, 3)}

    assert kept == {1: False, 2: True, 3: True}
    assert is_needed("proposal/P-0001", 20 * day)
    assert not is_needed("proposal/P-0001", 5 * day)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50
)
@given(change_sets())
def test_what_is_written_is_what_was_prepared(tmp_path: Path, changes: ChangeSet) -> None:
    """For any change set: nothing of a secret is in what is stored, and the files come out true."""
    with TemporaryDirectory(dir=tmp_path) as name:
        folder = Path(name)
        loop = open_loop(folder, FakeToolbox())
        work = folder / "work"
        befores = {e.path: e.before for e in changes.files if e.before is not None}
        SafeFiles().write_tree(work, befores)

        concealed = conceal_ran(loop.parts, STREAM, _ran(changes)).changes
        stored = ChangeSet.from_json(concealed.to_json())
        SafeFiles().apply(work, reveal_changes(loop.parts, STREAM, stored))

        told = f"{concealed.to_json()} {concealed.diff()}"
        assert TOKEN not in told
        assert OTHER not in told
        assert stored.digest == concealed.digest
        assert reveal_changes(loop.parts, STREAM, stored) == changes
        for each in changes.files:
            there = work / each.path
            assert (there.read_bytes() if there.exists() else None) == each.after
        loop.close()


def test_a_change_set_without_secrets_is_left_as_it_is(tmp_path: Path) -> None:
    """Not even copied into other bytes: its digest and its diff are those of the true one."""
    loop = open_loop(tmp_path, FakeToolbox())
    changes = ChangeSet((FileChange(path="a.py", before=b"x = 1\n", after=bytes(range(256))),))

    ran = conceal_ran(loop.parts, STREAM, _ran(changes))

    assert ran.changes == changes
    assert not (tmp_path / "vault").exists()
    loop.close()


def test_marks_are_seen_by_people(vault: Vault) -> None:
    """The diff says where something is hidden, and of which kind."""
    found = MARK.findall(vault.conceal(STREAM, f"-a\n+{TOKEN}\n"))

    assert [mark.split(":")[1] for mark in found] == ["github"]


def _ran(changes: ChangeSet, **outputs: Any) -> CapabilityResult:
    empty = CapabilityResult(
        outputs={},
        changes=changes,
        failure=None,
        ended=Ended.EXITED,
        log=b"",
        seconds=0.0,
        cpu_seconds=0.0,
        max_rss_bytes=0,
        tier=Tier.FULL,
    )
    return replace(empty, outputs=outputs)
