"""Who has the dashboard open in a browser, for how long, and with which token."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from ..service.tokens import Token, TokenStore
from .callers import Caller
from .problems import Problem

COOKIE = "autoclave_session"
LONGEST_SECONDS = 8 * 3600.0
IDLE_SECONDS = 30 * 60.0
MOST_SESSIONS = 16


@dataclass(slots=True, kw_only=True)
class Session:
    """Somebody who came in with a token.

    The cookie alone opens nothing: browsers send it to every port of a host, so another server on
    this machine may come to see it. The key is kept by the page, where only its own origin reads.
    """

    caller: Caller
    cookie_digest: str
    key_digest: str
    began_at: float
    used_at: float
    screen: object = None
    """The screen that is shown now; the next one takes its place."""

    @property
    def token(self) -> Token:
        return self.caller.token


class Sessions:
    """In memory: when the server ends, so do they."""

    def __init__(self, tokens: TokenStore, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._tokens = tokens
        self._clock = clock
        self._kept: dict[str, Session] = {}

    def begin(self, caller: Caller) -> tuple[str, str]:
        """A session for a token that is good: what goes into the cookie, and the key."""
        self._kept = {key: each for key, each in self._kept.items() if not self.why_over(each)}
        if len(self._kept) >= MOST_SESSIONS:
            raise Problem(429, "busy", "too many browsers are in already")
        cookie, key, now = secrets.token_urlsafe(32), secrets.token_urlsafe(32), self._clock()
        self._kept[_digest(cookie)] = Session(
            caller=caller,
            cookie_digest=_digest(cookie),
            key_digest=_digest(key),
            began_at=now,
            used_at=now,
        )
        return cookie, key

    def find(self, cookie: str) -> Session | None:
        """The session of a cookie, if it has not ended."""
        session = self._kept.get(_digest(cookie))
        return None if session is None or self.why_over(session) else session

    def is_key(self, session: Session, key: object) -> bool:
        return isinstance(key, str) and hmac.compare_digest(_digest(key), session.key_digest)

    def use(self, session: Session) -> None:
        session.used_at = self._clock()

    def end(self, session: Session) -> None:
        self._kept.pop(session.cookie_digest, None)

    def why_over(self, session: Session) -> str:
        """Why a session has ended; empty when it has not."""
        if session.cookie_digest not in self._kept:
            return "you have left"
        if not self._tokens.is_good(session.token):
            return "the token was revoked or has expired"
        if self._clock() - session.began_at > LONGEST_SECONDS:
            return "it was open for eight hours"
        if self._clock() - session.used_at > IDLE_SECONDS:
            return "no key was pressed for half an hour"
        return ""


def cookie_of(said: str) -> str:
    """The value of our cookie in a Cookie header; empty when it is not there, or there twice."""
    pairs = [each.strip().partition("=") for each in said.split(";")]
    found = [value for name, _, value in pairs if name == COOKIE]
    return found[0] if len(found) == 1 else ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
