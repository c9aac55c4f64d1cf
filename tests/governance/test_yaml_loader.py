"""The strict loader: what other loaders swallow is an error with its place."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from autoclave.domain.errors import ConfigurationInvalid
from autoclave.domain.text import show_line
from autoclave.governance.yaml_loader import MOST_BYTES, Place, load_strict


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "f.yaml:3:1: has the key 'a' twice, first in line 1"),
        ("a:\n  deny: 1\n  'deny': 2\n", "f.yaml:3:3: has the key 'deny' twice"),
        ("{a: 1, a: 2}", "f.yaml:1:8: has the key 'a' twice"),
        ("a: &x 1\n", "f.yaml:1:4: has the anchor &x"),
        ("a: &x 1\nb: *x\n", "f.yaml:1:4: has the anchor &x"),
        ("- *x\n", "f.yaml:1:3: has the alias *x"),
        ("a:\n  <<: {b: 1}\n", "f.yaml:2:3: has a merge key <<"),
        ("a: !!python/name:os.system x\n", "f.yaml:1:4: has the tag"),
        ("a: !!str 1\n", "f.yaml:1:4: has the tag tag:yaml.org,2002:str"),
        ("a: ! x\n", "f.yaml:1:4: has the tag !"),
        ("!x\na: 1\n", "f.yaml:1:1: has the tag !x"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2:1: has a second document"),
        ("%YAML 1.1\n---\na: 1\n", "has a % directive"),
        ("%TAG ! tag:x,2000:\n---\na: 1\n", "has a % directive"),
        ("? [a, b]\n: 1\n", "f.yaml:1:3: has a key that is not plain text"),
        ("? {a: b}\n: 1\n", "has a key that is not plain text"),
        ("", "f.yaml:1:1: is empty"),
        ("# only a comment\n", "is empty"),
        ("a: [1, 2\n", "f.yaml:2:1: "),
        ("a: b: c\n", "f.yaml:1:5: "),
        ("\ta: 1\n", "f.yaml:1:1: "),
        ('a: "\\uD800"\n', "has the character U+D800"),
        ('a: "\\x1b[2J"\n', "f.yaml:1:4: has the character U+001B"),
        ('a: "\\UFFFFFFFF"\n', "has an impossible value"),
        ("a: \x07\n", "f.yaml:1:1: has the character U+0007"),
        ("[" * 50 + "]" * 50, "is nested deeper than 12 levels"),
        ("- " * 60 + "x", "is nested deeper than 12 levels"),
        ("a: @x\n", "f.yaml:1:4: "),
    ],
)
def test_surprise_is_refused_with_its_place(text: str, message: str) -> None:
    """Each thing that YAML loaders take in silence is named with line and column."""
    with pytest.raises(ConfigurationInvalid) as caught:
        load_strict(text.encode(), name="f.yaml")

    assert message in caught.value.message
    assert caught.value.hint


def test_bytes_that_are_not_utf8_are_placed() -> None:
    """The first bad byte is named with line and column."""
    with pytest.raises(ConfigurationInvalid, match=r"^f\.yaml:2:4: is not UTF-8 \(byte 0xff\)"):
        load_strict(b"a: 1\nb: \xff\n", name="f.yaml")


def test_large_file_is_refused_unread() -> None:
    """The size is checked before anything is parsed."""
    with pytest.raises(ConfigurationInvalid, match="the most is"):
        load_strict(b"a" * (MOST_BYTES + 1), name="f.yaml")


@pytest.mark.parametrize(
    "typed", ["no", "3.10", "12:30:45", "0o17", "1_000", "2026-01-01", "true", "null", "~", "1e3"]
)
def test_scalar_stays_what_was_typed(typed: str) -> None:
    """What a value means is for the schema to say."""
    document = load_strict(f"a: {typed}\nb: [{typed}]\n".encode(), name="f.yaml")

    assert document.data == {"a": typed, "b": [typed]}


def test_every_value_has_its_place() -> None:
    """Errors of later checks can name the line of any key or item."""
    document = load_strict(b"a:\n  - x\n  - b: y\n", name="f.yaml")

    assert document.places["a", 1, "b"] == Place(line=3, column=5)
    assert "f.yaml:3:5: oh" in document.error(("a", 1, "b", "missing"), "oh").message


def test_byte_order_mark_is_no_part_of_the_first_key() -> None:
    """Editors on Windows write one."""
    assert load_strict("\ufeffa: 1\r\n".encode(), name="f").data == {"a": "1"}


@given(st.binary(max_size=300))
@example(b"%YAML 1." + b"9" * 5000 + b"\n---\n")
def test_random_bytes_raise_nothing_else(data: bytes) -> None:
    """Whatever the bytes are, the answer is a document or ConfigurationInvalid."""
    problem = _problem(data)

    assert show_line(problem) == problem


def _problem(data: bytes) -> str:
    try:
        load_strict(data, name="f.yaml")
    except ConfigurationInvalid as error:
        return error.message
    return ""


_PIECES = st.sampled_from(
    [
        *"-?:,[]{}#&*!|>'\"%@` \n\t~\\ab",
        *("<<", "---\n", "...\n", "\\U", "\\x", "  ", "&a", "*a", "!!python/object:"),
        *("%YAML 1.1\n", "\x85", "\u2028", "\ufeff", "1e9", "\r"),
    ]
)


@given(st.lists(_PIECES, max_size=40).map("".join))
def test_random_yaml_raises_nothing_else(text: str) -> None:
    """The same for text that is nearly YAML."""
    problem = _problem(text.encode())

    assert problem.startswith("f.yaml:") or not problem
