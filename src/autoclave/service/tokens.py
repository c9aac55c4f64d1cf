"""Tokens of people and programs that reach the agent over HTTP: who may do how much, until when."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import stat
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from ..core.durable import replace_whole
from ..core.home_lock import HomeLock
from ..domain.canonical import JsonObject, canonical
from ..domain.errors import ConfigurationInvalid, Conflict, InvalidInput, NotFound

PREFIX = "autoclave_"
_FORM = re.compile(PREFIX + r"([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,39}")
_RANDOM_BYTES = 32
_NOTE_USE_EVERY_SECONDS = 60.0


class Role(StrEnum):
    """What a token is good for; each role may do all that those before it may."""

    VIEWER = "viewer"
    """Look."""
    OPERATOR = "operator"
    """Give and steer work; say no."""
    APPROVER = "approver"
    """Say yes, as far as a yes needs no signature; hand signed ones in."""

    def covers(self, needed: Role) -> bool:
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """Everything about a token but the token itself, which nobody keeps."""

    id: str
    name: str
    role: Role
    digest: str
    """SHA-256 of the whole token: enough, because nobody guesses 256 random bits."""
    created_at: float
    created_by: str
    expires_at: float | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise InvalidInput(
                f"{self.name!r} is no name for a token",
                hint="letters, digits, dot, dash and underscore, at most 40",
            )

    @property
    def by(self) -> str:
        """Who acted, for the record: a person, by the door that they came through."""
        return f"person:{self.name}@api"

    def is_expired(self, now: float) -> bool:
        return self.expires_at is not None and now >= self.expires_at

    def to_json(self) -> JsonObject:
        return {**asdict(self), "role": str(self.role)}

    @classmethod
    def from_json(cls, data: JsonObject) -> Token:
        return cls(**{**data, "role": Role(data["role"])})


class TokenStore:
    """All tokens of a home, hashed, in a file that only its owner can read."""

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._path = folder / "tokens.json"
        # Beside it, so that noting a use can never bring a revoked token back.
        self._uses_path = folder / "token_uses.json"
        self._clock = clock
        self._seen: tuple[int, int, int] | None = None
        self._tokens: dict[str, Token] = {}
        self._uses: dict[str, float] = {}
        self._uses_kept_at = clock()

    def create(
        self, name: str, role: Role, *, by: str, lasts_seconds: float | None = None
    ) -> tuple[Token, str]:
        """A new token, and its text: this is the only time that it can be seen."""
        now = self._clock()
        handle, text = secrets.token_hex(6), secrets.token_urlsafe(_RANDOM_BYTES)
        text = f"{PREFIX}{handle}_{text}"
        token = Token(
            id=handle,
            name=name,
            role=role,
            digest=_digest(text),
            created_at=now,
            created_by=by,
            expires_at=None if lasts_seconds is None else now + lasts_seconds,
        )
        with self._lock():
            kept = self._read()
            if any(each.name == name for each in kept.values()):
                raise Conflict(
                    f"there is a token {name} already", hint=f"autoclave token revoke {name}"
                )
            self._write({**kept, token.id: token})
        return token, text

    def list(self) -> list[JsonObject]:
        """Every token without its digest, with when it was used last."""
        uses, now = self._read_uses(), self._clock()
        return [
            {
                **{name: value for name, value in each.to_json().items() if name != "digest"},
                "expired": each.is_expired(now),
                "last_used_at": uses.get(each.id),
            }
            for each in sorted(self._read().values(), key=lambda token: token.name)
        ]

    def revoke(self, name: str) -> JsonObject:
        """Forget it: whoever uses it is refused from now on. Raises NotFound."""
        with self._lock():
            kept = self._read()
            found = [each for each in kept.values() if each.name == name]
            if not found:
                raise NotFound(f"there is no token {name}", hint="autoclave token list")
            self._write({key: each for key, each in kept.items() if each.name != name})
        return {"name": name, "revoked": True}

    def has_any(self) -> bool:
        """Whether somebody could come in."""
        now = self._clock()
        return any(not each.is_expired(now) for each in self._current().values())

    def find(self, text: str) -> Token | None:
        """The token that this is the text of, if it is good now."""
        form = _FORM.fullmatch(text)
        token = self._current().get(form[1]) if form else None
        # Compared even when there is none, so that the time it takes says nothing.
        is_same = hmac.compare_digest(_digest(text), token.digest if token else "0" * 64)
        if token is None or not is_same or token.is_expired(self._clock()):
            return None
        self._note_use(token)
        return token

    def is_good(self, token: Token) -> bool:
        """Whether a token that was found before still is."""
        return self._current().get(token.id) == token and not token.is_expired(self._clock())

    def keep_uses(self) -> None:
        """Write down when tokens were used last."""
        if self._uses:
            uses = {**self._read_uses(), **self._uses}
            alive = {key: at for key, at in uses.items() if key in self._current()}
            data = canonical(alive).encode("ascii")
            replace_whole(self._uses_path, lambda file: file.write(data))
        self._uses, self._uses_kept_at = {}, self._clock()

    def _note_use(self, token: Token) -> None:
        self._uses[token.id] = self._clock()
        if self._clock() - self._uses_kept_at >= _NOTE_USE_EVERY_SECONDS:
            self.keep_uses()

    def _current(self) -> dict[str, Token]:
        """The tokens as the file has them now; it is read again only when it changed."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            self._seen, self._tokens = None, {}
            return {}
        stamp = (found.st_mtime_ns, found.st_ino, found.st_size)
        if stamp != self._seen:
            self._tokens = self._read()
            self._seen = stamp
        return self._tokens

    def _lock(self) -> HomeLock:
        return HomeLock(self._path.with_suffix(".lock"))

    def _read(self) -> dict[str, Token]:
        try:
            handle = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._unusable(error.strerror or "it is a link") from error
        with os.fdopen(handle, "rb") as file:
            if stat.S_IMODE(os.fstat(handle).st_mode) & 0o077:
                raise self._unusable("others may read it", hint=f"chmod 600 {self._path}")
            try:
                kept = json.loads(file.read())["tokens"]
                return {each["id"]: Token.from_json(each) for each in kept}
            except (ValueError, LookupError, TypeError, InvalidInput) as error:
                raise self._unusable("it is damaged") from error

    def _write(self, kept: dict[str, Token]) -> None:
        tokens = [each.to_json() for each in kept.values()]
        data = canonical({"version": 1, "tokens": tokens}).encode("utf-8")
        replace_whole(self._path, lambda file: file.write(data))

    def _read_uses(self) -> dict[str, float]:
        """A damaged file of uses is an empty one: nothing hangs on it."""
        try:
            found = json.loads(self._uses_path.read_bytes())
            return {str(key): float(at) for key, at in found.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}

    def _unusable(self, why: str, *, hint: str = "") -> ConfigurationInvalid:
        return ConfigurationInvalid(
            f"the tokens in {self._path} cannot be used: {why}",
            hint=hint or "remove the file and create the tokens again",
        )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
