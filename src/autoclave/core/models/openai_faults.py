"""What goes wrong at a chat-completions server, in our errors; and what its headers tell."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from ...domain.errors import (
    AutoclaveError,
    ConfigurationInvalid,
    CredentialMissing,
    InvalidInput,
    ModelUnavailable,
    TooLong,
)
from ...domain.model import Quota
from ...domain.text import show_line
from .retrying import retry_after_of

_LONGEST_MESSAGE = 300
_PASSING = frozenset({408, 409, 425, 429, 529})
_LIBRARIES = frozenset({"openai", "httpx2", "httpcore2"})
_BROKEN = (TimeoutError, json.JSONDecodeError, UnicodeDecodeError, RecursionError)
_TOO_LONG = re.compile(
    r"context[ _](length|window|size)|too long|request too large|max_tokens must be at least 1"
)
_SPAN = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")
_SECONDS = (3600.0, 60.0, 1.0, 0.001)


def fault_of(error: Exception, *, model: str, usd: float) -> AutoclaveError:
    """One of our errors for one of the SDK's; anything else is a bug and goes on as it is.

    `usd` is what the try may have cost.
    """
    if isinstance(error, AutoclaveError):
        return error
    if (status := status_of(error)) is not None:
        return _of_status(error, status, model, usd)
    if not isinstance(error, _BROKEN) and _library(error) not in _LIBRARIES:
        raise error
    said = show_line(words_of(error))[:_LONGEST_MESSAGE]
    message = f"no answer from {model}: {type(error).__name__}: {said}"
    return ModelUnavailable(message, usd=usd, hint="is the server there, and its address right?")


def status_of(error: Exception) -> int | None:
    """The status; also of an error that came within a stream that had begun well."""
    status = getattr(error, "status_code", None)
    if status is None and _library(error) == "openai":
        code = str(getattr(error, "code", ""))
        status = code if re.fullmatch(r"[45]\d\d", code) else None
    return None if status is None else int(status)


def words_of(error: Exception) -> str:
    """All that a server said of an error, the field that it names too."""
    body = getattr(error, "body", None)
    said = body.get("message") if isinstance(body, dict) else body
    if not isinstance(said, str) or not said:
        said = str(getattr(error, "message", "") or error)
    field = getattr(error, "param", None)
    return f"{said} ({field})" if isinstance(field, str) and field not in said else said


def quota_of(headers: Mapping[str, str], *, now: float) -> Quota:
    """What the rate-limit headers say is left."""
    requests = _whole(headers.get("x-ratelimit-remaining-requests"))
    tokens = _whole(headers.get("x-ratelimit-remaining-tokens"))
    resets = [_span(headers.get(f"x-ratelimit-reset-{kind}")) for kind in ("tokens", "requests")]
    first = resets[1] if requests == 0 else resets[0]
    reset = next((each for each in (first, *resets) if each is not None), None)
    return Quota(
        requests_left=requests,
        tokens_left=tokens,
        resets_at=None if reset is None else now + reset,
    )


def _of_status(error: Any, status: int, model: str, usd: float) -> AutoclaveError:
    said = words_of(error)
    request = getattr(error, "request_id", None)
    where = f" (request {show_line(str(request))[:80]})" if request else ""
    message = f"{model} answered {status}: {show_line(said)[:_LONGEST_MESSAGE]}{where}"
    if "insufficient_quota" in (error.code, error.type):
        return _FATAL[402](message)
    if status < 500 and _TOO_LONG.search(f"{error.code} {said}".lower()):
        return TooLong(message)
    if status in _PASSING or status >= 500:
        headers = getattr(getattr(error, "response", None), "headers", {})
        return ModelUnavailable(message, retry_after=_patience(headers), usd=usd)
    return _FATAL.get(status, _moved if status < 400 else InvalidInput)(message)


def _patience(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server wants to be left alone for."""
    try:
        return max(0.0, float(headers["retry-after-ms"]) / 1000)
    except (KeyError, ValueError):
        return retry_after_of(headers)


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() else None


def _span(text: str | None) -> float | None:
    """Seconds in the spelling of these headers: `6m0s`, `1.5s`, `20ms`."""
    found = _SPAN.fullmatch(text or "")
    if not text or found is None:
        return None
    parts = zip(found.groups(), _SECONDS, strict=True)
    return sum(float(part) * seconds for part, seconds in parts if part)


def _library(error: Exception) -> str:
    return type(error).__module__.partition(".")[0]


def _bad_key(message: str) -> AutoclaveError:
    return CredentialMissing(message, hint="check OPENAI_API_KEY; `autoclave doctor` shows it")


def _no_credit(message: str) -> AutoclaveError:
    return CredentialMissing(message, hint="add credit to the account of this key")


def _not_permitted(message: str) -> AutoclaveError:
    return CredentialMissing(message, hint="this key may not use that model; choose another")


def _unknown_model(message: str) -> AutoclaveError:
    return ConfigurationInvalid(
        message,
        hint="give the name of a model that there is: `--model-name NAME`; "
        "AUTOCLAVE_OPENAI_BASE_URL most often ends in /v1",
    )


def _moved(message: str) -> AutoclaveError:
    return ConfigurationInvalid(
        message, hint="the server sends us elsewhere; give AUTOCLAVE_OPENAI_BASE_URL as it is now"
    )


_FATAL: Mapping[int, Callable[[str], AutoclaveError]] = {
    401: _bad_key,
    402: _no_credit,
    403: _not_permitted,
    404: _unknown_model,
    413: TooLong,
}
