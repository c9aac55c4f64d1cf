"""What a reviewer noted outlives the screen."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoclave.dashboard.review.memory import Comment, ReviewMemory


def test_notes_come_back_for_the_same_bytes_only(tmp_path: Path) -> None:
    """Another digest is another thing to read."""
    memory = ReviewMemory(tmp_path / "review.json")
    notes = memory.notes("P-0001", "d1")
    notes.seen |= {0, 2}
    notes.unwanted.add(2)
    notes.comments.append(Comment(text="name it", file="x.py", line=4, quote="f()", at=7))
    notes.overall = "smaller"
    memory.save()

    again = ReviewMemory(tmp_path / "review.json")

    assert again.notes("P-0001", "d1") == notes
    assert not again.notes("P-0001", "d2").seen
    assert (tmp_path / "review.json").stat().st_mode & 0o777 == 0o600


def test_what_was_decided_is_forgotten(tmp_path: Path) -> None:
    """Under every digest that it had."""
    memory = ReviewMemory(tmp_path / "review.json")
    memory.notes("P-0001", "d1").seen.add(1)
    memory.notes("P-0001", "d2").seen.add(1)
    memory.notes("P-00011", "d1").seen.add(1)

    memory.forget("P-0001")

    again = ReviewMemory(tmp_path / "review.json")
    assert not again.notes("P-0001", "d1").seen
    assert again.notes("P-00011", "d1").seen


@pytest.mark.parametrize(
    "spoilt", ["", "[]", '{"deferred": 1}', '{"deferred": {}, "notes": {"a": 1}}']
)
def test_a_file_that_can_not_be_read_is_no_error(tmp_path: Path, spoilt: str) -> None:
    """It holds nothing that could not be noted again."""
    (tmp_path / "review.json").write_text(spoilt)

    assert not ReviewMemory(tmp_path / "review.json").notes("P-0001", "d").seen


def test_deferred_until_its_time_comes(tmp_path: Path) -> None:
    """Across a restart."""
    ReviewMemory(tmp_path / "r.json").defer("P-0001", 100.0)

    memory = ReviewMemory(tmp_path / "r.json")

    assert memory.is_deferred("P-0001", now=99.0)
    assert not memory.is_deferred("P-0001", now=100.0)
    assert not memory.is_deferred("P-0002", now=0.0)


def test_a_comment_quotes_what_it_is_about() -> None:
    """File, line and words; one about everything has none."""
    comment = Comment(text="name it", file="x.py", line=4, quote="f()", at=7)

    assert comment.said() == "x.py:4: “f()”: name it"
    assert Comment(text="smaller").said() == "smaller"
