"""What a mind's process writes to its pipe: any bytes are a decision or InvalidInput."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes_runs import json_values

from autoclave.core import mind_trials
from autoclave.core.mind_answer import MindAnswer, read_answer
from autoclave.core.mind_loader import _answer
from autoclave.domain.canonical import canonical
from autoclave.domain.errors import InvalidInput
from autoclave.domain.sealed import Ended, SealedResult, Tier

KINDS = ["Think", "Act", "Finish", "GiveUp", "Wait", "Ask", "Search", "Propose", "Nothing"]
NAMES = ["summary", "reason", "seconds", "step", "capability", "inputs", "query", "messages"]
intents = st.dictionaries(st.sampled_from(NAMES), json_values, max_size=3).flatmap(
    lambda fields: st.sampled_from(KINDS).map(lambda kind: {**fields, "kind": kind})
)
answers = st.fixed_dictionaries(
    {"intent": intents | json_values},
    optional={"plan": json_values, "path": json_values, "why": json_values, "more": json_values},
)
replies = st.one_of(
    st.binary(),
    json_values.map(lambda value: json.dumps(value).encode()),
    answers.map(lambda answer: json.dumps({"answer": answer}).encode()),
    json_values.map(lambda value: json.dumps({"error": value}).encode()),
    answers.flatmap(
        lambda answer: st.integers(0, 60).map(
            lambda cut: json.dumps({"answer": answer}).encode()[:-cut]
        )
    ),
)


@given(replies)
def test_any_bytes_are_a_decision_or_refused(data: bytes) -> None:
    """Nothing else reaches the loop, and what does can be written to the journal."""
    try:
        answer = read_answer(_answer(data))
    except InvalidInput:
        return

    assert isinstance(answer, MindAnswer)
    assert canonical(answer.plan)


@pytest.mark.parametrize(
    "data",
    [
        b'{"answer":{"intent":' * 1 + b'{"a":' * 100_000,
        b'{"answer":' + b"[" * 100_000,
        b'{"answer":{"intent":{"kind":"Finish","summary":""},"plan":1e999}}',
        b'{"answer":{"intent":{"kind":"Finish","summary":"x"},"intent":{"kind":"Finish"}}}',
        b'{"error":{"a":[[[[[[[[[[[[]]]]]]]]]]]]}}',
        b'{"error":"' + b"x" * 1_000_000 + b'"}',
        b"[]",
        b"",
    ],
)
def test_each_of_these_is_refused_in_few_words(data: bytes) -> None:
    """The reason goes to the journal, so it is no longer than a reason."""
    with pytest.raises(InvalidInput) as refused:
        read_answer(_answer(data))

    assert len(refused.value.message) < 3_000


@given(st.lists(replies, max_size=4), st.integers(1, 4))
def test_any_lines_of_a_trial_are_told_one_by_one(lines: list[bytes], count: int) -> None:
    """A candidate's process may write what it likes: there is one value for each question."""
    found = mind_trials._lines(_sealed(b"\n".join(lines)), count)

    assert len(found) == count
    assert all(isinstance(mind_trials._checked("PLANNING", line), dict) for line in found)


def _sealed(result: bytes) -> SealedResult:
    known: dict[str, Any] = {"stdout_lost": 0, "stderr_lost": 0, "max_rss_bytes": 1}
    return SealedResult(
        ended=Ended.EXITED,
        exit_code=0,
        stdout=b"",
        stderr=b"",
        result=result,
        wall_seconds=0.1,
        cpu_seconds=0.1,
        stray_processes=0,
        tier=Tier.FULL,
        **known,
    )
