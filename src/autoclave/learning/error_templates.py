"""What remains of an error when its particulars are taken out: masks, then Drain-like clusters.

The clustering follows He et al., "Drain: an online log parsing approach" (ICWS 2017): messages with
the same number of tokens and enough equal ones share a template; where they differ it has `<*>`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..domain.canonical import digest
from .payload import name_of, text_of

ANY = "<*>"
LONGEST = 400
SHARE_CONSTANT = 0.66
"""A template may not become vaguer than this: at least this share of its tokens stays fixed."""

_QUOTED = r"(?<![\w\\])(?P<quote>['\"`])(?:(?!(?P=quote)).|(?P=quote)(?=\w))*(?P=quote)(?!\w)"
_ENDINGS = "py|csv|json|toml|yaml|yml|txt|md|html|log|db|ini|cfg"
_MASKS: tuple[tuple[str, str], ...] = (
    ("url", r"\b[a-z][a-z0-9+.-]{1,15}://[^\s'\"`<>]+"),
    ("text", r"b?" + _QUOTED),
    ("time", r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"),
    ("time", r"\b\d\d?:\d\d:\d\d(?:[.,]\d+)?"),
    ("id", r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"),
    ("path", r"(?:[A-Za-z]:\\|\.{0,2}/|~/)[\w.@+-]+(?:[/\\][\w.@+-]*)*"),
    ("path", r"(?<![\w.@+-])[\w.@+-]+(?:/[\w.@+-]+)+\.\w+"),
    (
        "path",
        r"(?<![\w.-])[\w-]+(?:\.[\w-]+)*\.(?:py|csv|json|toml|yaml|yml|txt|md|html|log|db|ini|cfg)\b",
    ),
    ("hex", r"\b0[xX][0-9a-fA-F]+"),
    ("hex", r"\b(?=[0-9a-f]*\d)[0-9a-f]{8,}\b"),
    ("num", r"[-+]?\d+(?:[.,_]\d+)*(?:[eE][-+]?\d+)?%?"),
)
_KNOWN_MASK = r"<(?:url|text|time|id|path|hex|num|\*)>"
_MASK = re.compile(
    f"(?P<keep>{_KNOWN_MASK})|"
    + "|".join(f"(?P<m{n}>{pattern})" for n, (_, pattern) in enumerate(_MASKS))
)
_REPEATED = re.compile(rf"({_KNOWN_MASK})(?:[,;:]? ?\1)+")


def mask(message: str) -> str:
    """`message` on one line with `<num>`, `<text>`, `<path>` … for its particulars. Idempotent."""
    text = " ".join(message[: 4 * LONGEST].split())
    # A replaced particular can uncover another one; every round leaves fewer, so this ends.
    while (after := _mask_once(text)) != text:
        text = after
    return text


def template_of(failure: Mapping[str, Any]) -> str:
    """`KeyError at code.py:parse: <text>`: the class, the place and the masked message."""
    return spell(
        name_of(failure, "error_class"),
        name_of(failure, "where"),
        tokens_of(failure),
    )


def spell(error_class: str, where: str, tokens: Sequence[str]) -> str:
    place = f" at {where}" if where else ""
    return f"{error_class or 'Error'}{place}: {' '.join(tokens)}".removesuffix(": ")


def tokens_of(failure: Mapping[str, Any]) -> list[str]:
    return mask(text_of(failure, "message")).split()


def template_id(capability: str, failure: Mapping[str, Any], tokens: Sequence[str]) -> str:
    """The name of the template that `tokens` found; it stays when the template grows vaguer."""
    scope = [capability, name_of(failure, "error_class"), name_of(failure, "where")]
    return digest([scope, list(tokens)])[:12]


def best_match(tokens: Sequence[str], templates: Sequence[Sequence[str]]) -> int | None:
    """Index of the template that `tokens` belong to: the one that stays the most exact."""
    best, best_fixed = None, 0
    for index, template in enumerate(templates):
        merged = merge(template, tokens)
        fixed = 0 if merged is None else _fixed(merged)
        if merged is not None and (best is None or fixed > best_fixed):
            best, best_fixed = index, fixed
    return best


def merge(template: Sequence[str], tokens: Sequence[str]) -> list[str] | None:
    """The template that covers both, or None when too little would stay fixed."""
    if len(template) != len(tokens):
        return None
    merged = [old if old == new else ANY for old, new in zip(template, tokens, strict=True)]
    is_same = merged == list(template)
    return merged if is_same or _fixed(merged) >= SHARE_CONSTANT * len(merged) else None


def _fixed(tokens: Sequence[str]) -> int:
    return sum(token != ANY for token in tokens)


def _mask_once(text: str) -> str:
    masked = _MASK.sub(_replacement, text)
    return _REPEATED.sub(r"\1", masked)[:LONGEST].rstrip()


def _replacement(match: re.Match[str]) -> str:
    if match.group("keep"):
        return match.group()
    number = next(n for n in range(len(_MASKS)) if match.group(f"m{n}") is not None)
    return f"<{_MASKS[number][0]}>"
