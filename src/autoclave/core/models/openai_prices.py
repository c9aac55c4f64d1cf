"""Whose server a base URL is, and so what a model costs there."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from urllib.parse import urlsplit

from ...domain.errors import ConfigurationInvalid
from ...domain.model import ModelLimits
from .prices import FREE, Price, price_of
from .switch import is_here

OPENAI = "https://api.openai.com/v1"
_HOST = "api.openai.com"
_OWN_ENDS = (".local", ".lan", ".home", ".home.arpa", ".internal", ".localhost")
_DATED = re.compile(r"-\d{4}-\d{2}-\d{2}")


def price_at(model: str, base_url: str, *, own: Path | None = None) -> Price:
    """What a model costs at a server.

    The prices that ship are those of OpenAI itself, and of what stands on one's own network under
    the same name: another seller may ask for more. What runs on one's own network and has no price
    is free. Raises ConfigurationInvalid when nobody knows.
    """
    shipped, found = price_of(model), price_of(model, own=own)
    if found is not None and (found is not shipped or _is_for(found, model, base_url)):
        return found
    if is_private(base_url):
        return _free(model)
    where = own or "prices.toml in the folder of your settings"
    raise ConfigurationInvalid(
        f"nobody knows what {model} costs at {base_url}, so no budget could be kept",
        hint=f"write its price into {where}, in the form of autoclave/core/models/prices.toml",
    )


def is_openai(base_url: str) -> bool:
    return urlsplit(base_url).hostname == _HOST


def is_private(base_url: str) -> bool:
    """Whether a server stands on this machine or a network that is not the internet.

    Only the address or the name is looked at: a name without a dot is one's own.
    """
    host = (urlsplit(base_url).hostname or "").rstrip(".")
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return bool(host) and (is_here(base_url) or "." not in host or host.endswith(_OWN_ENDS))


def _is_for(price: Price, model: str, base_url: str) -> bool:
    """A name that goes on with anything but a date is another model with another price."""
    rest = model.removeprefix(price.model)
    return not (rest and not _DATED.fullmatch(rest)) and (
        is_openai(base_url) or is_private(base_url)
    )


def _free(model: str) -> Price:
    return Price(
        model=model,
        rates=FREE,
        limits=ModelLimits(),
        above=None,
        since="",
        source="a server of one's own",
    )
