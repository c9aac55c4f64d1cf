"""Changes as values: JSON, digest, and a diff that says exactly what happens."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autoclave.domain.changes import ChangeSet, FileChange, check_relative
from autoclave.domain.errors import InvalidInput

contents = st.none() | st.binary(max_size=40) | st.text(max_size=40).map(lambda t: t.encode())
lines = st.text(alphabet="ab \t\r\x0b\x0c\x1c\x1e\x85\u2028é", max_size=4)
texts = st.none() | st.builds(
    lambda parts, end: ("\n".join(parts) + end).encode(), st.lists(lines, max_size=5), st.just("")
)
segments = st.text(
    alphabet=st.characters(exclude_characters="/\0", exclude_categories=["Cs"]),
    min_size=1,
    max_size=6,
).filter(lambda name: name not in (".", ".."))
paths = st.lists(segments, min_size=1, max_size=3).map("/".join)


def _changes(made: dict[str, tuple[bytes | None, bytes | None, bool]]) -> ChangeSet:
    return ChangeSet(
        tuple(
            FileChange(path=path, before=before, after=after, executable=mode)
            for path, (before, after, mode) in sorted(made.items())
        )
    )


change_sets = st.dictionaries(paths, st.tuples(contents, contents, st.booleans()), max_size=4).map(
    _changes
)


@given(changes=change_sets)
def test_any_bytes_survive_json(changes: ChangeSet) -> None:
    """And the digest with them."""
    again = ChangeSet.from_json(changes.to_json())

    assert again == changes
    assert again.digest == changes.to_json()["digest"]


@given(one=change_sets, other=change_sets)
def test_the_digest_names_one_change(one: ChangeSet, other: ChangeSet) -> None:
    """Another path, byte or mode is another digest."""
    assert (one.digest == other.digest) is (one == other)


@given(changes=change_sets)
def test_no_change_is_without_a_line_in_the_diff(changes: ChangeSet) -> None:
    """A person who reads it sees every file that becomes another, also an empty one."""
    real = [c for c in changes.files if c.before != c.after]

    assert bool(real) <= bool(changes.diff())
    for each in real:
        assert ChangeSet((each,)).diff()


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("plain.txt", b"one\ntwo\n", b"one\n2\n"),
        ("with space.txt", b"a\n", b"b\n"),
        ('quote".txt', b"a\n", b"b\n"),
        ("back\\slash.txt", b"a\n", b"b\n"),
        ("tab\tname.txt", b"a\n", b"b\n"),
        ("line\nbreak.txt", b"a\n", b"b\n"),
        ("d/ümläut.txt", b"a\n", b"b\n"),
        ("new.txt", None, b"a\n"),
        ("gone.txt", b"a\n", None),
        ("empty.txt", None, b""),
        ("was_empty.txt", b"", None),
        ("filled.txt", b"", b"a"),
        ("emptied.txt", b"a\n", b""),
        ("no_newline.txt", b"a", b"b"),
        ("form_feed.py", b"a\x0cb\nc\n", b"a\x0cb\nd\n"),
        ("windows.txt", b"a\r\nb\r\n", b"a\r\nc\r\n"),
        ("separators.txt", "a\u2028b\n\x1c\n".encode(), "a\u2028c\n\x1c".encode()),
    ],
)
def test_git_makes_of_the_diff_what_the_change_says(
    tmp_path: Path, name: str, before: bytes | None, after: bytes | None
) -> None:
    """The shown text is not an illustration: it applies."""
    _apply(tmp_path, ChangeSet((FileChange(path=name, before=before, after=after),)))

    path = tmp_path / name
    assert (path.read_bytes() if path.exists() else None) == after


def test_a_new_program_is_made_executable_by_its_diff(tmp_path: Path) -> None:
    """The mode is part of what is shown."""
    change = FileChange(path="run.sh", before=None, after=b"#!/bin/sh\n", executable=True)

    _apply(tmp_path, ChangeSet((change,)))

    assert (tmp_path / "run.sh").stat().st_mode & 0o111


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    made=st.dictionaries(
        st.sampled_from(["a.txt", "b b.txt", "d/c.txt", "é"]),
        st.tuples(texts, texts, st.just(False)),
        min_size=1,
    )
)
def test_git_applies_whatever_text_changes(
    tmp_path_factory: pytest.TempPathFactory,
    made: dict[str, tuple[bytes | None, bytes | None, bool]],
) -> None:
    """Several files at once, with every kind of line end there is."""
    folder = tmp_path_factory.mktemp("tree")
    changes = _changes({path: each for path, each in made.items() if each[0] != each[1]})
    if not changes:
        return

    _apply(folder, changes)

    for each in changes.files:
        path = folder / each.path
        assert (path.read_bytes() if path.exists() else None) == each.after


def test_a_name_cannot_pretend_to_be_another_file() -> None:
    """A newline in a name adds no line to the diff."""
    name = "a\n+++ b/harmless.txt"

    diff = ChangeSet((FileChange(path=name, before=b"x\n", after=b"y\n"),)).diff()

    assert not any(line.startswith("+++ b/harmless") for line in diff.split("\n"))


def test_binary_files_are_named() -> None:
    """Their bytes are not shown, but that they change is."""
    change = FileChange(path="pic.png", before=b"\xff\xfe", after=b"\xff\xfd")

    assert ChangeSet((change,)).diff() == "Binary file pic.png changes\n"


@pytest.mark.parametrize(
    "path", ["", ".", "..", "/etc/passwd", "a/../b", "../a", "a//b", "./a", "a/", "a\0b", "a/.."]
)
def test_a_path_that_is_not_clean_and_below_is_refused(path: str) -> None:
    """The value itself refuses to exist."""
    with pytest.raises(InvalidInput):
        check_relative(path)
    with pytest.raises(InvalidInput):
        FileChange(path=path, before=None, after=b"")


@given(path=st.text(max_size=20))
def test_a_path_that_is_let_through_stays_below_its_root(path: str) -> None:
    """Joined to a root it is below it, and nothing in it goes up."""
    try:
        check_relative(path)
    except InvalidInput:
        return
    joined = Path("/root/of/it") / path
    assert joined.is_relative_to("/root/of/it")
    assert joined != Path("/root/of/it")
    assert ".." not in joined.parts


def test_a_change_set_names_each_path_once_in_order() -> None:
    """Twice or unsorted would have two digests for one change."""
    a = FileChange(path="a", before=None, after=b"")
    b = FileChange(path="b", before=None, after=b"")
    for wrong in ((b, a), (a, a)):
        with pytest.raises(InvalidInput):
            ChangeSet(wrong)


def _apply(folder: Path, changes: ChangeSet) -> None:
    for each in changes.files:
        if each.before is not None:
            path = folder / each.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(each.before)
    subprocess.run(
        ["git", "apply", "--whitespace=nowarn", "-"],
        cwd=folder,
        input=changes.diff().encode(),
        check=True,
        capture_output=True,
        env={"GIT_CEILING_DIRECTORIES": str(folder.parent), "PATH": "/usr/bin:/bin"},
    )
