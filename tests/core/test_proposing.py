"""What a proposal says to a person who sent an earlier one back."""

from __future__ import annotations

import pytest

from autoclave.core.proposing import answers_to
from autoclave.domain.errors import InvalidInput

COMMENTS = ("name it", "why not here?")


def test_each_comment_stands_beside_its_answer() -> None:
    """In the person's order, however they were answered."""
    given = [{"comment": 2, "answer": "it is shared"}, {"comment": 1, "answer": "named"}]

    found = answers_to(COMMENTS, given)

    assert found == [
        {"comment": "name it", "answer": "named"},
        {"comment": "why not here?", "answer": "it is shared"},
    ]


@pytest.mark.parametrize(
    "given",
    [
        [],
        None,
        "all done",
        [{"comment": 1, "answer": "named"}],
        [{"comment": 1, "answer": "named"}, {"comment": 2, "answer": " "}],
        [{"comment": 1, "answer": "named"}, {"comment": "2", "answer": "x"}],
        [{"comment": 1, "answer": "named"}, {"comment": True, "answer": "x"}, 7],
    ],
)
def test_a_comment_without_an_answer_is_named(given: object) -> None:
    """The draft is refused, and whoever drafts it hears which one is owed."""
    with pytest.raises(InvalidInput, match="has no answer"):
        answers_to(COMMENTS, given)


def test_without_comments_nothing_is_owed() -> None:
    """Whatever is given."""
    assert answers_to((), [{"comment": 1, "answer": "x"}]) == []
