"""Who asks: tokens, roles and how often."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..service.tokens import Role, Token, TokenStore
from .asgi import Scope, header
from .places import address_of
from .problems import Problem, too_often, unauthenticated
from .rates import Rate, Rates

WITH_TOKEN = Rate(burst=120, per_second=30)
WITHOUT_TOKEN = Rate(burst=60, per_second=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Somebody with a token that is good."""

    token: Token

    @property
    def by(self) -> str:
        return self.token.by

    def may(self, role: Role) -> bool:
        return self.token.role.covers(role)

    def must(self, role: Role, *, to: str = "do this") -> None:
        """Raise Problem unless the token's role is enough."""
        if not self.may(role):
            raise Problem(
                403,
                "not_allowed",
                f"it takes the role {role} to {to}, and this token is of a {self.token.role}",
                hint=f"autoclave token create NAME --role {role}",
            )


class Callers:
    """Tells callers by their tokens, and holds each to a rate.

    A token that is good has a bucket of its own, so a page that floods loopback without one keeps
    nobody out.
    """

    def __init__(
        self,
        tokens: TokenStore,
        *,
        with_token: Rate = WITH_TOKEN,
        without_token: Rate = WITHOUT_TOKEN,
        clock: Callable[[], float] | None = None,
    ) -> None:
        named = {} if clock is None else {"clock": clock}
        self.tokens = tokens
        self._known = Rates(with_token, **named)
        self._unknown = Rates(without_token, **named)

    def of(self, scope: Scope) -> Caller | None:
        """Who asks; None without a token. Raises Problem for a bad token, or too many requests."""
        said = header(scope, b"authorization")
        if said is None:
            self._take(self._unknown, address_of(scope))
            return None
        kind, _, text = said.partition(" ")
        return self.with_text(text.strip() if kind.lower() == "bearer" else "", scope)

    def with_text(self, text: str, scope: Scope) -> Caller:
        """The caller with that token. Raises Problem."""
        token = self.tokens.find(text)
        if token is None:
            self._take(self._unknown, address_of(scope))
            raise unauthenticated("this token is unknown, revoked or expired")
        self._take(self._known, token.id)
        return Caller(token=token)

    def _take(self, rates: Rates, key: str) -> None:
        if wait := rates.take(key):
            raise too_often(wait)
