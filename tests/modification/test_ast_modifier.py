"""Edits hit the node that they name, change nothing else, and fail loudly."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autoclave.domain.errors import Conflict, InvalidInput, NotFound, Stale
from autoclave.domain.proposal import Edit
from autoclave.modification.ast_modifier import apply_edit, apply_edits
from autoclave.modification.targets import Source, nearest, target_hash

MakeEdit = Callable[..., Edit]


def changed_lines(before: str, after: str) -> tuple[list[str], list[str]]:
    """Lines that went and lines that came, without the common head and tail."""
    old, new = before.split("\n"), after.split("\n")
    while old and new and old[0] == new[0]:
        old, new = old[1:], new[1:]
    while old and new and old[-1] == new[-1]:
        old, new = old[:-1], new[:-1]
    return old, new


@pytest.mark.parametrize(
    ("operation", "target", "source", "went", "came"),
    [
        ("replace", "LIMIT", "LIMIT = 11\n", ["LIMIT = 10"], ["LIMIT = 11"]),
        (
            "replace",
            "Shape.area",
            "\n# about area\ndef area(self, width):\n    return 0\n",
            ["        return width * self.side()"],
            ["        return 0"],
        ),
        (
            "replace",
            "Shape.area",
            "\n    # about area\n    def area(self, width):\n        return 0\n",
            ["        return width * self.side()"],
            ["        return 0"],
        ),
        (
            "replace",
            "Shape.side.<locals>.half",
            "def half():\n    return 1",
            ["            return self.sides / 2"],
            ["            return 1"],
        ),
        (
            "replace",
            "Shape.only",
            "def only(self): return 2\n",
            ["        def only(self): return 1"],
            ["        def only(self): return 2"],
        ),
        ("insert_before", "LIMIT", "LOWEST = 0\n", [], ["", "LOWEST = 0"]),
        ("insert_after", "LIMIT", "MORE = 1\n", [], ["MORE = 1"]),
        ("append", "Shape.side", "print()\n", [], ["        print()"]),
        ("append", "", "END = 1\n", [], ["END = 1"]),
        ("remove", "LIMIT", "", ["LIMIT = 10"], []),
        (
            "wrap",
            "Shape.area",
            "cached(1)",
            [],
            ["    @cached(1)"],
        ),
        ("wrap", "decorated", "@first", [], ["@first"]),
        (
            "set_default",
            "Shape.area",
            "3",
            ["    def area(self, width):"],
            ["    def area(self, width=3):"],
        ),
        ("add_import", "", "import re\n", [], ["import re"]),
    ],
)
def test_an_edit_changes_its_target_only(
    sample: str,
    edit: MakeEdit,
    operation: str,
    target: str,
    source: str,
    went: list[str],
    came: list[str],
) -> None:
    """Each operation does its one thing; the rest of the file stays byte for byte."""
    more = {"argument": "width"} if operation == "set_default" else {}

    after = apply_edit(sample, edit(operation, sample, target, source, **more))

    assert sorted(filter(None, changed_lines(sample, after)[0])) == sorted(filter(None, went))
    assert sorted(filter(None, changed_lines(sample, after)[1])) == sorted(filter(None, came))


def test_a_default_that_exists_is_replaced(sample: str, edit: MakeEdit) -> None:
    """Only the expression of the old default gives way."""
    after = apply_edit(sample, edit("set_default", sample, "add", "5", argument="second"))

    assert "def add(first, second: int = 5, *, scale=1):" in after


def test_removing_the_only_statement_leaves_pass(edit: MakeEdit) -> None:
    """A block can't be empty."""
    text = "class A:\n    def f(self):\n        return 1\n"

    assert apply_edit(text, edit("remove", text, "A.f")) == "class A:\n    pass\n"


