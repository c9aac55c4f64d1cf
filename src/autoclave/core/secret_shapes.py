"""What secrets look like: shapes that hardly anything else has, each with what it begins by."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One kind of secret. The last group of the pattern is the secret, else the whole match."""

    kind: str
    triggers: tuple[str, ...]
    """One of these stands in every text that the pattern matches."""
    pattern: re.Pattern[str]
    confirmed: re.Pattern[str] | None
    """For a trigger that says little: what else has to be there, in the text as in its JSON."""

    def replace(self, text: str, mint: Callable[[str, str], str]) -> str:
        """The text with what `mint` makes of each in its place."""

        def mark(found: re.Match[str]) -> str:
            group = found.lastindex or 0
            start, end = found.start(group) - found.start(), found.end(group) - found.start()
            return found[0][:start] + mint(self.kind, found[group]) + found[0][end:]

        if not any(trigger in text for trigger in self.triggers):
            return text
        return self.pattern.sub(mark, text)


def _shape(kind: str, triggers: str, pattern: str, *, if_also: str = "") -> Shape:
    return Shape(
        kind=kind,
        triggers=tuple(triggers.split()),
        pattern=re.compile(pattern),
        confirmed=re.compile(if_also) if if_also else None,
    )


_NAMES = (
    r"(?:pass(?:word|wd|phrase)|secret"
    r"|(?:api|access|secret|private|auth|account|encryption)[_-]?key"
    r"|(?:access|auth|api|bearer|refresh|session|id)[_-]?token)"
)
_WHOLE_NAME = re.compile(_NAMES + "$", re.IGNORECASE)
_SET = r"""[\\"'\]]*(?:\s|\\[nrtf]|\\u00..)*[:=]"""
_NAME_ENDS = tuple(
    (word.partition("(")[0], re.compile(rf"({word}){_SET}"))
    for word in ("pass(?:word|wd|phrase)", "secret", "key", "token")
)
_LONGEST_NAME = 24
_ANY_CASE = "pass Pass PASS secret Secret SECRET key Key KEY token Token TOKEN"
_SET_TO = r"(?:=>|:=|[:=])\s*"
_VALUE = r"[A-Za-z0-9+/=_.~!@#%^&*-]"
_LINE = r"[ \t+-]*(?:[A-Za-z0-9+/]+={0,2}|(?:Proc-Type|DEK-Info|Comment|Version): ?[\w ,.-]+)?"
_NEXT = r"(?:\\r|\\n|\r|\n)+"
_KEY = r"[A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----"

PRIVATE_KEY = _shape(
    "pem",
    "PRIVATE",
    rf"-----BEGIN {_KEY}(?:{_NEXT}{_LINE}){{1,400}}?(?:{_NEXT})?[ \t+-]*-----END {_KEY}",
)
"""Looked for first: it is the only one that others could stand inside."""

