"""One call of the Messages model: refused by the rules, or answered by the script."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.servers.catalog import catalog, find
from tests.servers.faults import shorten
from tests.servers.limits import RateLimits
from tests.servers.message import Composed, answer_text, compose
from tests.servers.placeholders import NothingToFill, fill
from tests.servers.prompt import prompt_of
from tests.servers.prompt_cache import DEFAULT_MINIMUM, CacheUse, PromptCache
from tests.servers.request_rules import problem_of
from tests.servers.script import Mismatch, Script
from tests.servers.seen import Seen
from tests.servers.seen_messages import see
from tests.servers.serving import Clock
from tests.servers.turns import Fault, Reply, Turn

_NO_CACHE = CacheUse(read=0, written_5m=0, written_1h=0, plain=0)


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """An error that the server answers with."""

    status: int
    message: str
    type: str | None = None
    error_code: str | None = None
    is_mismatch: bool = False
    retry_after: int | None = None


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """What the model says, and what spoils it on the way."""

    composed: Composed
    reply: Reply
    fault: Fault | None
    turn: str


class ModelCalls:
    """The script, the models, the cache and the limits behind every call."""

    def __init__(self, script: Script, clock: Clock) -> None:
        options = script.options
        self.script = script
        self.models = catalog(options.get("models") or ())
        self.limits = RateLimits(clock, options.get("limits"))
        minimum = (options.get("cache") or {}).get("minimum_tokens", DEFAULT_MINIMUM)
        self._cache = PromptCache(clock, minimum=minimum)
        self.counters: dict[str, int] = {}

    def new_id(self, kind: str) -> str:
        self.counters[kind] = self.counters.get(kind, 0) + 1
        return f"{kind}_{self.counters[kind]:012d}"

    def ask(self, number: int, headers: Mapping[str, str], body: Any) -> Spoken | Refusal:
        refusal = self._refusal(body)
        if refusal is not None:
            return refusal
        if body["max_tokens"] == 0:
            return self._warmed(body)
        seen = see(number, headers, body)
        turn = self.script.take(seen)
        if isinstance(turn, Mismatch):
            return _unexpected(turn)
        try:
            return self._spoken(turn, seen)
        except NothingToFill as error:
            return _unexpected(self.script.refuse(number, str(error)))

    def _refusal(self, body: Any) -> Refusal | None:
        name = body.get("model") if isinstance(body, Mapping) else None
        model = find(self.models, str(name))
        problem = problem_of(body, model)
        if problem is not None:
            return Refusal(status=400, message=problem)
        if model is None or model["lifecycle"] == "retired":
            return Refusal(status=404, message=f"model: {name}")
        limit = self.limits.exceeded()
        if limit is None:
            return None
        return Refusal(
            status=429,
            message=f"This request would exceed the limit of {limit} per minute",
            retry_after=self.limits.seconds_left(),
        )

    def _spoken(self, turn: Turn, seen: Seen) -> Spoken | Refusal:
        fault = turn.fault
        if fault is not None and fault.status is not None:
            return Spoken(composed=_nothing(), reply=Reply(), fault=fault, turn=turn.name)
        reply = turn.reply(seen) if callable(turn.reply) else turn.reply
        reply = fill(reply, seen)
        if fault is not None:
            reply = shorten(reply, answer_text(reply), fault)
        composed = self._composed(reply, seen.body)
        return Spoken(composed=composed, reply=reply, fault=fault, turn=turn.name)

    def _composed(self, reply: Reply, body: Mapping[str, Any]) -> Composed:
        prompt = prompt_of(body)
        used = self._cache.use(prompt, answered_in_seconds=reply.delay_seconds)
        composed = compose(
            reply,
            message_id=self.new_id("msg"),
            model=str(body["model"]),
            used=used,
            new_tool_id=lambda: self.new_id("toolu"),
        )
        message = composed.message
        previous = (body.get("diagnostics") or {}).get("previous_message_id")
        if previous:
            reason = self._cache.why_missed(previous, prompt, used)
            message["diagnostics"] = reason and {"cache_miss_reason": reason}
        self._cache.remember(message["id"], prompt)
        usage = message["usage"]
        self.limits.count(
            read=usage["input_tokens"] + usage["cache_creation_input_tokens"],
            written=usage["output_tokens"],
        )
        return composed

    def _warmed(self, body: Mapping[str, Any]) -> Spoken:
        """`max_tokens` of 0 fills the cache and asks the model nothing, so no turn is used."""
        reply = Reply(stop_reason="max_tokens", usage={"output_tokens": 0})
        return Spoken(composed=self._composed(reply, body), reply=reply, fault=None, turn="warm")


def _nothing() -> Composed:
    return compose(Reply(), message_id="", model="", used=_NO_CACHE, new_tool_id=str)


def _unexpected(mismatch: Mismatch) -> Refusal:
    message = f"request {mismatch.number} does not follow the script: {mismatch.reason}"
    return Refusal(status=500, message=message, is_mismatch=True)
