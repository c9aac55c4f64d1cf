"""Whose word a value is: what stands in a text, and what does not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoclave.domain.provenance import Argument, Label, Origin, Provenance, stands_in

GOAL = "Send report.md to Bob@Example.org, pay 120.50 to UK12345, then visit example.com.They know."


@pytest.mark.parametrize(
    "value",
    [
        "report.md",
        "bob@example.org",
        "120.50",
        "UK12345",
        ["report.md", "Bob@Example.org"],
        {"report.md": "UK12345"},
        "example.com",
        "pay  120.50\nto",
        "",
        None,
        True,
        [],
    ],
)
def test_what_people_wrote_stands_in_their_text(value: object) -> None:
    """Whatever its case and blanks; what names nothing needs no text."""
    assert stands_in(value, [GOAL])


@pytest.mark.parametrize(
    "value",
    [
        "\uff42ob@example.org",
        "bob@examp\u2113e.org",
        "eport.md",
        "report.m",
        "b@example.org",
        "example.organic",
        "not-report.md",
        "docs/report.md",
        "report.md/x",
        "UK1234",
        "20.50",
        "120",
        ["report.md", "mallory@evil.com"],
        {"mallory": "report.md"},
        7,
        ".",
    ],
)
def test_what_only_looks_like_it_does_not_stand_there(value: object) -> None:
    """A part of a name, a longer one, other letters that look alike, a stranger among friends."""
    assert not stands_in(value, [GOAL])


def test_without_text_nothing_stands() -> None:
    """And a value is not put together from two texts."""
    assert not stands_in("report.md", [])
    assert not stands_in("a b", ["a", "b"])


@given(st.text(min_size=1), st.lists(st.text()))
def test_it_never_fails_and_only_finds_what_is_there(value: str, texts: list[str]) -> None:
    """Any text at all may be asked about; every yes is a real occurrence."""
    import unicodedata

    def plain(text: str) -> str:
        return "".join(unicodedata.normalize("NFC", text).lower().split())

    if stands_in(value, texts) and plain(value):
        assert any(plain(value) in plain(text) for text in texts)


def _argument(value: Any, *, trusted: bool = False, is_target: bool = True) -> Argument:
    label = Label(origin=Origin.FILE, trusted=trusted, source="read.text")
    return Argument(name="to", value=value, label=label, is_target=is_target)


def test_targets_are_trusted_by_their_label_or_by_peoples_text() -> None:
    """What is no target is nobody's business here."""
    arguments = (
        _argument("mallory", trusted=True),
        _argument("bob"),
        _argument("eve"),
        _argument("anything", is_target=False),
    )
    came_from = Provenance(planned=True, arguments=arguments, trusted_text=("write to bob",))

    assert [each.value for each in came_from.untrusted_targets()] == ["eve"]
    assert not came_from.trusts_its_targets()
    assert came_from.origins() == {Origin.FILE, Origin.GOAL}


def test_no_target_is_no_trust() -> None:
    """What acts on nothing was asked for by nobody."""
    assert not Provenance(planned=True, trusted_text=("x",)).trusts_its_targets()
    assert not Provenance(arguments=(_argument([]),)).trusts_its_targets()


def test_it_comes_back_from_json_with_the_text_of_its_run() -> None:
    """Contents are kept as digests only; targets as they are."""
    secret = _argument("s3cret-content", is_target=False)
    came_from = Provenance(planned=True, is_effect=False, arguments=(_argument("bob"), secret))

    data = json.loads(json.dumps(came_from.to_json()))
    back = Provenance.from_json(data, trusted_text=("bob",))

    assert "s3cret-content" not in json.dumps(data)
    assert (back.planned, back.is_effect, back.trusts_its_targets()) == (True, False, True)
    assert back.arguments[0] == came_from.arguments[0]
