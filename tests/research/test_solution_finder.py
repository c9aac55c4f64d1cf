"""Questions are answered from local documents, or plainly not."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from autoclave.domain.canonical import JsonObject
from autoclave.research.solution_finder import NOTHING, LocalResearch

_LOOP = """# The loop

The agent plans, acts and learns.

## Checkpoints

A checkpoint is a consistent snapshot of the database. It is verified when it is restored.

## Budgets

A budget limits tokens, money, steps and time of a goal.
"""


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "loop.md").write_text(_LOOP)
    (folder / "install.txt").write_text("Install the package with uv.\n\nThen run the demo.")
    return folder


class Lessons:
    """A knowledge base that remembers one lesson."""

    def recall(self, query: str, *, limit: int = 5) -> JsonObject:
        lesson = "Quote every field when the table holds semicolons."
        return {"experiences": [{"id": "E-7", "goal": "write a table", "lesson": lesson}]}

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


def test_the_best_passage_comes_first_with_its_source(docs: Path) -> None:
    """A question finds the paragraph that covers it, and says where it stands."""
    found = LocalResearch([docs]).search("how is a checkpoint verified?")

    assert found[0]["source"] == "docs/loop.md"
    assert found[0]["heading"] == "Checkpoints"
    assert "verified when it is restored" in found[0]["text"]
    assert found == sorted(found, key=lambda each: -each["score"] * each["coverage"])


def test_an_answer_is_quoted_from_its_passages(docs: Path) -> None:
    """Nothing is made up: the answer's sentence stands in a passage."""
    answer = LocalResearch([docs]).answer("what does a budget limit?")

    assert answer.is_covered
    assert answer.text in answer.passages[0]["text"]


@pytest.mark.parametrize("query", ["who won the football cup?", "", "?!", "the of and", "zzz"])
def test_what_nothing_covers_is_said_plainly(docs: Path, query: str) -> None:
    """An unrelated or empty question gets no answer instead of a wrong one."""
    answer = LocalResearch([docs]).answer(query)

    assert (answer.text, answer.is_covered, answer.passages) == (NOTHING, False, ())


@pytest.mark.parametrize(
    "query", ['checkpoint" OR "1', "checkpoint NEAR(", "checkpoint* AND NOT -"]
)
def test_query_syntax_is_just_words(docs: Path, query: str) -> None:
    """What means something to the index means nothing in a question."""
    LocalResearch([docs]).search(query)


def test_lessons_are_searched_too(docs: Path) -> None:
    """What was learnt answers beside the documents, marked with where it comes from."""
    research = LocalResearch([docs], knowledge=Lessons())

    [found] = research.search("semicolons in a table field")

    assert found["source"] == "experience E-7"
    assert found["origin"] == "model"


def test_lessons_about_patterns_are_a_models_words(docs: Path) -> None:
    """They are found by what they say, and not taken for a document."""

    class Told(Lessons):
        def recall(self, query: str, *, limit: int = 5) -> JsonObject:
            lesson = "Quote every field when the table holds semicolons."
            return {"experiences": [], "patterns": [{"id": "PT-1", "lesson": lesson}, {"id": "2"}]}

    [found] = LocalResearch([docs], knowledge=Told()).search("semicolons in a table field")

    assert found["source"] == "pattern PT-1"
    assert found["origin"] == "model"


def test_copies_of_one_text_are_one_source(docs: Path) -> None:
    """A text that was planted in many files does not count as many witnesses."""
    for number in range(4):
        (docs / f"copy{number}.txt").write_text("The secret port is 9999.")
    research = LocalResearch([docs])

    planted = research.answer("what is the secret port?")
    (docs / "other.txt").write_text("In our setup the secret port stands at 9999 indeed.")

    assert planted.independent_sources == 1
    assert research.answer("what is the secret port?").independent_sources == 2


def test_a_changed_document_is_read_again(docs: Path) -> None:
    """The next question sees what was written since."""
    research = LocalResearch([docs])
    assert research.search("zebra stripes") == []

    (docs / "new.txt").write_text("Zebra stripes confuse flies.")

    assert research.search("zebra stripes")[0]["source"] == "docs/new.txt"


def test_only_regular_files_inside_are_read(docs: Path, tmp_path: Path) -> None:
    """Links, pipes, hidden and huge files are passed over without blocking."""
    outside = tmp_path / "secret.txt"
    outside.write_text("The password is swordfish.")
    (docs / "link.txt").symlink_to(outside)
    os.mkfifo(docs / "pipe.txt")
    (docs / ".hidden.txt").write_text("password swordfish")
    (docs / "huge.txt").write_text("password swordfish " * 100_000)

    assert LocalResearch([docs]).search("password swordfish") == []


def test_a_missing_folder_is_empty(tmp_path: Path) -> None:
    """Nothing there is no reason to fail."""
    assert LocalResearch([tmp_path / "none"]).search("anything") == []
