"""Claude through the `anthropic` SDK: imported on the first call, and only here."""

from __future__ import annotations

import asyncio
import importlib
import os
import random
import time
from collections.abc import Callable, Mapping
from typing import Any

from ...domain.canonical import JsonObject
from ...domain.errors import (
    AutoclaveError,
    ConfigurationInvalid,
    CredentialMissing,
    InvalidInput,
    ModelUnavailable,
    TooLong,
)
from ...domain.model import (
    Hear,
    ModelAnswer,
    ModelEvent,
    ModelLimits,
    ModelRequest,
    Quota,
    StopReason,
    Tokens,
)
from ...domain.text import show_line
from .claude_wire import Answering, params_of
from .prices import Price
from .retrying import Lot, Sleep, retried, retry_after_of
from .switch import check_may_call, is_here

_USUAL = "https://api.anthropic.com"
_CONNECT_SECONDS = 10.0
_SILENT_SECONDS = 180.0
"""The longest pause within an answer."""
_WHOLE_SECONDS = 1_800.0
_PASSING = frozenset({408, 409, 429, 529})
_PASSING_TYPES = frozenset({"overloaded_error", "api_error", "rate_limit_error", "timeout_error"})
_LONGEST_MESSAGE = 300


class Claude:
    """Port LanguageModel over the Messages API; always streamed."""

    def __init__(
        self,
        price: Price,
        *,
        model: str,
        base_url: str | None = None,
        sleep: Sleep = asyncio.sleep,
        lot: Lot = random.random,
    ) -> None:
        self.name = model
        self.limits: ModelLimits = price.limits
        self._price = price
        self._base_url = base_url
        self._sleep, self._lot = sleep, lot
        self._made: Any = None
        self._making = asyncio.Lock()
        self._quota = Quota()
        self._last_ids: dict[str, str] = {}
        """By run: the id of its last answer, so that a missed cache can be explained."""

    def price(self, request: ModelRequest, *, read: int | None = None) -> float:
        return self._price.most(request, read=read)

    def quota(self) -> Quota:
        return self._quota

    async def complete(self, request: ModelRequest, *, hear: Hear | None = None) -> ModelAnswer:
        told = _teller(hear)
        return await retried(
            lambda: self._ask(request, hear), sleep=self._sleep, lot=self._lot, told=told
        )

    async def count(self, request: ModelRequest) -> int | None:
        """The tokens of the prompt, as the interface counts them; asking costs nothing."""
        params = params_of(request, self.name)
        del params["max_tokens"]
        try:
            client = await self.client()
            counted = await client.messages.count_tokens(**params)
        except Exception as error:  # the SDK's own tree and that of its HTTP library
            raise self.ours(error, Tokens()) from error
        return int(counted.input_tokens)

    async def look(self) -> JsonObject:
        """What the interface says about the model: its limits and when it retires."""
        try:
            client = await self.client()
            found = await client.models.retrieve(self.name)
        except Exception as error:  # as above
            raise self.ours(error, Tokens()) from error
        retires = found.retires_at
        return {
            "model": found.id,
            "lifecycle": found.lifecycle,
            "retires_on": retires.date().isoformat() if retires else "",
            "window": found.max_input_tokens,
            "output": found.max_tokens,
        }

    async def aclose(self) -> None:
        if self._made is not None:
            await self._made.close()
            self._made = None

    async def _ask(self, request: ModelRequest, hear: Hear | None) -> ModelAnswer:
        answer, began = Answering(), time.monotonic()
        try:
            async with asyncio.timeout(_WHOLE_SECONDS):
                request_id = await self._stream(request, answer, hear)
        except Exception as error:  # the SDK's own tree and that of its HTTP library
            raise self.ours(error, answer.tokens) from error
        if not answer.has_ended or not answer.stop:
            raise self._cut("the answer was cut off", answer.tokens)
        self._last_ids[_run_of(request)] = answer.id
        return ModelAnswer(
            blocks=answer.finished(),
            stop=StopReason(answer.stop),
            tokens=answer.tokens,
            usd=self._price.usd(answer.tokens),
            model=answer.model,
            request_id=request_id,
            refusal=answer.refusal,
            cache_miss=answer.cache_miss,
            seconds=round(time.monotonic() - began, 3),
        )

    async def _stream(self, request: ModelRequest, answer: Answering, hear: Hear | None) -> str:
        params = params_of(request, self.name)
        params["diagnostics"] = {"previous_message_id": self._last_ids.get(_run_of(request))}
        client = await self.client()
        if is_here(str(client.base_url)):
            params["extra_headers"] = {"x-autoclave-purpose": request.purpose}
        stream = await client.messages.create(**params, stream=True)
        async with stream:
            self._quota = quota_of(stream.response.headers)
            async for event in stream:
                text = answer.take(event.model_dump(mode="json"))
                if hear and text:
                    hear(ModelEvent(kind="text", text=text))
            return str(stream.response.headers.get("request-id", ""))

    async def client(self) -> Any:
        """The SDK's client; one, however many ask for the first time at once."""
        async with self._making:
            if self._made is None:
                self._made = await asyncio.to_thread(self._make)
            return self._made

    def _make(self) -> Any:
        sdk = importlib.import_module("anthropic")
        base_url = self._base_url or os.environ.get("ANTHROPIC_BASE_URL") or _USUAL
        check_may_call(base_url)
        timeout = sdk.Timeout(_SILENT_SECONDS, connect=_CONNECT_SECONDS)
        # What is asked goes to this server and to no other: no redirect, and on this machine
        # no proxy.
        http = sdk.DefaultAsyncHttpxClient(
            follow_redirects=False, trust_env=not is_here(base_url), timeout=timeout
        )
        return sdk.AsyncAnthropic(
            base_url=base_url,
            max_retries=0,
            open_telemetry=False,
            timeout=timeout,
            http_client=http,
        )

    def ours(self, error: Exception, tokens: Tokens) -> AutoclaveError:
        """One of our errors for one of the SDK's; anything else is a bug and goes on as it is."""
        if isinstance(error, AutoclaveError):
            return error
        status = getattr(error, "status_code", None)
        if status is not None:
            return self._of_status(error, int(status), tokens)
        module = type(error).__module__.partition(".")[0]
        if module == "anthropic" and "redential" in type(error).__name__:
            return _no_credential(str(error))
        if isinstance(error, TimeoutError) or module in ("anthropic", "httpx2", "httpcore2"):
            if "api_key" in str(error):  # no credential at all is no error of its own there
                return _no_credential(str(error))
            return self._cut(f"{_broken(error)} ({self.name}: {type(error).__name__})", tokens)
        if isinstance(error, (TypeError, ValueError)) and "authentication" in str(error):
            return _no_credential(str(error))
        raise error

    def _of_status(self, error: Any, status: int, tokens: Tokens) -> AutoclaveError:
        said = show_line(str(error.api_message or error.message))[:_LONGEST_MESSAGE]
        where = f" (request {error.request_id})" if error.request_id else ""
        message = f"{self.name} answered {status}: {said}{where}"
        if "spend_limit" in str(error.error_code or ""):
            return _no_credit(message, said)
        if status in _PASSING or status >= 500 or error.type in _PASSING_TYPES:
            after = retry_after_of(error.response.headers)
            return ModelUnavailable(message, retry_after=after, usd=self._price.usd(tokens))
        return _FATAL.get(status, _at_fault)(message, said)

    def _cut(self, message: str, tokens: Tokens) -> ModelUnavailable:
        return ModelUnavailable(message, usd=self._price.usd(tokens))