def test_rename_follows_uses_in_scope(edit: MakeEdit) -> None:
    """Uses are renamed, a local variable of the same name is not."""
    text = (
        "def old(n):\n    return old(n - 1)\n\n\n"
        "def other():\n    old = 3\n    return old\n\n\nprint(old(1))\n"
    )

    after = apply_edit(text, edit("rename", text, "old", "fresh"))

    assert after == (
        "def fresh(n):\n    return fresh(n - 1)\n\n\n"
        "def other():\n    old = 3\n    return old\n\n\nprint(fresh(1))\n"
    )


def test_rename_of_a_method_follows_self(sample: str, edit: MakeEdit) -> None:
    """`self.name` inside the class is a use."""
    after = apply_edit(sample, edit("rename", sample, "Shape.side", "edge"))

    assert "self.edge()" in after
    assert "def edge(self):" in after
    assert "self.sides" in after


@pytest.mark.parametrize(
    ("text", "new", "why"),
    [
        ("def f(): pass\nx = {'f': 1}\n", "g", "string"),
        ("def f(): pass\ng = 1\n", "g", "already"),
        ("def f(): pass\n", "f", "already"),
        ("class f:\n    pass\n\ndef h():\n    global f\n    f = 1\n", "g", "global"),
    ],
)
def test_a_rename_that_cannot_be_followed_is_refused(
    edit: MakeEdit, text: str, new: str, why: str
) -> None:
    """Better no rename than half of one."""
    with pytest.raises(Conflict, match=why):
        apply_edit(text, edit("rename", text, "f", new))


def test_rename_of_a_method_used_on_something_else_is_refused(edit: MakeEdit) -> None:
    """`other.f` may be the method or not."""
    text = "class A:\n    def f(self): pass\n\ndef g(other):\n    other.f()\n"

    with pytest.raises(Conflict, match="may or may not"):
        apply_edit(text, edit("rename", text, "A.f", "h"))


def test_an_unknown_target_names_the_nearest(sample: str, edit: MakeEdit) -> None:
    """The error says what was probably meant."""
    with pytest.raises(NotFound, match=r"Shape\.aria") as caught:
        apply_edit(sample, edit("remove", sample, "Shape.aria", target_hash="0" * 64))

    assert "Shape.area" in caught.value.hint


def test_a_stale_hash_is_shown(sample: str, edit: MakeEdit) -> None:
    """Both short hashes are in the message."""
    with pytest.raises(Stale, match="00000000") as caught:
        apply_edit(sample, edit("remove", sample, "LIMIT", target_hash="0" * 64))

    assert target_hash(sample, "LIMIT")[:8] in str(caught.value)


TWICE = "def f():\n    return 1\n\n\ndef f():\n    return 2\n"


def test_the_hash_picks_between_two_definitions(edit: MakeEdit) -> None:
    """A property's getter and setter share a name, not a text."""
    wanted = Source(TWICE).named("f")[1].hash

    after = apply_edit(TWICE, edit("replace", TWICE, "f", "def f(): ...", target_hash=wanted))

    assert after == "def f():\n    return 1\ndef f(): ...\n"


def test_two_definitions_alike_are_ambiguous(edit: MakeEdit) -> None:
    """No hash can tell them apart."""
    text = "if x:\n    def f(): pass\nelse:\n    def f(): pass\n"

    with pytest.raises(Conflict, match="2 times"):
        apply_edit(text, edit("remove", text, "f"))


def test_a_no_op_is_refused(sample: str, edit: MakeEdit) -> None:
    """An edit that changes nothing hides a misunderstanding."""
    with pytest.raises(Conflict, match="changes nothing"):
        apply_edit(sample, edit("replace", sample, "LIMIT", "\nLIMIT = 10\n"))


def test_an_import_that_is_there_is_refused(sample: str, edit: MakeEdit) -> None:
    """Comments behind it make no difference."""
    with pytest.raises(Conflict, match="already"):
        apply_edit(sample, edit("add_import", sample, "", "import os\n"))


