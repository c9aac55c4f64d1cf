"""The conversation with a model, put together from what happened: only ever added to."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from .stuck import is_stuck
from .telling import call_of, fenced, told, told_again
from .toolbelt import unknown_tool
from .views import JsonObject, View

CLEAR_AT, COMPACT_AT, TRIM_AT = 0.65, 0.80, 0.95
"""Shares of the model's window. What is past one is done once, when it is passed."""
_KEPT_TURNS = 6
_MUCH_TO_CLEAR = 25_000
"""Tokens of old results, whatever the window. To leave them out has everything behind them written
anew, once, and some of it looked up again; to keep them has all of it read with every call. With
a cache that reads at a tenth to a twentieth of the price, that is even after five to fifteen."""
_LITTLE_TO_CLEAR = 4_000
"""Where all is written anew anyway; less is not worth looking anything up again."""
_SHORT_RESULT = 150
_MOST_OF_ONE = 12_000
_NUDGE_AFTER = 4
"""Calls between two nudges."""
_PROGRESS = 0.9
"""A summary that leaves more than this share of the context is none."""

GO_ON = "Go on with a tool, or call `complete_task` or `give_up`."
CUT = (
    "Your answer was cut off by its limit of tokens. Make one call at a time, and write long files "
    "in parts."
)
STUCK = (
    "You are going round in circles: the last calls and their results repeat. Say to yourself what "
    "is different from what you expected, and take another way."
)


@dataclass(kw_only=True)
class Turn:
    """One answer of the model and what came of the calls in it."""

    answer: JsonObject
    results: list[JsonObject] = field(default_factory=list)
    """One entry of the transcript for each call that was made, in their order."""
    is_nudged: bool = False
    hint: str = ""
    """What the person said when the work went round in circles."""
    heard: int = 0
    """Tokens of what came back for it."""

    @property
    def calls(self) -> list[JsonObject]:
        return [each for each in self.answer["blocks"] if each["type"] == "tool_use"]

    @property
    def size(self) -> int:
        """Tokens of the whole conversation up to here."""
        return self.read + int(self.answer["tokens"]["output"])

    @property
    def read(self) -> int:
        """Tokens of everything before this answer."""
        used = self.answer["tokens"]
        return int(used["input"] + used["cache_read"] + used["cache_write"])


@dataclass(kw_only=True)
class Talk:
    """The conversation as it stands."""

    turns: list[Turn] = field(default_factory=list)
    nudges: int = 0
    cleared: int = 0
    """Turns, from the first, whose results are no longer told in full."""
    dropped: int = 0
    """Turns, from the first, that a summary stands for, or nothing at all."""
    summary: str = ""
    wants_summary: bool = False
    is_full: bool = False
    """No summary helped: the oldest turns have to go."""
    overflows: int = 0
    was_stopped: bool = False
    """A person who was asked whether to go on said no."""
    is_rewritten: bool = False
    """What was said before is no longer what it was when the model answered last."""


def read_talk(view: View) -> Talk:
    """What the transcript amounts to, judged entry by entry so that it never changes its mind."""
    talk = Talk()
    window = max(1, view["model_limits"]["window"])
    known = set(view["tools"])
    for entry in view["transcript"]:
        intent, result = entry["intent"], entry["result"]
        if intent["kind"] != "Think":
            _take_result(talk, entry, known)
        elif not result["ok"]:
            if result["failure"]["error_class"] == "TooLong":
                _trim(talk)
        elif intent["purpose"] == "compact":
            _take_summary(talk, result["value"])
        elif intent["purpose"] in ("work", "draft"):
            _take_answer(talk, Turn(answer=result["value"]))
            _watch_size(talk, window)
    return talk


def messages(view: View, talk: Talk, opening: str) -> list[JsonObject]:
    """What to send: the opening, a summary if there is one, and every turn that still counts."""
    said: list[JsonObject] = [{"role": "user", "content": [_text(opening)]}]
    if talk.dropped:
        said[0]["content"].append(_text(_what_was(view, talk)))
    seen: dict[str, JsonObject] = {}
    for number, turn in enumerate(talk.turns):
        if number < talk.dropped:
            continue
        if turn.answer["blocks"]:
            said.append({"role": "assistant", "content": turn.answer["blocks"]})
        content = _reply_to(view, turn, None if number < talk.cleared else seen)
        if content:
            said.append({"role": "user", "content": content})
    return said


def pending(talk: Talk, known: list[str]) -> JsonObject | None:
    """The first call of the last answer that nothing has come of yet, with its `step`; or None."""
    if not talk.turns:
        return None
    turn = talk.turns[-1]
    made = [each for each in turn.calls if each["name"] in known]
    if len(turn.results) >= len(made):
        return None
    number = len(turn.results)
    return {**made[number], "step": f"t{len(talk.turns)}_{number + 1}"}


def _take_answer(talk: Talk, turn: Turn) -> None:
    """How much the results before it were, the model's own count says."""
    if talk.turns:
        last = talk.turns[-1]
        last.heard = _reckoned(last) if talk.is_rewritten else max(0, turn.read - last.size)
    talk.is_rewritten = False
    talk.turns.append(turn)


