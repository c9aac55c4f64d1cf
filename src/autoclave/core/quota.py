"""What a model's interface still grants, and waiting for its reset instead of running into it."""

from __future__ import annotations

from datetime import UTC, datetime

from ..domain.canonical import JsonObject, canonical
from ..domain.model import ModelRequest, Quota

_CHARACTERS_PER_TOKEN = 4


def most_tokens(request: ModelRequest) -> int:
    """The most that a request can use: no token is shorter than a byte."""
    return len(_text(request).encode("utf-8", "surrogatepass")) + request.most_tokens


def wait_for_quota(quota: Quota, request: ModelRequest, *, now: float) -> JsonObject | None:
    """The timer to set when this request would run into the limit; None when it may be sent.

    What was said about a time that is over says nothing about now.
    """
    if quota.resets_at is None or quota.resets_at <= now:
        return None
    likely = len(_text(request)) // _CHARACTERS_PER_TOKEN + request.most_tokens
    if quota.requests_left is not None and quota.requests_left < 1:
        left = "no request is left"
    elif quota.tokens_left is not None and quota.tokens_left < likely:
        left = f"{quota.tokens_left:,} tokens are left, this call may need {likely:,}"
    else:
        return None
    at = datetime.fromtimestamp(quota.resets_at, UTC)
    reason = f"the model's quota is nearly used up: {left} until {at:%H:%M:%S} UTC"
    return {"wake_at": quota.resets_at, "reason": reason}


def _text(request: ModelRequest) -> str:
    asked = request.to_json()
    return canonical({name: asked[name] for name in ("messages", "system", "tools", "schema")})
