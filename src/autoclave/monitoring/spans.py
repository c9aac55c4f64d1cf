"""Turns events into spans as plain values: what began when, below what, with which facts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from ..domain.canonical import JsonObject
from ..domain.events import Event, EventKind
from . import genai_names as names

_MOST_OPEN = 10_000

T = TypeVar("T")

Attribute: TypeAlias = str | int | float | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanFacts:
    """One span. Its ids follow from what it is about, so that they survive a restart."""

    name: str
    trace_id: int
    span_id: int
    parent_id: int | None
    began_at: float
    ended_at: float
    attributes: Mapping[str, Attribute]
    error: str = ""
    """Class of what went wrong; empty when nothing did."""
    is_call: bool = False
    """It went to another program over the network."""


@dataclass(slots=True, kw_only=True)
class SpanMaker:
    """Remembers what has begun. No text that people or models wrote gets into a span."""

    home: str
    """Tells the goals of one home from those of another."""
    version: str = ""
    _begun: dict[str, JsonObject] = field(default_factory=dict)
    _goals: dict[str, float] = field(default_factory=dict)
    _goal_of: dict[str, str] = field(default_factory=dict)
    """By the stream of a proposal."""

    def take(self, event: Event) -> Iterator[SpanFacts]:
        """The spans that end with this event."""
        match event.kind:
            case EventKind.GOAL_ADDED:
                _put(self._goals, event.stream, event.at)
            case EventKind.INTENT_RECORDED:
                begun = {"at": event.at, "model": event.payload.get("model", "")}
                _put(self._begun, event.payload["key"], begun)
            case EventKind.RESULT_RECORDED:
                yield from self._step(event)
            case EventKind.GOAL_ENDED | EventKind.GOAL_CANCELLED:
                yield self._goal(event)
            case EventKind.PROPOSAL_DRAFTED:
                _put(self._goal_of, event.stream, f"goal/{event.payload['goal_id']}")
            case EventKind.GATES_JUDGED:
                yield from self._gates(event)

    def _goal(self, event: Event) -> SpanFacts:
        given = event.payload
        began = self._goals.pop(event.stream, event.at - float(given.get("seconds", 0.0)))
        end = given.get("success", "cancelled")
        return self._span(
            event.stream,
            "invoke_agent autoclave",
            began=began,
            ended=event.at,
            attributes={
                names.OPERATION: names.INVOKE_AGENT,
                names.AGENT_NAME: "autoclave",
                names.AGENT_VERSION: self.version,
                names.END: end,
            },
            error="" if end in ("ok", "cancelled") else f"goal_{end}",
        )

    def _step(self, event: Event) -> Iterator[SpanFacts]:
        given = event.payload
        intent, result, key = given["intent"], given["result"], given["key"]
        begun = self._begun.pop(key, {})
        took = float((given.get("spend") or {}).get("seconds") or result.get("seconds") or 0.0)
        began = begun.get("at", event.at - took)
        error = "" if result["ok"] else (result.get("failure") or {}).get("error_class", "error")
        kind, name = intent["kind"], str(intent.get("step", ""))
        attributes: dict[str, Attribute] = {names.STEP_KIND: kind, names.STEP_KEY: key}
        yield self._span(
            event.stream,
            f"step {kind}",
            part=key,
            began=began,
            ended=event.at,
            attributes=attributes | ({names.STEP_NAME: name} if name else {}),
            error=error,
        )
        if kind == "Think":
            yield self._model_call(event, str(begun.get("model", "")), began=began, error=error)
        elif kind == "Act":
            yield self._capability(event, took=took, error=error)

    def _model_call(self, event: Event, model: str, *, began: float, error: str) -> SpanFacts:
        given = event.payload
        answer = given["result"].get("value") or {}
        model = model or answer.get("model", "")
        took = float(answer.get("seconds") or 0.0)
        return self._span(
            event.stream,
            f"chat {model}",
            part=f"{given['key']} call",
            parent=given["key"],
            began=max(began, event.at - took) if took else began,
            ended=event.at,
            attributes={
                names.OPERATION: names.CHAT,
                names.PROVIDER: _provider(model),
                names.REQUEST_MODEL: model,
                names.PURPOSE: given["intent"].get("purpose", ""),
                names.COST: float((given.get("spend") or {}).get("usd", 0.0)),
                **_answered(answer),
            },
            error=error,
            is_call=True,
        )

    def _capability(self, event: Event, *, took: float, error: str) -> SpanFacts:
        given = event.payload
        name = given["intent"]["capability"]
        tier = given["result"].get("tier")
        return self._span(
            event.stream,
            f"execute_tool {name}",
            part=f"{given['key']} run",
            parent=given["key"],
            began=event.at - took,
            ended=event.at,
            attributes={
                names.OPERATION: names.EXECUTE_TOOL,
                names.TOOL_NAME: name,
                names.TOOL_TYPE: "function",
                names.TOOL_CALL: given["key"],
                **({names.SANDBOX_TIER: tier} if tier else {}),
            },
            error=error,
        )

    def _gates(self, event: Event) -> Iterator[SpanFacts]:
        """They ran one after the other, and the last one ended just now."""
        proposal = event.stream.removeprefix("proposal/")
        stream = self._goal_of.get(event.stream, event.stream)
        gates = event.payload["gates"]
        began = event.at - sum(float(gate["seconds"]) for gate in gates)
        for gate in gates:
            ended = began + float(gate["seconds"])
            verdict = gate["verdict"]
            yield self._span(
                stream,
                f"gate {gate['name']}",
                part=f"{event.id} gate {gate['name']}",
                began=began,
                ended=ended,
                attributes={
                    names.PROPOSAL: proposal,
                    names.EVALUATION_NAME: gate["name"],
                    names.EVALUATION_LABEL: verdict,
                },
                error="gate_failed" if verdict == "fail" else "",
            )
            began = ended

    def _span(
        self,
        stream: str,
        name: str,
        *,
        part: str = "",
        parent: str = "",
        began: float,
        ended: float,
        attributes: Mapping[str, Attribute],
        error: str = "",
        is_call: bool = False,
    ) -> SpanFacts:
        goal = stream.removeprefix("goal/")
        common: dict[str, Attribute] = {names.GOAL: goal, names.CONVERSATION: goal}
        wrong: dict[str, Attribute] = {names.ERROR_TYPE: error} if error else {}
        return SpanFacts(
            name=name,
            trace_id=self._id(stream, size=16),
            span_id=self._id(stream, part),
            parent_id=self._id(stream, parent) if part else None,
            began_at=min(began, ended),
            ended_at=ended,
            attributes={**common, **attributes, **wrong},
            error=error,
            is_call=is_call,
        )

    def _id(self, *about: str, size: int = 8) -> int:
        text = "\0".join([self.home, *about, str(size)])
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:size]) or 1


def _answered(answer: JsonObject) -> dict[str, Attribute]:
    if not answer:
        return {}
    used = answer.get("tokens") or {}
    read = sum(used.get(name, 0) for name in ("input", "cache_read", "cache_write"))
    return {
        names.RESPONSE_MODEL: answer.get("model", ""),
        names.FINISH_REASONS: (str(answer.get("stop", "")),),
        names.INPUT_TOKENS: read,
        names.OUTPUT_TOKENS: used.get("output", 0),
        names.CACHE_READ_TOKENS: used.get("cache_read", 0),
        names.CACHE_WRITE_TOKENS: used.get("cache_write", 0),
        names.REASONING_TOKENS: used.get("reasoning", 0),
    }


def _provider(model: str) -> str:
    return "anthropic" if model.startswith("claude") else "openai_compatible"


def _put(where: dict[str, T], key: str, value: T) -> None:
    """Remember, and forget the oldest when there are too many."""
    where[key] = value
    if len(where) > _MOST_OPEN:
        del where[next(iter(where))]
