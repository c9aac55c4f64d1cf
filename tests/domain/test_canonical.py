"""One value, one spelling, one digest."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes_runs import json_values

from autoclave.domain.canonical import canonical, digest, digest_bytes


@given(value=json_values)
def test_the_text_stands_for_exactly_that_value(value: Any) -> None:
    """Read back it is the same, and written again it is the same text."""
    text = canonical(value)

    assert json.loads(text) == value
    assert canonical(json.loads(text)) == text


@given(items=st.dictionaries(st.text(max_size=5), st.integers(), max_size=6), seed=st.randoms())
def test_the_order_of_keys_does_not_matter(items: dict[str, int], seed: Any) -> None:
    """Two ways to build one object have one digest."""
    shuffled = list(items.items())
    seed.shuffle(shuffled)

    assert digest(dict(shuffled)) == digest(items)


@given(one=json_values, other=json_values)
def test_different_values_have_different_digests(one: Any, other: Any) -> None:
    """As far as JSON tells them apart: 1 and 1.0 and True are three spellings."""
    assert (digest(one) == digest(other)) is (canonical(one) == canonical(other))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [float("-inf")]])
def test_what_json_has_no_number_for_is_refused(value: Any) -> None:
    """It would have no one spelling."""
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical(value)


def test_half_a_character_has_a_digest_too() -> None:
    """Names of files may hold bytes that are no text."""
    assert digest("\udcff") != digest("\udcfe")


def test_bytes_have_the_digest_that_everybody_computes() -> None:
    """Plain SHA-256."""
    assert digest_bytes(b"abc").startswith("ba7816bf8f01cfea")
