"""The headers that a request may carry, and which of them may follow a redirect elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..domain.errors import InvalidInput
from .unpacking import ACCEPTED

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?|")
_OURS = frozenset(
    {"accept-encoding", "connection", "content-length", "expect", "host", "keep-alive"}
    | {"te", "trailer", "transfer-encoding", "upgrade", "user-agent", "http2-settings"}
)
"""Who else sets one of these changes what the request is."""
_HARMLESS = frozenset({"accept", "accept-language"})
_FIXED: Mapping[str, str] = {
    "User-Agent": "autoclave",
    "Accept-Encoding": ACCEPTED,
    "Connection": "close",
}
_MOST_BYTES = 16_384


def check_headers(headers: Mapping[str, str]) -> None:
    """Raise InvalidInput for one that would break the line, or that is not the caller's to set."""
    if sum(len(name) + len(value) for name, value in headers.items()) > _MOST_BYTES:
        raise InvalidInput(f"the headers are longer than {_MOST_BYTES} bytes")
    for name, value in headers.items():
        if not _NAME.fullmatch(name):
            raise InvalidInput(f"{name!r} is not the name of a header")
        if not _VALUE.fullmatch(value):
            raise InvalidInput(f"the value of the header {name} holds what no header may hold")
        if name.lower() in _OURS or name.lower().startswith("proxy-"):
            raise InvalidInput(f"the header {name} is not yours to set")
    if len({name.lower() for name in headers}) < len(headers):
        raise InvalidInput("a header is given twice")


def with_ours(headers: Mapping[str, str]) -> dict[str, str]:
    return {**headers, **_FIXED}


def without_secrets(headers: Mapping[str, str]) -> dict[str, str]:
    """Those that may go to another origin: any other may be a credential by some name."""
    return {name: value for name, value in headers.items() if name.lower() in _HARMLESS}
