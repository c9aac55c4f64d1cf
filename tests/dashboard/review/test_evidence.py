"""The evidence: worst first, the case against above the summary, what is missing in words."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from autoclave.dashboard.review.evidence import Seen, evidence_rows
from autoclave.dashboard.review.ink import width_of
from autoclave.domain.canonical import JsonObject


def _text(seen: Seen, width: int = 60) -> str:
    rows = evidence_rows(seen, width)
    return "\n".join("".join(piece.text for piece in row.pieces) for row in rows)


def test_the_case_against_stands_above_the_gates_and_those_above_the_summary(
    proposal: JsonObject,
) -> None:
    """What it says of itself comes after all that was found out about it."""
    text = _text(Seen(proposal=proposal, now=proposal["judged_at"]))

    places = [text.index(each) for each in ("The case against", "Gates:", "What it says of itself")]
    assert places == sorted(places)


def test_the_worst_gate_comes_first(proposal: JsonObject) -> None:
    """Failed, then not checked, then passed; each as a word beside its sign."""
    more = {"seconds": 0.1, "summary": "s", "facts": {}}
    proposal["gates"] += [
        {"name": "types", "verdict": "not checked", **more},
        {"name": "lint", "verdict": "fail", **more},
    ]

    text = _text(Seen(proposal=proposal))

    heads = re.findall(r"^. (FAIL|NOT CHECKED|pass) ", text, re.MULTILINE)
    assert heads == ["FAIL", "NOT CHECKED", "pass", "pass", "pass", "pass"]
    assert "Gates: 4 of 6 pass" in text


def test_number_age_time_and_tier_of_the_gates_are_said(proposal: JsonObject) -> None:
    """So that a reviewer knows how much was measured, where, and how long ago."""
    text = _text(Seen(proposal=proposal, now=proposal["judged_at"] + 7_200))

    assert "judged 2 h ago, in 5.2 s, tier FULL" in text


def test_a_gate_opens_its_details(proposal: JsonObject) -> None:
    """Only the one that was asked for."""
    seen = Seen(proposal=proposal)

    opened = _text(replace(seen, opened=frozenset({"capability tests"})))

    assert "passed: 4" in opened
    assert "passed: 4" not in _text(seen)
    assert "paths[0]" not in opened


def test_what_is_missing_is_said_in_words() -> None:
    """A blank would read like a pass."""
    text = _text(Seen(proposal={"id": "P-0001"}))

    for said in (
        "Not measured: no gate has judged it yet.",
        "nobody yet",
        "not known: its run can't be read",
        "it does not say",
        "none yet",
        "which rule asked was not kept",
    ):
        assert said in text


def test_cost_origin_undo_and_identity_are_there(proposal: JsonObject) -> None:
    """All that a decision may turn on."""
    goal = {"spend": {"usd": 0.0123, "tokens": 4100, "seconds": 34.0}}

    text = _text(Seen(proposal=proposal, goal=goal, now=proposal["judged_at"]), 90)

    for said in (
        "$0.0123, 4,100 tokens, 34 s of work",
        "a search, without a model",
        "event 36, event 41",
        "G-0001, G-0002",
        "autoclave proposal undo P-0014",
        proposal["digest"],
        "base aaaa1111bbbb",
        "changes-of-ourselves",
        "expires in 23 h",
    ):
        assert said in text


def test_answers_to_what_was_sent_back_stand_beside_the_comments(proposal: JsonObject) -> None:
    """And how many of them there are."""
    proposal |= {
        "follows": "P-0013",
        "answers": [
            {"comment": "name it", "answer": "named"},
            {"comment": "why?", "answer": ""},
        ],
    }

    text = _text(Seen(proposal=proposal))

    assert "You sent P-0013 back: 1 of 2 answered" in text
    assert "not answered" in text


FACTS = st.dictionaries(st.text(max_size=9), st.text(max_size=50), max_size=3)


@settings(max_examples=40)
@given(st.text(max_size=80), st.integers(20, 50), FACTS)
def test_no_row_is_wider_than_there_is_room(said: str, width: int, facts: Any) -> None:
    """Whatever a gate or a title holds; and nothing of it steers the terminal."""
    gates = [{"name": said, "verdict": "fail", "seconds": 1, "summary": said, "facts": facts}]
    given_ = {"title": said, "reason": said, "gates": gates, "case_against": [said], "run": said}

    rows = evidence_rows(Seen(proposal=given_, opened=frozenset({said})), width)

    for row in rows:
        assert width_of(row.pieces) <= width
        text = "".join(piece.text for piece in row.pieces)
        assert not {unicodedata.category(each) for each in text} & {"Cc", "Cf", "Cs", "Co", "Cn"}
