"""What a model's tokens cost: a table with dates, read from data."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from ...domain.errors import ConfigurationInvalid
from ...domain.model import ModelLimits, ModelRequest, Tokens

_TABLE = Path(__file__).with_name("prices.toml")
_MILLION = 1_000_000
_TOKENS_AROUND = 1_000
"""What an interface adds by itself: roles, marks, the frame of tools."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """US dollars per million tokens."""

    input: float
    output: float
    cache_read: float
    cache_write: float

    def usd(self, tokens: Tokens) -> float:
        paid = (
            tokens.input * self.input
            + tokens.cache_read * self.cache_read
            + tokens.cache_write * self.cache_write
            + tokens.output * self.output
        )
        return paid / _MILLION

    def times(self, factor: float) -> Rates:
        return Rates(**{name: rate * factor for name, rate in asdict(self).items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What one model costs, since when, and says who."""

    model: str
    rates: Rates
    limits: ModelLimits
    above: tuple[int, Rates] | None
    """Past so many tokens in the prompt, all of the call has these rates."""
    since: str
    source: str
    batch: float = 1.0
    """What a call costs in a batch, as a part of what it costs alone."""

    def batched(self) -> Price:
        """The same for calls that are sent in a batch."""
        above = (self.above[0], self.above[1].times(self.batch)) if self.above else None
        return replace(self, rates=self.rates.times(self.batch), above=above, batch=1.0)

    def usd(self, tokens: Tokens) -> float:
        """What a call cost."""
        return self._rates(tokens.read).usd(tokens)

    def most(self, request: ModelRequest, *, read: int | None = None) -> float:
        """The most that a call can cost: nothing is read from a cache, all of it is kept.

        `read` are the tokens of the prompt, where they were counted.
        """
        read = most_tokens_of(request) if read is None else int(read * 1.02) + 200
        return self._rates(read).usd(Tokens(cache_write=read, output=request.most_tokens))

    def _rates(self, read: int) -> Rates:
        return self.above[1] if self.above and read > self.above[0] else self.rates


FREE = Rates(input=0.0, output=0.0, cache_read=0.0, cache_write=0.0)


def price_of(model: str, *, own: Path | None = None) -> Price | None:
    """The price of a model by the longest name that it begins with; None when it is not known.

    Raises ConfigurationInvalid for a table of one's own that can't be used.
    """
    known = {**_read(_TABLE), **(_read(own) if own and own.exists() else {})}
    fitting = [name for name in known if model == name or model.startswith(f"{name}-")]
    return known[max(fitting, key=len)] if fitting else None


def most_tokens_of(request: ModelRequest) -> int:
    """No request has more tokens than this: a token stands for a byte at least."""
    from ...domain.canonical import canonical

    said = [request.system, list(request.messages), list(request.tools), request.schema]
    size = len(canonical([*said, request.notice]).encode("utf-8", "surrogatepass"))
    return size + _TOKENS_AROUND


@cache
def _read(file: Path) -> Mapping[str, Price]:
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
        return {
            name: _price(name, given, seller=each)
            for each in table.values()
            for name, given in each["models"].items()
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationInvalid(
            f"the price table {file} can't be used: {error!r}",
            hint="it has the form of autoclave/core/models/prices.toml",
        ) from error


def _price(name: str, given: Mapping[str, Any], *, seller: Mapping[str, Any]) -> Price:
    above = given.get("above")
    return Price(
        model=name,
        rates=_rates(given),
        limits=ModelLimits(window=given["window"], output=given["most_output"]),
        above=(above["tokens"], _rates(above)) if above else None,
        since=str(seller["since"]),
        source=seller["source"],
        batch=float(seller.get("batch", 1.0)),
    )


def _rates(given: Mapping[str, Any]) -> Rates:
    names = ("input", "output", "cache_read", "cache_write")
    return Rates(**{name: float(given[name]) for name in names})
