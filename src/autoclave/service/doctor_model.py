"""What `doctor` says about the language model: chosen how, at what price, and does it answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from ..core.models.choosing import CLAUDE, Models, adapter_of
from ..core.models.prices import Price, price_of
from ..domain.canonical import JsonObject
from ..domain.errors import AutoclaveError
from ..domain.ports import LanguageModel
from ..monitoring.health import Check, Health, Probe

_SOON_DAYS = 60
_OLD_PRICE_DAYS = 180
_NEAR = 0.8


Choose: TypeAlias = Callable[[str], LanguageModel | None]


def model_probes(
    choose: Choose,
    models: Models,
    *,
    own_prices: Path | None,
    money: Callable[[], tuple[float, float]],
) -> tuple[Probe, ...]:
    """For nothing: no server is asked. `money` gives what was spent today, and the day's limit."""
    return (
        Probe(name="language model", look=lambda: _chosen(choose, models)),
        Probe(name="model price", look=lambda: _price(choose, own_prices)),
        Probe(name="money today", look=lambda: asyncio.to_thread(lambda: _money(*money()))),
    )


def ping_probe(make: Callable[[], Models]) -> Probe:
    """Asks the interface about the model; nothing is generated, so nothing is paid.

    `make` gives models of the probe's own: those in use belong to another event loop, maybe.
    """

    async def look() -> Check:
        models = make()
        try:
            return await _ping(models)
        finally:
            await models.aclose()

    return Probe(name="model ping", look=look)


def _chosen(choose: Choose, models: Models) -> Check:
    name = "language model"
    try:
        model = choose("auto")
        kind, _ = models.resolve("auto")
    except AutoclaveError as error:
        return Check(name=name, verdict=Health.WARN, detail=error.message, fix=error.hint)
    if model is None:
        said = "none: goals that the capabilities serve work, others are refused"
        return Check(name=name, verdict=Health.NOT_CHECKED, detail=said)
    credential = models.credential() if kind == CLAUDE else ""
    won = f"; its credential is from {credential}" if credential else ""
    return Check(name=name, verdict=Health.OK, detail=f"{model.name}{won}")


def _price(choose: Choose, own: Path | None) -> Check:
    name = "model price"
    model = _model(choose)
    price = price_of(model.name, own=own) if model is not None else None
    if price is None:
        said = "there is no model to be paid" if model is None else "not in the table"
        return Check(name=name, verdict=Health.NOT_CHECKED, detail=said)
    days = _days_since(price.since)
    detail = _told(price)
    if days is not None and days > _OLD_PRICE_DAYS:
        fix = f"look it up at {price.source} and put it into prices.toml beside your settings"
        return Check(name=name, verdict=Health.WARN, detail=f"{detail}; that is old", fix=fix)
    return Check(name=name, verdict=Health.OK, detail=detail)


def _told(price: Price) -> str:
    rates = price.rates
    return (
        f"{price.model}: ${rates.input:g} in, ${rates.output:g} out, ${rates.cache_read:g} from"
        f" the cache, for a million tokens each, as of {price.since}"
    )


def _money(spent: float, limit: float) -> Check:
    name = "money today"
    said = f"${spent:.4f} of ${limit:g}"
    if spent >= _NEAR * limit:
        fix = "it goes on at midnight, UTC; or raise the limit in safety_rules.yaml"
        return Check(name=name, verdict=Health.WARN, detail=said, fix=fix)
    return Check(name=name, verdict=Health.OK, detail=said)


async def _ping(models: Models) -> Check:
    name = "model ping"
    model: Any = adapter_of(_model(models.choose))
    look = getattr(model, "look", None)
    if look is None:
        said = "there is no model that could be asked"
        return Check(name=name, verdict=Health.NOT_CHECKED, detail=said)
    try:
        return _seen(await look())
    except AutoclaveError as error:
        return Check(name=name, verdict=Health.FAIL, detail=error.message, fix=error.hint)


def _seen(found: JsonObject) -> Check:
    parts = [str(found["model"])]
    parts += [f"takes {found['window']:,} tokens"] if found.get("window") else []
    parts += [f"gives {found['output']:,}"] if found.get("output") else []
    retires = found.get("retires_on") or ""
    parts += [f"retires on {retires}"] if retires else []
    detail = f"answers: {', '.join(parts)}"
    days = _days_since(retires)
    if days is not None and -days < _SOON_DAYS:
        fix = "choose its successor: --model-name, or the setting model_name"
        return Check(name="model ping", verdict=Health.WARN, detail=detail, fix=fix)
    return Check(name="model ping", verdict=Health.OK, detail=detail)


def _model(choose: Choose) -> LanguageModel | None:
    try:
        return choose("auto")
    except AutoclaveError:
        return None


def _days_since(day: str) -> int | None:
    """How many days ago an ISO date was; None for what is none."""
    try:
        then = datetime.fromisoformat(day).replace(tzinfo=UTC)
    except ValueError:
        return None
    return (datetime.now(UTC) - then).days
