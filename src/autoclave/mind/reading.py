"""Reading a goal: its words, and the typed things that it names."""

from __future__ import annotations

import re
import shlex
from typing import TypedDict

_WORD = re.compile(r"[a-z][a-z0-9_+-]*")
_QUOTED = re.compile(r"[\"“]([^\"”]*)[\"”]|(?<!\w)'([^']*)'(?!\w)")
_CODE = re.compile(r"`([^`]+)`")
_URL = re.compile(r"https?://[^\s\"“”'`<>]*[^\s\"“”'`<>.,;:!?)\]]")
_PATH = re.compile(
    r"(?<![\w@:/.-])((?:[\w.-]+/)*[\w-][\w.-]*\.[A-Za-z]\w{0,7}|(?:[\w.-]+/)+[\w.-]*)"
)
_TARGET = re.compile(r"\b(?:to|into|as|onto)\s+(?:the\s+)?(?:file\s+)?$", re.IGNORECASE)
_ENDINGS = ("ing", "ies", "ed", "es", "s")


class Literal(TypedDict):
    """A thing that the goal names."""

    type: str
    """Semantic type: `path`, `output-path`, `text`, `pattern`, `url`, `argv`."""
    value: str | list[str]


class Reading(TypedDict):
    words: list[str]
    literals: list[Literal]


def read_goal(text: str) -> Reading:
    """The goal's words in order (stemmed, without quoted parts) and its literals."""
    literals: list[Literal] = [
        {"type": "argv", "value": _split(match.group(1))} for match in _CODE.finditer(text)
    ]
    rest = _CODE.sub(" ", text)
    for match in _QUOTED.finditer(rest):
        quoted = match.group(1) if match.group(1) is not None else match.group(2)
        literals.append({"type": "text", "value": quoted})
    rest = _QUOTED.sub(" ", rest)
    literals += [{"type": "url", "value": match.group()} for match in _URL.finditer(rest)]
    rest = _URL.sub(" ", rest)
    for match in _PATH.finditer(rest):
        is_target = bool(_TARGET.search(rest[: match.start()]))
        kind = "output-path" if is_target else "path"
        literals.append({"type": kind, "value": match.group(1).rstrip(".")})
    words = [stem(word) for word in _WORD.findall(_PATH.sub(" ", rest).lower())]
    return {"words": words, "literals": literals}


def stem(word: str) -> str:
    """A crude stem, good enough to let `failing` meet `fails`."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def _split(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()