@pytest.mark.parametrize(
    "source",
    [
        "def area(self:\n    pass\n",
        "x = 1\ny = 2\n",
        "",
        "# only a comment\n",
        "def area(self): pass  # \x00\n",
        "def area(self):\r\n    pass\n",
        "type X = int\n",
        "def area[T](self): pass\n",
        'def area(self): return f"{f"{1}"}"\n',
        "def area(self): return " + "a and " * 6_000 + "a\n",
        'def area(self): return f"{' + "a and " * 20_000 + 'a}"\n',
        "def area(self): return " + "(" * 300 + ")" * 300 + "\n",
        "    def area(self):\n        pass\nelse:\n    pass\n",
    ],
)
def test_new_source_of_the_wrong_form_is_refused(sample: str, edit: MakeEdit, source: str) -> None:
    """The running Python and LibCST both have to take it, and it has to be one statement."""
    with pytest.raises(InvalidInput):
        apply_edit(sample, edit("replace", sample, "Shape.area", source))


@pytest.mark.parametrize("default", ["1, b", "x := 1", "1\n", "1 # c", ")", ""])
def test_a_default_is_one_expression(edit: MakeEdit, default: str) -> None:
    """No further parameter can ride along."""
    text = "def f(*, a, c=0): pass\n"
    made = edit("set_default", text, "f", default, argument="a")

    if default == "1\n":
        assert "a=1," in apply_edit(text, made)
    else:
        with pytest.raises(InvalidInput):
            apply_edit(text, made)


def test_edits_of_one_file_go_in_order(sample: str, edit: MakeEdit) -> None:
    """An import may be added for the module as it was before the first edit."""
    after = apply_edits(
        sample,
        [
            edit("replace", sample, "LIMIT", "LIMIT = 11\n"),
            edit("add_import", sample, "", "import re\n"),
        ],
    )

    assert "LIMIT = 11\n" in after
    assert "import re\n" in after


def test_a_file_without_a_last_newline_can_grow(edit: MakeEdit) -> None:
    """The missing newline is put in between."""
    text = "x = 1"

    assert apply_edit(text, edit("append", text, "", "y = 2\n")) == "x = 1\ny = 2\n"
    assert apply_edit(text, edit("insert_after", text, "x", "y = 2\n")) == "x = 1\ny = 2\n"


def test_nearest_counts_the_last_part() -> None:
    """A method is found under another class."""
    assert nearest("Circle.area", ["Shape.area", "Shape.side"])[0] == "Shape.area"


NAMES = ["LIMIT", "add", "Shape", "Shape.area", "Shape.side", "Shape.side.half", "Shape.only"]
BODIES = st.lists(
    st.sampled_from(["x = 1", '"""\nodd\n  text"""', "if x:\n    y = 2", "# c", "", "return 3"]),
    min_size=1,
    max_size=5,
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None
)
@given(name=st.sampled_from(NAMES), body=BODIES)
def test_replace_keeps_every_other_byte_and_can_be_taken_back(
    sample: str, edit: MakeEdit, name: str, body: list[str]
) -> None:
    """Replace changes the span only; replacing it back by its old code restores the file."""
    text = Source(sample)
    (target,) = text.named(name)
    assert target.node is not None
    old = text.module.code_for_node(target.node)
    lines = [
        line if not line or (index and '"""' in part) else f"    {line}"
        for part in [*body, "pass"]
        for index, line in enumerate(part.split("\n"))
    ]
    last = name.rsplit(".", maxsplit=1)[-1]
    new = "\n".join([f"def {last}():", *lines]) + "\n"

    after = apply_edit(sample, edit("replace", sample, name, new))

    assert after.startswith(sample[: target.start])
    assert after.endswith(sample[target.end :])
    fresh = Source(after).named(name)[0]
    assert fresh.node is not None
    assert Source(after).module.code_for_node(fresh.node) == new
    assert apply_edit(after, edit("replace", after, name, old)) == sample
