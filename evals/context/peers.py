"""The same story told by others: the whole history each time, and a linear history of commands.

The linear one is after mini-swe-agent: one prompt, one user message for each observation, and of
an output of 10,000 characters or more only the first and the last 5,000 (`mini.yaml`, its
`action_observation_template`); cached, its one mark is at the end of the newest message
(`models/utils/cache_control.py`). Both are in https://github.com/SWE-agent/mini-swe-agent,
commits ae2d48d7 and 4a5ff2ba. The prompts are ours, which are shorter than its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tests.servers import tokens

from autoclave.domain.canonical import JsonObject
from autoclave.mind.telling import body_of

from .ours import Pursued
from .story import Step
from .worker import look_for, said_in

_LONGEST, _END = 10_000, 5_000
_LINES_AROUND = 40
_MARK = {"type": "ephemeral"}

Mark = Callable[[JsonObject], JsonObject]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The story as one peer tells it: every request, and how long its answer is."""

    name: str
    bodies: tuple[JsonObject, ...]
    written: tuple[int, ...]
    """Tokens of each answer."""
    asked_before: int
    """How many requests there were when the person answered."""
    looks: int = 0
    """Requests only to see again what was left out."""
    unmet: int = 0


def peers_of(pursued: Pursued, steps: Sequence[Step]) -> Iterator[Told]:
    """All of them, without a cache and with one."""
    whole = _whole(pursued)
    yield whole("whole history, uncached", unmarked)
    yield whole("whole history, cached", marked_best)
    linear = _Linear(pursued, steps)
    yield linear.told("linear, uncached", unmarked)
    yield linear.told("linear, cached", marked_at_the_end)


def unmarked(body: JsonObject) -> JsonObject:
    """Without any cache mark."""
    return _without(body)  # type: ignore[no-any-return]


def marked_best(body: JsonObject) -> JsonObject:
    """With all four marks where they help most: instructions, opening, the last two turns."""
    body = unmarked(body)
    if body.get("system"):
        body["system"] = [*body["system"][:-1], {**body["system"][-1], "cache_control": _MARK}]
    mine = [n for n, each in enumerate(body["messages"]) if each["role"] == "user"]
    return _marked(body, {*mine[:1], *mine[-2:]})


def marked_at_the_end(body: JsonObject) -> JsonObject:
    """With one mark, on the newest message."""
    body = unmarked(body)
    return _marked(body, {len(body["messages"]) - 1})


def _marked(body: JsonObject, places: set[int]) -> JsonObject:
    said = list(body["messages"])
    for place in places:
        *before, last = _blocks(said[place]["content"])
        said[place] = {**said[place], "content": [*before, {**last, "cache_control": _MARK}]}
    return {**body, "messages": said}


def _whole(pursued: Pursued) -> Callable[[str, Mark], Told]:
    """Tools and instructions as ours; every result in full, whatever its length."""
    first = unmarked(pursued.bodies[1])
    story = _scripted(pursued)
    said: list[JsonObject] = first["messages"][:1]
    bodies = [unmarked(pursued.bodies[0])]
    for blocks, results in story:
        bodies.append({**first, "messages": said})
        calls = [each for each in blocks if each["type"] == "tool_use"]
        content = [
            {"type": "tool_result", "tool_use_id": call["id"], "content": full_text(entry)}
            for call, entry in zip(calls, results, strict=False)
        ]
        said = [
            *said,
            {"role": "assistant", "content": blocks},
            {"role": "user", "content": content},
        ]
    written = [pursued.usages[0]["output_tokens"], *(_size(blocks) for blocks, _ in story)]

    def told(name: str, mark: Mark) -> Told:
        return Told(
            name=name,
            bodies=tuple(mark(body) for body in bodies),
            written=tuple(written),
            asked_before=_question(story) + 2,
        )

    return told


