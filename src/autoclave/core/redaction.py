"""Secrets found in what is about to be written down, and the marks that stand in their place."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from ..domain.canonical import canonical
from .secret_shapes import PRIVATE_KEY, SHAPES, is_secret_name, may_hold_secret

MARK = re.compile(r"<redacted:[a-z-]{1,20}:[0-9a-f]{16}>")
"""What stands in the place of a secret. Plain ASCII: the same bytes in every encoding."""

_MARK_BEGINS = "<redacted:"
_LEAST_KNOWN = 12
_LEAST_NAMED = 8
_LEAST_ENCODED = 40
_KNOWN_NAME = re.compile(
    r"(?:^|_)(?:API)?(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL)S?(?:_|$)", re.IGNORECASE
)
_ENCODED = re.compile(
    rf"[A-Za-z0-9+/]{{{_LEAST_ENCODED},}}+(?:\r?\n[A-Za-z0-9+/]++(?=[=\r\n\"]|$))*={{0,2}}"
)
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_IN_ALPHABET = bytes(0 if code in _ALPHABET else 1 for code in range(256))
_RUN = bytes(_LEAST_ENCODED)

T = TypeVar("T")
Mint = Callable[[str, str], str]


class Redaction:
    """Replaces secrets by marks: by their shape, and by their value where it is known."""

    def __init__(self, key: bytes, *, known: Iterable[str] = ()) -> None:
        self._key = hmac.digest(key, b"redaction", "sha256")
        self._known: tuple[str, ...] = ()
        self._spellings: tuple[str, ...] = ()
        self.learn(known)

    def learn(self, values: Iterable[str]) -> None:
        """Take these for secrets from now on, wherever they stand."""
        long_enough = {value for value in values if len(value) >= _LEAST_KNOWN}
        # A file's bytes are kept as one character each, so that is a second spelling.
        spelled = {
            each for value in long_enough for each in (value, _as_bytes_in_text(value)) if each
        }
        spelled.update(self._known)
        self._known = tuple(sorted(spelled, key=lambda each: (-len(each), each)))
        self._spellings = tuple({*self._known, *map(_in_json, self._known)})

    def suspects(self, text: str) -> bool:
        """Whether a JSON text may hold a secret. Cheap, and never wrongly no."""
        if self._suspects(text):
            return True
        if not _has_long_run(text):
            return False
        if "\\" in text:
            for escape, character in (("\\n", "\n"), ("\\r", "\r"), ("\\t", "\t")):
                text = text.replace(escape, character)
        return any(self.suspects(inner) for _, inner in _decoded(text))

    def conceal(self, value: T, *, literal: bool = False) -> tuple[T, dict[str, str]]:
        """The value with a mark in the place of every secret, and the secrets by their marks.

        `literal` is for true bytes: what merely looks like a mark in them is kept like a secret,
        so that revealing gives back exactly `value` and no text can call for another's secret.
        """
        minted: dict[str, str] = {}
        if not self._may_change(value, literal):
            return value, minted

        def mint(kind: str, secret: str) -> str:
            mark = self._mark(kind, secret)
            minted[mark] = secret
            return mark

        return _each_text(value, lambda text: self._in_text(text, mint, literal), mint), minted

    def _may_change(self, value: object, literal: bool) -> bool:
        """One look at the whole is much cheaper than one at every text in it."""
        try:
            text = canonical(value)
        except (TypeError, ValueError):  # no JSON: whoever writes it down will say so
            return True
        return (literal and _MARK_BEGINS in text) or self.suspects(text)

    def _suspects(self, text: str) -> bool:
        return may_hold_secret(text) or any(value in text for value in self._spellings)

    def _in_text(self, text: str, mint: Mint, literal: bool) -> str:
        if literal and _MARK_BEGINS in text:
            text = MARK.sub(lambda found: mint("literal", found[0]), text)
        if not self.suspects(text):
            return text
        text = PRIVATE_KEY.replace(text, mint)
        for value in self._known:
            if value in text:
                text = text.replace(value, mint("known", value))
        for shape in SHAPES:
            text = shape.replace(text, mint)
        return self._in_encoded(text, mint)

    def _in_encoded(self, text: str, mint: Mint) -> str:
        """Base64 that holds a secret is replaced whole: a part of it would not decode."""
        if not _has_long_run(text):
            return text
        for run, inner in _decoded(text):
            if self._in_text(inner, lambda kind, secret: f"<{kind}>", False) != inner:
                text = text.replace(run, mint("encoded", run))
        return text

    def _mark(self, kind: str, secret: str) -> str:
        said = f"{kind}\0{secret}".encode("utf-8", "surrogatepass")
        return f"{_MARK_BEGINS}{kind}:{hmac.digest(self._key, said, 'sha256')[:8].hex()}>"


def reveal(value: T, secret_of: Callable[[str], str]) -> T:
    """The value with every mark replaced by what `secret_of` knows of it."""

    def in_text(text: str) -> str:
        if _MARK_BEGINS not in text:
            return text
        return MARK.sub(lambda found: secret_of(found[0]), text)

    return _each_text(value, in_text, None)


def secrets_of(environment: Mapping[str, str]) -> list[str]:
    """The values of variables whose names say that they are secret. Paths are none."""
    return [
        value
        for name, value in environment.items()
        if _KNOWN_NAME.search(name)
        and len(value) >= _LEAST_KNOWN
        and not value.startswith(("/", "~", "./"))
    ]


def _each_text(value: T, change: Callable[[str], str], mint: Mint | None) -> T:
    """The same JSON value with every text in it changed, those of keys too."""
    made: Any
    if isinstance(value, str):
        made = change(value)
    elif isinstance(value, dict):
        made = {
            change(name) if isinstance(name, str) else name: _of_key(name, each, change, mint)
            for name, each in value.items()
        }
    elif isinstance(value, list | tuple):
        made = [_each_text(each, change, mint) for each in value]
    else:
        made = value
    return made  # type: ignore[no-any-return]


def _of_key(name: Any, value: Any, change: Callable[[str], str], mint: Mint | None) -> Any:
    """A value whose name says what it is needs no shape of its own."""
    if mint is None or not isinstance(value, str) or not isinstance(name, str):
        return _each_text(value, change, mint)
    if len(value) >= _LEAST_NAMED and is_secret_name(name) and not MARK.search(value):
        return mint("named", value)
    return change(value)


def _decoded(text: str) -> Iterator[tuple[str, str]]:
    """Runs of base64 in a text that hold text in turn, and that text."""
    for found in _ENCODED.finditer(text):
        for run in _as_one(found[0]):
            compact = "".join(run.split()).rstrip("=")
            with suppress(binascii.Error, UnicodeDecodeError):
                yield run, base64.b64decode(compact + "=" * (-len(compact) % 4)).decode()


def _as_one(run: str) -> Iterator[str]:
    """Lines that may be one text: of one length, and the shorter one after them may be its end."""
    lines = run.splitlines(keepends=True)
    size = len(lines[0].rstrip())
    same = next((n for n, line in enumerate(lines) if len(line.rstrip()) != size), len(lines))
    yield "".join(lines[: same + 1])
    if same < len(lines):
        yield "".join(lines[:same])


def _has_long_run(text: str) -> bool:
    return _RUN in text.encode("latin-1", "replace").translate(_IN_ALPHABET)


def _in_json(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)[1:-1]


def _as_bytes_in_text(value: str) -> str:
    return value.encode("utf-8", "surrogatepass").decode("latin-1")
