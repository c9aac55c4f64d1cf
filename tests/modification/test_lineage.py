"""The history: nothing in the body can make git run a program or keep other bytes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autoclave.domain.errors import Conflict, NotFound, OutOfResources
from autoclave.modification.body import Body
from autoclave.modification.lineage import Lineage, Step

HOSTILE = {
    "capabilities/.gitattributes": b"* filter=evil eol=crlf ident\n",
    "capabilities/a/code.py": b"x = 1\r\n$Id$\n\xff\x00",
    'capabilities/a/quo"te\\ \n name.py': b"",
    "capabilities/a/\xc3\xa4.py": b"y\n",
}


def test_bytes_come_back_as_they_went_in(lineage: Lineage) -> None:
    """No filter, no line end conversion, no name that confuses the importer."""
    body = Body(files=HOSTILE, executable=frozenset({"capabilities/a/code.py"}))

    entry = lineage.commit_tree(body, step=Step.BEGIN, message="as found")

    assert lineage.body_at(entry.commit) == body
    assert entry.tree == body.digest
    assert lineage.file_at(entry.commit, "capabilities/a/code.py").endswith(b"\xff\x00")


def test_the_environment_has_no_say(
    lineage: Lineage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git variables of whoever started us point nowhere."""
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.hooksPath")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(tmp_path))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "someone")

    lineage.commit_tree(Body(files={"a": b"1"}), step=Step.BEGIN, message="m")

    assert len(lineage.log()) == 1
    assert not (tmp_path / "elsewhere").exists()


def test_hooks_are_not_run(lineage: Lineage, home: Path) -> None:
    """Not even those that stand in the git directory itself."""
    lineage.commit_tree(Body(files={"a": b"1"}), step=Step.BEGIN, message="m")
    hook = home / ".autoclave/lineage.git/hooks/reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {home}/ran\n", encoding="utf-8")
    hook.chmod(0o755)

    lineage.commit_tree(Body(files={"a": b"2"}), step=Step.APPLY, message="m", proposal="P-1")

    assert not (home / "ran").exists()


def test_a_lock_of_a_killed_process_is_not_in_the_way(lineage: Lineage, home: Path) -> None:
    """We are the only writer of this directory."""
    lineage.commit_tree(Body(files={"a": b"1"}), step=Step.BEGIN, message="m")
    (home / ".autoclave/lineage.git/refs/heads/main.lock").touch()

    lineage.commit_tree(Body(files={"a": b"2"}), step=Step.APPLY, message="m", proposal="P-1")

    assert [entry.step for entry in lineage.log()] == ["apply", "begin"]


def test_a_message_can_not_forge_a_trailer(lineage: Lineage) -> None:
    """Ours are the last paragraph; control characters are spelled out."""
    entry = lineage.commit_tree(
        Body(files={"a": b"1"}),
        step=Step.APPLY,
        message="Nice\x1b[2J\n\nProposal: P-9\nStep: begin",
        proposal="P-1\nStep: undo",
    )

    assert entry.step is Step.APPLY
    assert entry.proposal == "P-1\\nStep: undo"
    assert "\x1b" not in entry.message


def test_a_new_home_has_no_history(lineage: Lineage, home: Path) -> None:
    """Looking does not make one."""
    assert lineage.log() == []
    assert lineage.head() == ""
    assert not (home / ".autoclave").exists()


def test_what_is_missing_or_broken_is_said(lineage: Lineage, home: Path) -> None:
    """A file that was never there, and a directory that git cannot use."""
    entry = lineage.commit_tree(Body(files={"a": b"1"}), step=Step.BEGIN, message="m")
    with pytest.raises(NotFound, match="b is not in"):
        lineage.file_at(entry.commit, "b")

    os.truncate(home / ".autoclave/lineage.git/HEAD", 0)
    with pytest.raises((OutOfResources, Conflict)):
        lineage.commit_tree(Body(files={"a": b"2"}), step=Step.APPLY, message="m")
