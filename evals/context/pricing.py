"""What a row of requests costs: the prompt cache of the loopback server over each body."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.servers.prompt import prompt_of
from tests.servers.prompt_cache import PromptCache

from autoclave.core.models.prices import Price
from autoclave.domain.canonical import JsonObject
from autoclave.domain.model import Tokens

_SECONDS_EACH = 8.0
"""From one request to the next: less than a cache lives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of all requests of one story together."""

    tokens: Tokens
    usd: float
    largest: int
    """Tokens of the longest prompt."""
    requests: int

    def to_json(self) -> JsonObject:
        return {
            "tokens": self.tokens.to_json(),
            "usd": round(self.usd, 4),
            "largest_prompt": self.largest,
            "requests": self.requests,
        }


def cost_of(
    bodies: Sequence[JsonObject],
    written: Sequence[int],
    price: Price,
    *,
    asked_before: int,
    away: float,
) -> Cost:
    """The price of each request with what was sent before it; the person is `away` seconds."""
    now = 0.0
    cache = PromptCache(lambda: now)
    total, usd, largest = Tokens(), 0.0, 0
    for number, (body, out) in enumerate(zip(bodies, written, strict=True)):
        if number == asked_before:
            now += away
        prompt = prompt_of(body)
        used = cache.use(prompt)
        tokens = Tokens(
            input=used.plain, cache_read=used.read, cache_write=used.written, output=out
        )
        total, usd = total.plus(tokens), usd + price.usd(tokens)
        largest = max(largest, prompt.size)
        now += _SECONDS_EACH
    return Cost(tokens=total, usd=usd, largest=largest, requests=len(bodies))