class _Linear:
    """Commands and what they print; what was cut out of the middle is looked up again."""

    def __init__(self, pursued: Pursued, steps: Sequence[Step]) -> None:
        self._pursued = pursued
        self._steps = steps
        first = unmarked(pursued.bodies[1])
        self._frame = {name: first[name] for name in ("model", "max_tokens", "system")}
        self._said: list[JsonObject] = [first["messages"][0]]
        self._seen: list[str] = []
        self._bodies: list[JsonObject] = []
        self._written: list[int] = []
        self._asked_before = self._looks = self._unmet = 0
        story = _scripted(pursued)
        for number, (blocks, results) in enumerate(story):
            self._look_again(steps[number])
            self._turn(blocks, "\n".join(map(full_text, results)))
            if number == _question(story):
                self._asked_before = len(self._bodies)

    def told(self, name: str, mark: Mark) -> Told:
        return Told(
            name=name,
            bodies=tuple(mark(body) for body in self._bodies),
            written=tuple(self._written),
            asked_before=self._asked_before,
            looks=self._looks,
            unmet=self._unmet,
        )

    def _look_again(self, step: Step) -> None:
        for need in step.needs:
            if need.text in said_in({"messages": self._said}):
                continue
            source = next((text for text in reversed(self._seen) if need.text in text), None)
            if source is None:
                self._unmet += 1
                continue
            self._looks += 1
            call, given = look_for(need, is_read=False)
            words = {"type": "text", "text": f"I no longer have that part of {need.path}."}
            self._turn(
                [words, {"type": "tool_use", "name": call, "input": given}],
                _part(source, need.text),
            )

    def _turn(self, blocks: list[JsonObject], output: str) -> None:
        self._bodies.append({**self._frame, "messages": self._said})
        words = "\n\n".join(_command(each) for each in blocks)
        self._written.append(_size([{"type": "text", "text": words}]))
        self._seen.append(output)
        observed = f"<returncode>0</returncode>\n{_cut(output)}"
        self._said = [
            *self._said,
            {"role": "assistant", "content": words},
            {"role": "user", "content": observed},
        ]


def full_text(entry: JsonObject) -> str:
    """All that came of a call, in the plain words in which we tell it ourselves."""
    result = entry["result"]
    if entry["intent"]["kind"] == "Ask" and result["ok"]:
        return f"{result['value']['answer']}. {result['value'].get('reason', '')}"
    return body_of(result) if result["ok"] else json.dumps(result["failure"])


def _cut(output: str) -> str:
    if len(output) < _LONGEST:
        return f"<output>\n{output}\n</output>"
    left_out = len(output) - 2 * _END
    return (
        f"<warning>\nThe output was too long; look at a part of it.\n</warning>\n"
        f"<output_head>\n{output[:_END]}\n</output_head>\n"
        f"<elided_chars>\n{left_out} characters elided\n</elided_chars>\n"
        f"<output_tail>\n{output[-_END:]}\n</output_tail>"
    )


def _part(source: str, text: str) -> str:
    lines = source.split("\n")
    first = text.strip("\n").split("\n")[0]
    place = next(n for n, line in enumerate(lines) if first in line)
    return "\n".join(lines[max(0, place - _LINES_AROUND) : place + _LINES_AROUND])


def _command(block: JsonObject) -> str:
    if block["type"] != "tool_use":
        return str(block.get("text", ""))
    return f"```bash\n{block['name']} {json.dumps(block['input'], ensure_ascii=False)}\n```"


def _scripted(pursued: Pursued) -> list[tuple[list[JsonObject], list[JsonObject]]]:
    """The answers of the story itself, without what our own conversation had to look up again."""
    looks = pursued.worker.is_look
    return [turn for turn, is_look in zip(pursued.turns, looks, strict=True) if not is_look]


def _question(story: list[tuple[list[JsonObject], list[JsonObject]]]) -> int:
    asked = [n for n, (_, found) in enumerate(story) if any(_is_ask(each) for each in found)]
    return asked[0]


def _is_ask(entry: JsonObject) -> bool:
    return bool(entry["intent"]["kind"] == "Ask")


def _size(blocks: list[JsonObject]) -> int:
    return sum(map(tokens.of_block, blocks))


def _blocks(content: Any) -> list[JsonObject]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without(each) for key, each in value.items() if key != "cache_control"}
    return [_without(each) for each in value] if isinstance(value, list) else value