SHAPES: tuple[Shape, ...] = (
    _shape(
        "aws",
        "AKIA ASIA",
        r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    ),
    _shape("gcp", "AIza ya29.", r"\b(?:AIza[\w-]{35}|ya29\.[\w-]{20,})"),
    _shape(
        "azure",
        "Key=",
        r"(?:Account|SharedAccess)Key=([A-Za-z0-9+/]{40,}={0,2})",
        if_also="(?:Account|SharedAccess)Key=",
    ),
    _shape("azure", "Q~", r"(?<![\w~.-])\w{3}\dQ~[\w~.-]{31,34}(?![\w~.-])"),
    _shape("azure", "sig=", r"[?&]sig=([\w%+/-]{40,}={0,2})"),
    _shape(
        "github",
        "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_",
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_\w{22,255})\b",
    ),
    _shape(
        "gitlab",
        "glpat- gldt- glrt-",
        r"\bgl(?:pat|dt|rt)-[\w.-]{20,}",
    ),
    _shape(
        "slack",
        "xox xapp-",
        r"\b(?:xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-\d-[A-Za-z0-9-]{20,})",
    ),
    _shape(
        "slack",
        "hooks.slack.com",
        r"hooks\.slack\.com/(?:services|workflows)/([A-Za-z0-9+/]{20,})",
    ),
    _shape(
        "stripe",
        "_live_ _test_ whsec_",
        r"\b(?:(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9]{24,})",
    ),
    _shape("anthropic", "sk-ant-", r"\bsk-ant-[\w-]{20,}"),
    _shape(
        "openai",
        "sk-",
        r"(?<![\w-])sk-(?:(?:proj|svcacct|admin|or-v1)-[\w-]{32,}|[A-Za-z0-9]{32,})(?![\w-])",
        if_also=r"sk-[\w-]{20,}",
    ),
    _shape("huggingface", "hf_", r"\bhf_[A-Za-z0-9]{30,}\b", if_also="hf_[A-Za-z0-9]{30}"),
    _shape("groq", "gsk_", r"\bgsk_[A-Za-z0-9]{40,}\b", if_also="gsk_[A-Za-z0-9]{40}"),
    _shape("xai", "xai-", r"\bxai-[A-Za-z0-9]{60,}\b", if_also="xai-[A-Za-z0-9]{60}"),
    _shape("runpod", "rpa_", r"\brpa_[A-Za-z0-9]{40,}\b", if_also="rpa_[A-Za-z0-9]{40}"),
    _shape(
        "digitalocean",
        "dop_v1_ doo_v1_ dor_v1_",
        r"\bdo[opr]_v1_[0-9a-f]{64}\b",
    ),
    _shape("docker", "dckr_pat_", r"\bdckr_pat_[\w-]{20,}"),
    _shape("gcp", "GOCSPX-", r"\bGOCSPX-[\w-]{20,}"),
    _shape(
        "sendgrid",
        "SG.",
        r"\bSG\.[\w-]{20,24}\.[\w-]{39,50}(?![\w-])",
        if_also=r"SG\.[\w-]{20,24}\.",
    ),
    _shape("hashicorp", "hvs. hvb.", r"\bhv[sb]\.[\w-]{24,}", if_also=r"hv[sb]\.[\w-]{24}"),
    _shape("age", "AGE-SECRET-KEY-", r"\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b"),
    _shape("pypi", "pypi-AgE", r"\bpypi-AgE[\w-]{50,}"),
    _shape("npm", "npm_", r"\bnpm_[A-Za-z0-9]{36}\b"),
    _shape("autoclave", "autoclave_", r"\bautoclave_[0-9a-f]{12}_[A-Za-z0-9_-]{43}(?![\w-])"),
    _shape("jwt", "eyJ", r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}"),
    _shape(
        "header",
        "uthorization UTHORIZATION",
        r"(?i:authorization)[\\\"']{0,4}\s*[:=]\s*[\\\"']{0,4}(?i:bearer|basic|token|apikey)\s+"
        r"([A-Za-z0-9+/=_.~:-]{8,})",
    ),
    _shape("header", "earer EARER", r"\b(?i:bearer)\s+([A-Za-z0-9+/_.~-]{20,}={0,2})"),
    _shape(
        "url",
        "://",
        r"://[^/\s:@\"'<>{}$]{0,100}:([^/\s@\"'<>{}$]{3,})@(?=[\w\[])",
        if_also=r"://[^/\s:@\"'<>{}$]*:[^/\s@\"'<>{}$]{3,}@",
    ),
    _shape(
        "named",
        _ANY_CASE,
        rf"(?i:{_NAMES})(?:\\*[\"'])?\]?\s*{_SET_TO}\\*[\"']([^\s\"'<>{{}}$\\]{{12,200}})(?=[\"'\\])",
    ),
    _shape(
        "named",
        _ANY_CASE,
        rf"(?i:{_NAMES})(?:\\*[\"'])?\s*{_SET_TO}"
        rf"((?={_VALUE}{{0,199}}\d)(?={_VALUE}{{0,199}}[A-Za-z]){_VALUE}{{12,200}})(?![\w(\[.])",
    ),
)
"""The others, in the order in which they are looked for."""


def _gated() -> tuple[tuple[str, tuple[tuple[str, Shape], ...]], ...]:
    """The triggers by what they have in common: one look for many."""
    found: dict[str, list[tuple[str, Shape]]] = {}
    for shape in (PRIVATE_KEY, *SHAPES):
        # Names and headers are looked for in small letters; `sk-` stands for both of its kinds.
        if shape.kind in ("named", "header", "anthropic"):
            continue
        for trigger in shape.triggers:
            gate = next((each for each in _GATES if each in trigger), trigger)
            found.setdefault(gate, []).append((trigger, shape))
    return tuple((gate, tuple(triggers)) for gate, triggers in found.items())


_GATES = ("gh", "gl", "~", "=", "_", "-")
_BY_GATE = _gated()


def may_hold_secret(text: str) -> bool:
    """Whether a JSON text may hold something of any shape. Cheap, and wrong only in yes."""
    for gate, triggers in _BY_GATE:
        if gate in text:
            for trigger, shape in triggers:
                if trigger in text and (shape.confirmed is None or shape.confirmed.search(text)):
                    return True
    lowered = text.lower()
    if "authorization" in lowered or "bearer" in lowered:
        return True
    return any(
        word in lowered and any(_is_name(lowered, found) for found in pattern.finditer(lowered))
        for word, pattern in _NAME_ENDS
    )


def is_secret_name(name: str) -> bool:
    """Whether a key of this name holds a secret."""
    return _WHOLE_NAME.search(name) is not None


def _is_name(lowered: str, found: re.Match[str]) -> bool:
    """Whether the word that was found ends a name of a secret: many a key is none."""
    end = found.end(1)
    return _WHOLE_NAME.search(lowered, max(0, end - _LONGEST_NAME), end) is not None
