"""Any chat-completions server through the `openai` SDK: OpenAI, vLLM, Ollama, LM Studio."""

from __future__ import annotations

import asyncio
import importlib
import os
import random
import time
from dataclasses import replace
from typing import Any

from ...domain.canonical import JsonObject
from ...domain.errors import ConfigurationInvalid, CredentialMissing, ModelUnavailable
from ...domain.model import Hear, ModelAnswer, ModelEvent, ModelLimits, ModelRequest, Quota, Tokens
from ...domain.ports import Clock
from .openai_answer import Answering
from .openai_faults import fault_of, quota_of, status_of, words_of
from .openai_prices import OPENAI, is_private
from .openai_wire import Dialect, dialect_at, params_of
from .prices import FREE, Price, most_tokens_of
from .retrying import Lot, Sleep, Told, retried
from .switch import check_may_call, is_here

_KEY = "OPENAI_API_KEY"
_CONNECT_SECONDS = 10.0
_SILENT_SECONDS = 600.0
"""The longest pause within an answer: a server of one's own may load its model first."""
_WHOLE_SECONDS = 3_600.0
_WINDOWS = ("max_model_len", "max_context_length", "context_length", "context_window")
"""Where servers say how much a model takes in; OpenAI does not."""


class OpenAICompatible:
    """Port LanguageModel over chat completions; always streamed."""

    def __init__(
        self,
        price: Price,
        *,
        model: str,
        base_url: str = OPENAI,
        sleep: Sleep = asyncio.sleep,
        lot: Lot = random.random,
        clock: Clock = time.time,
    ) -> None:
        self.name = model
        self.limits: ModelLimits = price.limits
        self._price = price
        self._base_url = base_url
        self._sleep, self._lot, self._clock = sleep, lot, clock
        self._made: Any = None
        self._making = asyncio.Lock()
        self._quota = Quota()
        self._dialect = dialect_at(base_url)

    def price(self, request: ModelRequest, *, read: int | None = None) -> float:
        return self._price.most(request, read=read)

    async def count(self, request: ModelRequest) -> int | None:
        return None

    def quota(self) -> Quota:
        return self._quota

    async def complete(self, request: ModelRequest, *, hear: Hear | None = None) -> ModelAnswer:
        return await retried(
            lambda: self._ask(request, hear), sleep=self._sleep, lot=self._lot, told=_teller(hear)
        )

    async def look(self) -> JsonObject:
        """What the server says about the model: how much it takes in, when it retires."""
        try:
            found = await self._found()
        except Exception as error:  # the SDK's own tree and that of its HTTP library
            raise fault_of(error, model=self.name, usd=0.0) from error
        windows = [found.get(name) for name in _WINDOWS]
        return {
            "model": str(found.get("id", self.name)),
            "lifecycle": "",
            "retires_on": str(found.get("shutdown_date") or ""),
            "window": next((each for each in windows if isinstance(each, int)), None),
            "output": None,
        }

    async def aclose(self) -> None:
        if self._made is not None:
            await self._made.close()
            self._made = None

    async def _ask(self, request: ModelRequest, hear: Hear | None) -> ModelAnswer:
        """One answer, in the first dialect that the server understands; it is kept."""
        dialect, tried = self._dialect, set[Dialect]()
        while True:
            tried.add(dialect)
            answer, began = Answering(), time.monotonic()
            try:
                async with asyncio.timeout(_WHOLE_SECONDS):
                    request_id = await self._stream(request, dialect, answer, hear)
            except Exception as error:  # as above
                other = self._other_way(error, request, dialect) if not answer.has_begun else None
                if other is None or other in tried:
                    raise fault_of(
                        error, model=self.name, usd=self._spent(request, answer)
                    ) from error
                dialect = other
                continue
            self._dialect = dialect
            whole = self._whole(request, answer, is_json=not dialect.has_schemas)
            seconds = round(time.monotonic() - began, 3)
            return replace(whole, request_id=request_id, seconds=seconds)

    async def _stream(
        self, request: ModelRequest, dialect: Dialect, answer: Answering, hear: Hear | None
    ) -> str:
        params = params_of(request, self.name, dialect)
        if is_here(self._base_url):
            params["extra_headers"] = {"x-autoclave-purpose": request.purpose}
        client = await self._client()
        stream = await client.chat.completions.create(**params)
        async with stream:
            headers = stream.response.headers
            self._quota = quota_of(headers, now=self._clock())
            async for chunk in stream:
                for event in answer.take(_plain(chunk)):
                    if hear:
                        hear(event)
            return str(headers.get("x-request-id", ""))

    def _other_way(
        self, error: Exception, request: ModelRequest, dialect: Dialect
    ) -> Dialect | None:
        if status_of(error) not in (400, 422):
            return None
        return dialect.without(words_of(error), with_tools=bool(request.tools))

    def _whole(self, request: ModelRequest, answer: Answering, *, is_json: bool) -> ModelAnswer:
        """The answer, counted. Raises ModelUnavailable for one that has no end."""
        stop, told = answer.stop, answer.tokens
        if stop is None:
            why = f" ({answer.finish!r})" if answer.finish else ""
            message = f"the answer of {self.name} was cut off{why}"
            raise ModelUnavailable(message, usd=self._spent(request, answer))
        return ModelAnswer(
            blocks=answer.finished(is_json=is_json and bool(request.schema)),
            stop=stop,
            tokens=told or self._reckoned(request, answer),
            usd=self._spent(request, answer),
            model=answer.model or self.name,
            refusal=answer.refusal,
            is_reckoned=told is None,
        )

    def _spent(self, request: ModelRequest, answer: Answering) -> float:
        """What a call cost; where the server does not say, the most that it can have cost."""
        if not answer.has_begun:
            return 0.0
        told = answer.tokens
        return self._price.most(request) if told is None else self._price.usd(told)

    def _reckoned(self, request: ModelRequest, answer: Answering) -> Tokens:
        """As many as there can be: where they cost money, what was thought unseen counts too."""
        is_free = self._price.rates == FREE
        written = min(answer.size, request.most_tokens) if is_free else request.most_tokens
        return Tokens(input=most_tokens_of(request), output=written)

    async def _found(self) -> JsonObject:
        """The model's own page, else its place in the list: not every server has such pages."""
        client = await self._client()
        try:
            return _plain(await client.models.retrieve(self.name))
        except Exception as error:
            if status_of(error) not in (404, 405):
                raise
            async for each in client.models.list():
                if each.id == self.name:
                    return _plain(each)
            raise

    async def _client(self) -> Any:
        """The SDK's client; one, however many ask for the first time at once."""
        async with self._making:
            if self._made is None:
                self._made = await asyncio.to_thread(self._make)
            return self._made

    def _make(self) -> Any:
        key = os.environ.get(_KEY) or _key_of_nobody(self._base_url)
        check_may_call(self._base_url)
        try:
            sdk = importlib.import_module("openai")
        except ImportError as error:
            raise ConfigurationInvalid(
                "the openai package is missing", hint="install autoclave[openai]"
            ) from error
        timeout = sdk.Timeout(_SILENT_SECONDS, connect=_CONNECT_SECONDS)
        # What is asked goes to this server and to no other: no redirect, and on this machine
        # no proxy.
        http = sdk.DefaultAsyncHttpxClient(
            follow_redirects=False, trust_env=not is_here(self._base_url), timeout=timeout
        )
        return sdk.AsyncOpenAI(
            api_key=key, base_url=self._base_url, max_retries=0, timeout=timeout, http_client=http
        )


def _key_of_nobody(base_url: str) -> str:
    """Servers of one's own ask for no key, but the SDK does."""
    if is_private(base_url):
        return "none"
    raise CredentialMissing(
        f"{_KEY} is not set, and {base_url} is no server of one's own",
        hint=f"set {_KEY}, or work without a model: `--model offline`",
    )


def _plain(value: Any) -> JsonObject:
    """What came, as JSON; whatever is no object tells nothing."""
    to_dict = getattr(value, "to_dict", None)
    return to_dict(mode="json", warnings=False) if to_dict else {}


def _teller(hear: Hear | None) -> Told:
    def told(text: str) -> None:
        if hear:
            hear(ModelEvent(kind="retry", text=text))

    return told
