"""JSON that nobody trusts is one object that everybody can take on, or refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoclave.domain.canonical import canonical
from autoclave.domain.errors import InvalidInput
from autoclave.domain.strict_json import read_object

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
almost_json = st.one_of(
    st.binary(),
    json_values.map(lambda value: json.dumps(value).encode()),
    st.lists(st.sampled_from(['{"a":', "[", "]", "}", '"', "1e999", "NaN", ",", "9" * 5000]))
    .map("".join)
    .map(str.encode),
    st.integers(0, 3000).map(lambda depth: b'{"a":' * depth + b"1" + b"}" * depth),
)


@given(almost_json, st.booleans())
def test_any_bytes_are_an_object_or_refused(data: bytes, half_characters: bool) -> None:
    """No other error, and what is read can be written down as JSON again."""
    try:
        value = read_object(data, what="it", half_characters=half_characters)
    except InvalidInput:
        return

    assert json.loads(canonical(value)) == value


@pytest.mark.parametrize(("depth", "is_read"), [(50, True), (99, True), (101, False), (500, False)])
def test_nesting_has_an_end(depth: int, is_read: bool) -> None:
    """Long before Python's own, which depends on who asks."""
    data = b'{"a":' * depth + b"1" + b"}" * depth

    def read() -> Any:
        return read_object(data, what="it")

    if is_read:
        assert read()
        return
    with pytest.raises(InvalidInput, match="nested too deeply"):
        read()


def test_half_characters_only_where_they_are_wanted() -> None:
    """A lone surrogate can be put into the journal, and into hardly anything else."""
    data = b'{"a": "\\ud800"}'

    assert read_object(data, what="it", half_characters=True) == {"a": "\ud800"}
    with pytest.raises(InvalidInput, match="half a character"):
        read_object(data, what="it")
