"""The words of a goal that say what kind of goal it is, and how alike two goals are."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence

MOST_WORDS = 48
_STOP_WORDS = (
    "the a an of to in for and or with on at from by is are be this that it its all into "
    "my our your me us please so as"
)
_STOP = frozenset(_STOP_WORDS.split())
_TOKEN = re.compile(r"[^\s\"'`(),;]+")
_EXTENSION = re.compile(r"[a-z][a-z0-9]{0,7}")
_WORD = re.compile(r"[^\W\d_][^\W_]*")


def words(text: str) -> tuple[str, ...]:
    """The distinct words of `text` in order, folded and stemmed, without its particulars.

    Names of files count by their extension only, numbers do not count.
    """
    folded = unicodedata.normalize("NFKC", text[:4_000]).casefold()
    plain = " ".join(_without_names(token) for token in _TOKEN.findall(folded))
    found = list(dict.fromkeys(_WORD.findall(plain)))
    telling = [word for word in found if word not in _STOP] or found
    return tuple(dict.fromkeys(stem(word[:40]) for word in telling[:MOST_WORDS]))


def stem(word: str) -> str:
    """The word without a plural, -ing, -ed or final -e: enough for `fails`, `failing`, `failed`."""
    word = _singular(word)
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word.removesuffix(ending)
    return word[:-1] if word.endswith("e") and len(word) >= 5 else word


def idf(count: int, total: int) -> float:
    """How telling a word is that `count` of `total` goals have."""
    return math.log(1 + max(total, 1) / max(count, 1))


def weights(of: Collection[str], counts: Mapping[str, int], total: int) -> dict[str, float]:
    return {word: idf(counts.get(word, 0), total) for word in of}


def similarity(one: Collection[str], other: Collection[str], weight: Mapping[str, float]) -> float:
    """Shared weight over the weight of the richer side, 0 to 1."""
    richer = max(_mass(one, weight), _mass(other, weight))
    shared = _mass(set(one) & set(other), weight)
    return shared / richer if richer else 0.0


def rarest(
    of: Sequence[str], counts: Mapping[str, int], *, most: int = 6, budget: int = 20_000
) -> list[str]:
    """The known words with the fewest goals, as long as together they stay within the budget."""
    known = sorted((word for word in of if counts.get(word)), key=lambda word: counts[word])
    chosen, cost = known[:1], counts.get(known[0], 0) if known else 0
    for word in known[1:most]:
        cost += counts[word]
        if cost > budget:
            break
        chosen.append(word)
    return chosen


def _without_names(token: str) -> str:
    """The token, or only its extension when it names a file."""
    name, dot, extension = token.rstrip(".:!?").rpartition(".")
    if dot and name and _EXTENSION.fullmatch(extension):
        return extension
    return "" if "/" in token else token


def _singular(word: str) -> str:
    if len(word) < 4 or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "zes", "ches", "shes")):
        return word[:-2]
    return word.removesuffix("s")


def _mass(of: Collection[str], weight: Mapping[str, float]) -> float:
    # Sorted, because a sum of floats depends on its order and sets have none.
    return sum(weight[word] for word in sorted(set(of)))
