"""Reading a diff: no line is lost, the order is kept, the counts are right, whatever it holds."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from autoclave.dashboard.review.diff import read_diff
from autoclave.dashboard.review.layout import Layout
from autoclave.dashboard.review.marks import word_marks
from autoclave.domain.changes import ChangeSet, FileChange

TEXTS = st.text(alphabet=st.sampled_from("ab\n-+ @\\\t\x1b\u202e"), max_size=60)
SIDES = st.none() | st.binary(max_size=40) | TEXTS.map(str.encode)
DIFF_LIKE = st.lists(
    st.sampled_from(
        [
            "--- a/x",
            "+++ b/x",
            "@@ -1,3 +1,2 @@",
            "@@ -0,0 +1 @@",
            "@@ -1,999999999 +1 @@ def f",
            "@@ nonsense",
            "diff --git a/x b/x",
            "new file mode 100755",
            "Binary file x changes",
            "\\ No newline at end of file",
            " same",
            "-gone",
            "+come",
            "--- gone",
            "+++ come",
            "",
            "free text",
        ]
    ),
    max_size=30,
).map("\n".join)


@st.composite
def change_sets(draw: st.DrawFn) -> ChangeSet:
    names = sorted(draw(st.sets(st.sampled_from(["a", "b c", 'd"e', "f/g", "h\n"]), max_size=4)))
    made = (
        FileChange(path=name, before=draw(SIDES), after=draw(SIDES), executable=draw(st.booleans()))
        for name in names
    )
    return ChangeSet(tuple(each for each in made if each.before != each.after))


def _all_lines(layout: Layout) -> list[int]:
    """Every line of the diff in the order of its rows, each row's own from left to right."""
    return [line for place in layout.places() for line in place.lines]


@given(DIFF_LIKE | st.text(max_size=200))
@example("--- a/x\n+++ b/x\n@@ -1,2 +1,1 @@\n--- a\n-+++ b\n+x")
def test_no_line_is_lost_and_the_order_is_kept(text: str) -> None:
    """Of anything that calls itself a diff; also side by side, where order is per side."""
    diff = read_diff(text)
    whole = list(range(len(diff.lines)))

    assert _all_lines(Layout(diff)) == whole
    assert sorted(_all_lines(Layout(diff, "split"))) == whole
    rest = "\n" if text.endswith("\n") else ""
    assert "\n".join(diff.lines) + rest == (text if text else "")


@given(DIFF_LIKE)
def test_a_line_is_found_in_the_row_that_shows_it(text: str) -> None:
    """In both looks."""
    diff = read_diff(text)
    for layout in (Layout(diff), Layout(diff, "split")):
        for line in range(len(diff.lines)):
            assert line in layout.at(layout.row_of(line)).lines


@given(DIFF_LIKE)
def test_each_side_of_the_split_look_keeps_its_order(text: str) -> None:
    """Removed lines to the left, added ones to the right, what is the same on both."""
    diff = read_diff(text)
    for hunk in diff.hunks:
        for side in (0, 1):
            lines = [line for pair in hunk.pairs if (line := pair[side]) is not None]
            assert lines == sorted(set(lines))


@given(change_sets())
def test_what_the_kernel_writes_is_read_back(changes: ChangeSet) -> None:
    """Files and kinds; the counts are those of the lines with a sign."""
    text = changes.diff()

    diff = read_diff(text)

    assert len(diff.files) == len([each for each in changes.files if _is_told(each)])
    shown = [place for place in Layout(diff).places() if place.kind == "line"]
    signs = [diff.lines[place.lines[0]][:1] for place in shown]
    assert diff.added == signs.count("+")
    assert diff.removed == signs.count("-")
    assert not [part for file in diff.files for part in file.parts if isinstance(part, range)]


def _is_told(change: FileChange) -> bool:
    """An empty file that comes or goes has its header alone; it is told as well."""
    return change.before != change.after


def test_numbers_count_on_both_sides() -> None:
    """A removed line has no number after, an added one none before."""
    diff = read_diff("--- a/x\n+++ b/x\n@@ -4,2 +7,2 @@\n same\n-old\n+new\n")

    assert [tuple(diff.hunks[0].number(line)) for line in (3, 4, 5)] == [(4, 7), (5, 0), (0, 8)]


def test_what_looks_like_a_heading_inside_of_a_hunk_is_a_line() -> None:
    """The heading says how many lines follow; a removed `-- a` must not begin a file."""
    diff = read_diff("--- a/x\n+++ b/x\n@@ -1,1 +1,1 @@\n--- a/y\n+++ b/y\n")

    assert [file.path for file in diff.files] == ["x"]
    assert (diff.added, diff.removed) == (1, 1)


def test_kinds_and_notes_are_said() -> None:
    """Added, removed, binary, and a mode that a plain diff would not show."""
    changes = ChangeSet(
        (
            FileChange(path="a", before=None, after=b"x\n", executable=True),
            FileChange(path="b", before=b"x\n", after=None),
            FileChange(path="c", before=b"\xff", after=b"\xfe"),
        )
    )

    files = read_diff(changes.diff()).files

    assert [(file.path, file.kind) for file in files] == [
        ("a", "added"),
        ("b", "removed"),
        ("c", "binary"),
    ]
    assert files[0].notes == ("new file mode 100755",)


def test_the_summary_says_what_can_not_be_seen() -> None:
    """Hidden characters, cut lines, binary files; or that nothing is hidden."""
    plain = read_diff("--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+x = 1\n")
    long = "y" * 5_000
    spoilt = read_diff(f"--- a/x\n+++ b/x\n@@ -0,0 +1,3 @@\n+a\u202eb\n+\x1b]52;c;x\x07\n+{long}\n")

    assert plain.summary() == "1 file, 1 hunk, +1 -0; nothing hidden"
    assert spoilt.hidden_lines == 2
    assert "2 lines hold hidden characters" in spoilt.summary()
    assert "1 line cut" in spoilt.summary()


@given(st.text(max_size=80), st.text(max_size=80))
def test_marks_leave_equal_text_between_them(before: str, after: str) -> None:
    """What is not marked is the same on both sides, or nothing is marked at all."""
    removed, added = word_marks(before, after)

    if removed or added:
        assert _without(before, removed) == _without(after, added)


def _without(text: str, spans: tuple[tuple[int, int], ...]) -> str:
    for start, end in reversed(spans):
        text = text[:start] + text[end:]
    return text


def test_words_that_differ_are_marked_and_hostile_lines_are_not_compared() -> None:
    """The cap keeps one line from taking the screen's time."""
    assert word_marks("return a[rank]", "return a[rank - 1]") == ((), ((13, 17),))
    assert word_marks("a b " * 10_000, "a c " * 10_000) == ((), ())
    assert word_marks("; " * 250, ". " * 250) == ((), ())


def test_a_line_is_compared_with_the_one_most_like_it() -> None:
    """Also where a remark was put in between."""
    diff = read_diff("--- a/x\n+++ b/x\n@@ -1 +1,2 @@\n-return a / b\n+# no.\n+return a / b if b\n")

    assert diff.hunks[0].partner_of(3) == 5


def test_search_goes_round_and_minds_capitals_when_there_are_some() -> None:
    """From the row under the cursor on, and back."""
    layout = Layout(read_diff("--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n Alpha\n beta\n alpha\n"))

    assert layout.find("alpha", 2) == 4
    assert layout.find("alpha", 4) == 2
    assert layout.find("Alpha", 4) == 2
    assert layout.find("alpha", 2, back=True) == 4
    assert layout.find("gamma", 0) is None
