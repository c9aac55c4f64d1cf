"""What is asked of a language model, what it answers, and what that costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Literal, TypeAlias

from .canonical import JsonObject

Block: TypeAlias = JsonObject
"""One piece of a message, in the shape of the Messages API.

`{"type": "text", "text"}`, `{"type": "tool_use", "id", "name", "input"}`,
`{"type": "tool_result", "tool_use_id", "content", "is_error"}`, and what a model thought, which
goes back to it untouched. `"cache": true` marks the end of a prefix that is worth keeping.
"""


class StopReason(StrEnum):
    """Why a model stopped; each one is handled by name."""

    END_TURN = "end_turn"
    MAX_TOKENS = "max_tokens"
    STOP_SEQUENCE = "stop_sequence"
    TOOL_USE = "tool_use"
    PAUSE_TURN = "pause_turn"
    """It wants to go on: send back what it said."""
    REFUSAL = "refusal"
    CONTEXT_FULL = "model_context_window_exceeded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What one call, or many, used. Cached tokens are not in `input`."""

    input: int = 0
    """Read anew, at the full price."""
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0
    """All that was written, thinking included."""
    reasoning: int = 0
    """Of `output`: what was thought, as far as the model says so."""

    @property
    def read(self) -> int:
        """The whole prompt."""
        return self.input + self.cache_read + self.cache_write

    @property
    def total(self) -> int:
        return self.read + self.output

    def plus(self, other: Tokens) -> Tokens:
        mine, theirs = asdict(self), asdict(other)
        return Tokens(**{name: mine[name] + theirs[name] for name in mine})

    def to_json(self) -> JsonObject:
        return asdict(self)

    @classmethod
    def from_json(cls, data: JsonObject) -> Tokens:
        return cls(**data)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """One question to a model."""

    purpose: str
    """`plan`, `work`, `compact`, `draft` …: budgets and effort are given by purpose."""
    messages: tuple[JsonObject, ...]
    """`{"role": "user" | "assistant", "content": str | list[Block]}`, oldest first."""
    system: str = ""
    tools: tuple[JsonObject, ...] = ()
    """`{"name", "description", "input_schema"}`."""
    schema: JsonObject = field(default_factory=dict)
    """JSON Schema that the answer's text has to satisfy; empty for free text."""
    most_tokens: int = 4096
    """The most that may be written, thinking included."""
    effort: str = ""
    """`low`, `medium`, `high`, `max`; empty leaves it to the model."""
    notice: str = ""
    """Said at the very end of the last message, past everything that is worth keeping."""
    key: str = ""
    """Names this one call; the same when it is sent again after a fault of the connection."""

    def to_json(self) -> JsonObject:
        data = asdict(self)
        return {**data, "messages": list(self.messages), "tools": list(self.tools)}

    @classmethod
    def from_json(cls, data: JsonObject) -> ModelRequest:
        lists = {name: tuple(data.get(name, ())) for name in ("messages", "tools")}
        return cls(**{**data, **lists})


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAnswer:
    """What a model said, and what it cost."""

    blocks: tuple[Block, ...]
    """Its message as it has to be sent back."""
    stop: StopReason
    tokens: Tokens
    usd: float
    model: str = ""
    """The one that answered, as it names itself."""
    request_id: str = ""
    refusal: str = ""
    """Category of a refusal, when the model gives one."""
    cache_miss: str = ""
    """Why the kept prefix was not used, when the model says so."""
    is_reckoned: bool = False
    """The tokens were not told; they are reckoned, and not too few."""
    seconds: float = 0.0

    @property
    def text(self) -> str:
        return "".join(each["text"] for each in self.blocks if each["type"] == "text")

    @property
    def tool_calls(self) -> tuple[Block, ...]:
        return tuple(each for each in self.blocks if each["type"] == "tool_use")

    def to_json(self) -> JsonObject:
        return {
            **asdict(self),
            "blocks": list(self.blocks),
            "stop": str(self.stop),
            "text": self.text,
        }

    @classmethod
    def from_json(cls, data: JsonObject) -> ModelAnswer:
        given = {name: value for name, value in data.items() if name != "text"}
        return cls(
            **{
                **given,
                "blocks": tuple(data["blocks"]),
                "stop": StopReason(data["stop"]),
                "tokens": Tokens.from_json(data["tokens"]),
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEvent:
    """A piece of an answer while it arrives; only the whole answer counts."""

    kind: Literal["text", "thinking", "tool_use", "retry", "wait", "usage"]
    text: str = ""
    tokens: Tokens | None = None


Hear: TypeAlias = Callable[[ModelEvent], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelLimits:
    """What a model can take in and give out, in tokens."""

    window: int = 200_000
    output: int = 32_000
    retires_on: str = ""
    """ISO date; empty when it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What an interface says is left in the present minute or day; None where it says nothing."""

    requests_left: int | None = None
    tokens_left: int | None = None
    resets_at: float | None = None
    """Seconds since 1970, UTC."""
