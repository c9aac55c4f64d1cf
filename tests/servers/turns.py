"""What a script is made of: turns, what each expects of a request, and how each is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from tests.servers.seen import Seen

FOREVER: Final = "forever"
Repeat = int | Literal["forever"]

StopReason = Literal[
    "end_turn",
    "max_tokens",
    "stop_sequence",
    "tool_use",
    "pause_turn",
    "refusal",
    "model_context_window_exceeded",
]


@dataclass(frozen=True, kw_only=True)
class Expect:
    """What a request must have for this turn to answer it; what is not named may be anything."""

    model: str | None = None
    purpose: str | None = None
    """The header `x-autoclave-purpose`, else `metadata.purpose`."""
    user_contains: str | tuple[str, ...] = ()
    """In the text of the last user message (tool results count as text)."""
    anywhere: str | tuple[str, ...] = ()
    """In the text of any message."""
    system_contains: str | tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    """Names that must be among the tools offered."""
    tool_result: str | Mapping[str, Any] | None = None
    """An id, or `id`, `contains`, `is_error` of a result in the last message."""
    schema: bool | Mapping[str, Any] | None = None
    """Whether a schema for the answer came, or a part that it must have."""
    cached: int | bool | None = None
    """How many cache breakpoints there are at least, or whether there are any."""
    stream: bool | None = None
    body: Mapping[str, Any] = field(default_factory=dict)
    """A part that the JSON body must have."""
    headers: Mapping[str, str] = field(default_factory=dict)
    check: Callable[[Seen], str | None] | None = None
    """From Python only: says what is wrong, or nothing."""


@dataclass(frozen=True, kw_only=True)
class ToolCall:
    """One call in a reply."""

    name: str
    input: Any = field(default_factory=dict)
    id: str | None = None
    input_text: str | None = None
    """The arguments as text, when they should not be the JSON of `input`."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One answer of the model, in the words of no wire format."""

    thinking: str | None = None
    redacted_thinking: str | None = None
    text: str | None = None
    structured: Any = None
    """Sent as JSON text."""
    tools: tuple[ToolCall, ...] = ()
    content: tuple[Mapping[str, Any], ...] | None = None
    """The blocks exactly as given (Messages only)."""
    stop_reason: StopReason | None = None
    """Left out: tool_use with calls, refusal with a category, else end_turn."""
    stop_sequence: str | None = None
    refusal: str | None = None
    """The category; an empty text is a refusal without one."""
    usage: Mapping[str, int] = field(default_factory=dict)
    """What replaces the computed figures; `thinking_tokens` is one of them."""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0
    """Before the first byte."""
    event_delay_seconds: float = 0.0
    """Between two events of a stream."""
    delta_chars: int = 5
    """How many characters one delta carries."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One way to fail; alone, or as what happens to the reply beside it."""

    status: int | None = None
    type: str | None = None
    message: str | None = None
    error_code: str | None = None
    retry_after: float | str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0
    cut_after_bytes: int | None = None
    cut_after_events: int | None = None
    ends_early_after_events: int | None = None
    """The stream ends as if it were whole, but is not."""
    error_after_events: int | None = None
    """An error event of `type` and `message` in mid-stream."""
    wrong_json: bool = False
    empty_body: bool = False
    content_type: str | None = None
    reset: bool = False
    hang: bool = False
    """Until the client closes."""
    truncate_after: int | None = None
    """The text stops after so many characters, with stop_reason max_tokens."""
    expired: bool = False
    """In a batch: this request is never processed."""

    def __post_init__(self) -> None:
        if len(self.ways()) != 1:
            message = f"a fault is exactly one of {', '.join(_WAYS)}; this has {self.ways()}"
            raise ValueError(message)

    def ways(self) -> list[str]:
        return [name for name in _WAYS if getattr(self, name) not in (None, False)]


_WAYS = (
    "status",
    "cut_after_bytes",
    "cut_after_events",
    "ends_early_after_events",
    "error_after_events",
    "wrong_json",
    "empty_body",
    "content_type",
    "reset",
    "hang",
    "truncate_after",
    "expired",
)


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One request expected and how it is answered."""

    name: str = ""
    expect: Expect = field(default_factory=Expect)
    reply: Reply | Callable[[Seen], Reply] = field(default_factory=lambda: Reply(text="ok"))
    fault: Fault | None = None
    repeat: Repeat = 1


@dataclass(frozen=True, kw_only=True)
class AnyOrder:
    """Turns of which the first that fits answers, until each was used."""

    turns: tuple[Turn, ...]


Item = Turn | AnyOrder
