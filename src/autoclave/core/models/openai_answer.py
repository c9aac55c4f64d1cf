"""An answer of chat completions while it arrives, made into our blocks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...domain.canonical import JsonObject, digest
from ...domain.model import ModelEvent, StopReason, Tokens
from ...domain.text import show_line

_STOPS = {
    "stop": StopReason.END_TURN,
    "tool_calls": StopReason.END_TURN,
    "function_call": StopReason.END_TURN,
    "length": StopReason.MAX_TOKENS,
    "content_filter": StopReason.REFUSAL,
}
"""With calls in it, an answer that came to its end wants their results: servers disagree here."""
_LONGEST_REFUSAL = 300
_FENCE = "```"
_UNREAD = "(The call of {} was left out, because its input is no JSON object: {})"


@dataclass
class _Call:
    id: str
    name: str
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.pieces)


@dataclass
class Answering:
    """What came so far. Nothing in it is trusted to have the right form."""

    id: str = ""
    model: str = ""
    finish: str = ""
    refused: str = ""
    has_begun: bool = False
    size: int = 0
    """Bytes of all that was said; there are not more tokens in it."""
    _usage: Mapping[str, Any] = field(default_factory=dict)
    _thought: list[str] = field(default_factory=list)
    _said: list[str] = field(default_factory=list)
    _calls: list[_Call] = field(default_factory=list)
    _latest: dict[int | None, _Call] = field(default_factory=dict)
    """By index, as the server numbers them."""

    def take(self, chunk: Mapping[str, Any]) -> list[ModelEvent]:
        """Take in one chunk; what it brings for people to see."""
        self.has_begun = True
        self.id = self.id or _str(chunk.get("id"))
        self.model = self.model or _str(chunk.get("model"))
        self._usage = _dict(chunk.get("usage")) or self._usage
        heard: list[ModelEvent] = []
        for choice in map(_dict, _list(chunk.get("choices"))):
            self.finish = _str(choice.get("finish_reason")) or self.finish
            heard += self._add(_dict(choice.get("delta")))
        return heard

    @property
    def stop(self) -> StopReason | None:
        """Why it ended; None when it did not, or nobody knows why."""
        stop = _STOPS.get(self.finish)
        if stop and self.refused:
            return StopReason.REFUSAL
        if stop is StopReason.END_TURN and any(_input_of(call) is not None for call in self._calls):
            return StopReason.TOOL_USE
        return stop

    @property
    def refusal(self) -> str:
        if self.stop is not StopReason.REFUSAL:
            return ""
        return show_line(self.refused)[:_LONGEST_REFUSAL] or self.finish

    @property
    def tokens(self) -> Tokens | None:
        """What the server counted; None when it did not. Cached tokens are not in `input`."""
        read, written = (_count(self._usage.get(f"{kind}_tokens")) for kind in _COUNTED)
        if not read or (not written and self.size):
            return None
        details, more = (_dict(self._usage.get(f"{kind}_tokens_details")) for kind in _COUNTED)
        cached = min(read, _count(details.get("cached_tokens")))
        kept = min(read - cached, _count(details.get("cache_write_tokens")))
        # Some servers count what was thought in the total only.
        written = max(written, _count(self._usage.get("total_tokens")) - read)
        return Tokens(
            input=read - cached - kept,
            cache_read=cached,
            cache_write=kept,
            output=written,
            reasoning=min(_count(more.get("reasoning_tokens")), written),
        )

    def finished(self, *, is_json: bool = False) -> tuple[JsonObject, ...]:
        """The blocks as they are sent back: what was thought, said, called.

        A call whose input can't be read is told in words, so that the model learns of it; one
        that was cut off by the limit is left out. `is_json` takes a fence of Markdown off.
        """
        blocks: list[JsonObject] = []
        if thought := "".join(self._thought):
            blocks.append({"type": "thinking", "thinking": thought})
        said = "".join(self._said)
        texts = [_unfenced(said) if is_json else said]
        calls: list[JsonObject] = []
        for call, name in zip(self._calls, self._ids(), strict=True):
            given = _input_of(call)
            if given is not None:
                calls.append({"type": "tool_use", "id": name, "name": call.name, "input": given})
            elif self.stop is not StopReason.MAX_TOKENS:
                texts.append(_UNREAD.format(call.name, call.text))
        blocks += [{"type": "text", "text": text} for text in texts if text.strip()]
        return (*blocks, *calls)

    def _add(self, delta: Mapping[str, Any]) -> list[ModelEvent]:
        thought = _str(delta.get("reasoning_content")) or _str(delta.get("reasoning"))
        said, refused = _str(delta.get("content")), _str(delta.get("refusal"))
        self._thought.append(thought)
        self._said.append(said)
        self.refused += refused
        self.size += _size(thought + said + refused)
        for call in map(_dict, _list(delta.get("tool_calls"))):
            self._add_call(call)
        heard = (ModelEvent(kind="thinking", text=thought), ModelEvent(kind="text", text=said))
        return [event for event in heard if event.text]

    def _add_call(self, delta: Mapping[str, Any]) -> None:
        function = _dict(delta.get("function"))
        given, place = function.get("arguments"), delta.get("index")
        name, own_id = _str(function.get("name")), _str(delta.get("id"))
        piece = json.dumps(given) if isinstance(given, dict) else _str(given)
        place = place if isinstance(place, int) else None
        call = self._latest.get(place)
        if call is None or _is_another(call, own_id, name, piece):
            call = self._latest[place] = _Call(id=own_id, name=name)
            self._calls.append(call)
        call.id = call.id or own_id
        call.name = call.name or name
        call.pieces.append(piece)
        self.size += _size(name + piece)

    def _ids(self) -> list[str]:
        """One for each call: servers leave them out, or give the same one twice."""
        ids: list[str] = []
        for number, call in enumerate(self._calls):
            made = f"call_{digest([self.id, number, call.name, call.text])[:20]}"
            ids.append(call.id if call.id and call.id not in ids else made)
        return ids


_COUNTED = ("prompt", "completion")


def _is_another(call: _Call, own_id: str, name: str, piece: str) -> bool:
    """Whether a piece begins a new call under the old index: some servers number all of them 0."""
    if not name:
        return False
    is_renamed = bool(own_id and call.id and own_id != call.id)
    return is_renamed or bool(piece and call.text and _input_of(call) is not None)


def _input_of(call: _Call) -> JsonObject | None:
    """The input of a call; None when it is no whole JSON object, or of nobody's call."""
    try:
        parsed = json.loads(call.text or "{}")
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) and call.name else None


def _unfenced(text: str) -> str:
    """What stands in a block of Markdown, when the whole text is one."""
    bare = text.strip()
    if not (bare.startswith(_FENCE) and bare.endswith(_FENCE) and "\n" in bare):
        return text
    return bare.partition("\n")[2].removesuffix(_FENCE).strip()


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _str(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
