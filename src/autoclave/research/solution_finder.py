"""Answers questions from local documents and from lessons learnt, by quoting; no network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..domain.canonical import JsonObject
from ..domain.ports import Knowledge
from ..domain.risk import Origin
from .doc_analyzer import Passage, sentences
from .passage_index import Hit, PassageIndex, telling_words
from .reading import passages_below, stamp

NOTHING = "Nothing here covers this question."
_LONGEST_ANSWER = 3
"""Sentences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was found; every sentence is quoted from one of the passages."""

    text: str
    is_covered: bool
    passages: tuple[JsonObject, ...]
    independent_sources: int
    """Different documents that say it. One may be wrong or planted; several seldom are."""

    def to_json(self) -> JsonObject:
        return {
            "answer": self.text,
            "is_covered": self.is_covered,
            "independent_sources": self.independent_sources,
            "passages": list(self.passages),
        }


class LocalResearch:
    """Research: ranks passages of documents and lessons. What it returns is untrusted text."""

    def __init__(self, folders: Sequence[Path], *, knowledge: Knowledge | None = None) -> None:
        self._folders = tuple(folders)
        self._knowledge = knowledge
        self._stamp: object = None
        self._passages: list[Passage] = []

    def search(self, query: str, *, limit: int = 5) -> list[JsonObject]:
        """Passages with `text`, `source`, `heading`, `score`, `coverage`, `origin`, best first."""
        return [_shown(hit) for hit in self._hits(query, limit=limit)]

    def answer(self, query: str, *, limit: int = 5) -> Answer:
        """The sentences that answer best, or plainly that nothing does."""
        hits = self._hits(query, limit=limit)
        if not hits:
            return Answer(text=NOTHING, is_covered=False, passages=(), independent_sources=0)
        return Answer(
            text=" ".join(_best_sentences(query, hits)),
            is_covered=True,
            passages=tuple(_shown(hit) for hit in hits),
            independent_sources=independent_sources(hits),
        )

    def _hits(self, query: str, *, limit: int) -> list[Hit]:
        index = PassageIndex([*self._documents(), *self._lessons(query)])
        try:
            return index.search(query, limit=limit)
        finally:
            index.close()

    def _documents(self) -> list[Passage]:
        """Read again only when a document has changed."""
        now = stamp(self._folders)
        if now != self._stamp:
            self._passages, self._stamp = passages_below(self._folders), now
        return self._passages

    def _lessons(self, query: str) -> list[Passage]:
        if self._knowledge is None:
            return []
        known = self._knowledge.recall(query)
        lived = [
            Passage(text=each["lesson"], source=f"experience {each['id']}", heading=each["goal"])
            for each in known["experiences"]
            if each.get("lesson")
        ]
        told = [
            Passage(text=each["lesson"], source=f"pattern {each['id']}", heading="")
            for each in known.get("patterns", ())
            if each.get("lesson")
        ]
        return lived + told


def independent_sources(hits: Sequence[Hit]) -> int:
    """How many documents say it in words of their own: copies of one text count once."""
    texts: dict[str, str] = {}
    for hit in hits:
        texts.setdefault(" ".join(hit.passage.text.casefold().split()), hit.passage.source)
    return len(set(texts.values()))


def _best_sentences(query: str, hits: Sequence[Hit]) -> list[str]:
    """Up to three sentences of the best passages that share the most with the question."""
    wanted = {word[:6] for word in telling_words(query)}
    scored = []
    for rank, hit in enumerate(hits[:3]):
        for place, sentence in enumerate(sentences(hit.passage.text)):
            shared = sum(word[:6] in wanted for word in telling_words(sentence))
            scored.append((-shared, rank, place, sentence))
    best = [each for each in sorted(scored) if each[0]][:_LONGEST_ANSWER] or sorted(scored)[:1]
    in_order = sorted(best, key=lambda each: each[1:3])
    return list(dict.fromkeys(sentence for *_, sentence in in_order))


def _shown(hit: Hit) -> JsonObject:
    is_lesson = hit.passage.source.startswith(("experience ", "pattern "))
    return {
        "text": hit.passage.text,
        "source": hit.passage.source,
        "heading": hit.passage.heading,
        "score": round(hit.score, 4),
        "coverage": round(hit.coverage, 4),
        "origin": (Origin.MODEL if is_lesson else Origin.FILE).value,
    }