def quota_of(headers: Mapping[str, str]) -> Quota:
    """What the rate-limit headers say is left."""
    from datetime import datetime

    left = headers.get("anthropic-ratelimit-requests-remaining")
    tokens = headers.get("anthropic-ratelimit-tokens-remaining")
    reset = headers.get("anthropic-ratelimit-tokens-reset") or headers.get(
        "anthropic-ratelimit-requests-reset"
    )
    try:
        return Quota(
            requests_left=int(left) if left else None,
            tokens_left=int(tokens) if tokens else None,
            resets_at=datetime.fromisoformat(reset).timestamp() if reset else None,
        )
    except ValueError:
        return Quota()


def _teller(hear: Hear | None) -> Any:
    def told(text: str) -> None:
        if hear:
            hear(ModelEvent(kind="retry", text=text))

    return told


def _run_of(request: ModelRequest) -> str:
    return request.key.rpartition("-")[0]


def _broken(error: Exception) -> str:
    name = type(error).__name__
    if "Timeout" in name:
        return "the model did not answer in time"
    if "Connect" in name or "Connection" in name:
        return "the model can't be reached"
    return "the connection to the model broke off"


def _no_credential(message: str) -> CredentialMissing:
    said = show_line(message)[:_LONGEST_MESSAGE]
    if "Could not resolve authentication" in said:  # several lines about headers
        said = "there is no credential for it"
    return CredentialMissing(
        f"Claude can't be asked: {said}",
        hint="set ANTHROPIC_API_KEY, or work without a model: `--model offline`",
    )


def _bad_key(message: str, said: str) -> AutoclaveError:
    return CredentialMissing(message, hint="check ANTHROPIC_API_KEY; `autoclave doctor` shows it")


def _no_credit(message: str, said: str) -> AutoclaveError:
    return CredentialMissing(message, hint="add credit to the account of this key")


def _not_permitted(message: str, said: str) -> AutoclaveError:
    return CredentialMissing(message, hint="this key may not use that model; choose another")


def _unknown_model(message: str, said: str) -> AutoclaveError:
    return ConfigurationInvalid(
        message, hint="give the name of a model that there is: `--model-name NAME`"
    )


def _too_long(message: str, said: str) -> AutoclaveError:
    return TooLong(message)


def _at_fault(message: str, said: str) -> AutoclaveError:
    if "too long" in said or "context" in said:
        return TooLong(message)
    if "credit balance" in said:
        return _no_credit(message, said)
    return InvalidInput(message)


_FATAL: Mapping[int, Callable[[str, str], AutoclaveError]] = {
    401: _bad_key,
    402: _no_credit,
    403: _not_permitted,
    404: _unknown_model,
    413: _too_long,
}
