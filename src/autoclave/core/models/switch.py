"""The one switch that makes every real call to a model an error."""

from __future__ import annotations

import ipaddress
import os
from urllib.parse import urlsplit

from ...domain.errors import ConfigurationInvalid

SWITCH = "AUTOCLAVE_NO_MODEL_CALLS"


def check_may_call(base_url: str) -> None:
    """Raise ConfigurationInvalid for anything but this machine when the switch is set."""
    if not os.environ.get(SWITCH) or is_here(base_url):
        return
    raise ConfigurationInvalid(
        f"{SWITCH} is set, so no model outside this machine is called ({base_url})",
        hint=f"unset {SWITCH} to allow it",
    )


def is_here(base_url: str) -> bool:
    """Whether a model answers on this machine."""
    host = urlsplit(base_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