def _reckoned(turn: Turn) -> int:
    """From the length of the results, where more than they changed since the answer."""
    return sum(min(len(json.dumps(each["result"])), _MOST_OF_ONE) // 4 for each in turn.results)


def _take_result(talk: Talk, entry: JsonObject, known: set[str]) -> None:
    if not talk.turns:
        return
    turn = talk.turns[-1]
    if entry["intent"]["kind"] == "Ask" and _clearable(talk) >= _LITTLE_TO_CLEAR:
        _clear(talk)  # a person takes longer than a cache is kept
    if entry["intent"]["kind"] == "Ask" and len(turn.results) >= _made(turn, known):
        _take_hint(talk, turn, entry["result"])
        return
    turn.results.append(entry)
    acts = [each for turn in talk.turns for each in turn.results]
    since = len(acts) - sum(len(t.results) for t in talk.turns[: _last_nudged(talk) + 1])
    if since >= _NUDGE_AFTER and is_stuck(acts) and not turn.is_nudged:
        turn.is_nudged = True
        talk.nudges += 1


def _made(turn: Turn, known: set[str]) -> int:
    return sum(call["name"] in known for call in turn.calls)


def _take_hint(talk: Talk, turn: Turn, result: JsonObject) -> None:
    """The person was asked whether to go on; what they say is the next thing that is heard."""
    value = result.get("value", {})
    talk.was_stopped = value.get("answer") != "yes"
    turn.hint = f"{value.get('by', 'nobody')}: {value.get('answer')}. {value.get('reason', '')}"
    talk.nudges = 0


def _last_nudged(talk: Talk) -> int:
    """Index of the last turn that was nudged; -1 when none was."""
    return max((i for i, turn in enumerate(talk.turns) if turn.is_nudged), default=-1)


def _watch_size(talk: Talk, window: int) -> None:
    """Clear, ask for a summary or trim, each once when its share of the window is passed."""
    size = talk.turns[-1].size
    before = talk.turns[-2].size if len(talk.turns) > talk.dropped + 1 else 0
    if talk.turns[-1].answer["stop"] == "model_context_window_exceeded":
        talk.turns.pop()
        talk.overflows += 1
        _trim(talk)
    elif _passes(before, size, TRIM_AT * window):
        _trim(talk)
    elif _passes(before, size, COMPACT_AT * window) and not talk.is_full:
        talk.wants_summary = True
    elif _passes(before, size, CLEAR_AT * window) or _clearable(talk) >= _MUCH_TO_CLEAR:
        _clear(talk)


def _clear(talk: Talk) -> None:
    """From here on old results are told by a remark."""
    talk.cleared = max(talk.cleared, len(talk.turns) - _KEPT_TURNS)
    talk.is_rewritten = True


def _clearable(talk: Talk) -> int:
    """Tokens of the results that are old enough to go and long enough to be worth it."""
    old = talk.turns[max(talk.cleared, talk.dropped) : max(0, len(talk.turns) - _KEPT_TURNS)]
    return sum(turn.heard for turn in old if turn.heard > _SHORT_RESULT)


def _passes(before: int, size: int, limit: float) -> bool:
    return before < limit <= size


def _take_summary(talk: Talk, answer: JsonObject) -> None:
    """From here on the summary stands for all turns but the last, whose calls are still open."""
    kept = max(0, len(talk.turns) - 1)
    length = sum(len(json.dumps(turn.answer["blocks"])) for turn in talk.turns[:kept])
    length += sum(
        len(json.dumps(entry["result"])) for turn in talk.turns[:kept] for entry in turn.results
    )
    talk.wants_summary = False
    if not answer["text"].strip() or len(answer["text"]) > _PROGRESS * length:
        talk.is_full = True
        _trim(talk)
        return
    talk.summary, talk.dropped, talk.cleared = answer["text"], kept, kept
    talk.is_rewritten = True


def _trim(talk: Talk) -> None:
    """Forget the older half of what is left."""
    left = len(talk.turns) - talk.dropped
    talk.dropped = min(talk.dropped + max(1, left // 2), max(0, len(talk.turns) - 1))
    talk.cleared = max(talk.cleared, talk.dropped)
    talk.wants_summary, talk.is_rewritten = False, True


def _what_was(view: View, talk: Talk) -> str:
    """A summary of what was read can repeat what it said, so it is data as well."""
    if talk.summary:
        notes = fenced(view, "your notes", "model", talk.summary)
        return f"What happened before, as you noted it down:\n{notes}"
    return "Older parts of this conversation were left out for lack of room."


def _reply_to(view: View, turn: Turn, seen: dict[str, JsonObject] | None) -> list[JsonObject]:
    """The user's side after one answer: a result for each call, and what has to be said.

    `seen` are the results that stand further up in full, by call; None where results are cleared.
    """
    known, results = view["tools"], iter(turn.results)
    content: list[JsonObject] = []
    for call in turn.calls:
        if call["name"] not in known:
            content.append(_tool_result(call, unknown_tool(call["name"], known), is_error=True))
            continue
        entry = next(results, None)
        if entry is None:
            return []  # it is still to be made
        text = _told(view, entry, seen)
        content.append(_tool_result(call, text, is_error=not entry["result"]["ok"]))
    stop = turn.answer["stop"]
    if stop == "max_tokens":
        content.append(_text(CUT))
    elif not turn.calls and stop != "pause_turn":
        content.append(_text(GO_ON))
    if turn.is_nudged:
        content.append(_text(STUCK))
    if turn.hint:
        content.append(_text(turn.hint.strip()))
    return content


def _told(view: View, entry: JsonObject, seen: dict[str, JsonObject] | None) -> str:
    """Told in full once; told again, only what is different from that."""
    if seen is None:
        return told(view, entry, is_cleared=True)
    call = call_of(entry)
    before = seen.get(call)
    if before is not None and (again := told_again(view, entry, before)) is not None:
        return again
    if call:
        seen[call] = entry
    return told(view, entry)


def _text(text: str) -> JsonObject:
    return {"type": "text", "text": text}


def _tool_result(call: JsonObject, text: str, *, is_error: bool) -> JsonObject:
    block = {"type": "tool_result", "tool_use_id": call["id"], "content": text}
    return block | ({"is_error": True} if is_error else {})
