"""A full-text index of passages in memory: SQLite's FTS5 with its BM25."""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

from .doc_analyzer import Passage

_STOP_WORDS = (
    "a an and are as at be by can do does for from how i in is it its my of on or our should "
    "that the there this to us was we what when where which who why will with you your"
)
_STOP = frozenset(_STOP_WORDS.split())
_ENOUGH = 0.4
"""Share of the question's telling words that a passage has to have; below it, silence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A passage that answers."""

    passage: Passage
    score: float
    """BM25, higher is better."""
    coverage: float
    """Share of the question's weight that the passage's words carry, 0 to 1."""


class PassageIndex:
    """Built once from passages; asked many times."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = list(passages)
        # Searches may come from another thread than the one that built it, one at a time.
        self._connection = sqlite3.connect(":memory:", check_same_thread=False)
        self._connection.execute(
            "CREATE VIRTUAL TABLE passages USING fts5(heading, text, tokenize='porter unicode61')"
        )
        self._connection.executemany(
            "INSERT INTO passages (rowid, heading, text) VALUES (?, ?, ?)",
            (
                (number, _plain(f"{each.source} {each.heading}"), _plain(each.text))
                for number, each in enumerate(self._passages)
            ),
        )

    def close(self) -> None:
        self._connection.close()

    def search(self, query: str, *, limit: int) -> list[Hit]:
        """Passages that cover enough of the question, best first."""
        weight = self._weights(telling_words(query))
        total = sum(weight.values())
        if not total:
            return []
        matching = {word: self._rows_with(word) for word in weight}
        found = []
        for row, score in self._ranked(list(weight)):
            covered = sum(weight[word] for word in weight if row in matching[word]) / total
            if covered >= _ENOUGH:
                found.append(Hit(passage=self._passages[row], score=score, coverage=covered))
        found.sort(key=lambda hit: -hit.score * hit.coverage)
        return found[:limit]

    def _ranked(self, words: Sequence[str]) -> list[tuple[int, float]]:
        query = " OR ".join(f'"{word}"' for word in words)
        rows = self._connection.execute(
            "SELECT rowid, -bm25(passages, 2.0, 1.0) FROM passages WHERE passages MATCH ? "
            "ORDER BY 2 DESC, rowid LIMIT 200",
            (query,),
        )
        with closing(rows):
            return [(row, score) for row, score in rows]

    def _weights(self, words: Sequence[str]) -> Mapping[str, float]:
        """Rare words weigh more; a word that is nowhere weighs the most."""
        count = len(self._passages)
        return {
            word: math.log(1 + count / max(1, len(self._rows_with(word)))) if count else 0.0
            for word in words
        }

    def _rows_with(self, word: str) -> set[int]:
        rows = self._connection.execute(
            "SELECT rowid FROM passages WHERE passages MATCH ?", (f'"{word}"',)
        )
        with closing(rows):
            return {row for (row,) in rows}


def telling_words(text: str) -> list[str]:
    """The distinct words of a question without the small ones; at most 24."""
    found = dict.fromkeys(re.findall(r"[^\W_]+", text[:2_000].casefold()))
    return [word for word in found if word not in _STOP][:24]


def _plain(text: str) -> str:
    """As SQLite can hold it: lone surrogates replaced."""
    return text.encode("utf-8", "replace").decode("utf-8")
