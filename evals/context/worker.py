"""The model of the story: goes on where it has what it needs, and looks again where it has not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.servers.seen import Seen
from tests.servers.turns import Reply, ToolCall

from autoclave.domain.canonical import JsonObject

from .story import USES, Need, Step

_SUMMARY = "So far: {done} of {all} steps. Next: {next}. Seen so far and still of use: {known}"
_WHOLE = 12_000
"""A file of more characters is searched and not read again."""


class Worker:
    """Answers each request as the story has it, and counts what it had to look up again."""

    def __init__(self, steps: Sequence[Step], sizes: Mapping[str, int]) -> None:
        self._steps = steps
        self._sizes = sizes
        self._looked: dict[Need, int] = {}
        self.done = 0
        self.looks = 0
        self.summaries = 0
        self.unmet: list[Need] = []
        self.is_look: list[bool] = []
        """For each answer about the work, whether it only looked something up again."""

    def __call__(self, seen: Seen) -> Reply:
        if seen.purpose == "plan":
            plan = {"approach": "Look, mend, check, note.", "uses": list(USES), "steps": []}
            return Reply(structured=plan)
        if seen.purpose == "compact":
            return self._summary()
        step = self._steps[self.done]
        missing = [each for each in step.needs if each.text not in said_in(seen.body)]
        for need in missing:
            if self._looked.get(need, 0) < 2:
                return self._look(need)
        self.unmet += missing
        self.done += 1
        self.is_look.append(False)
        return Reply(text=step.says, tools=(ToolCall(name=step.call, input=step.given),))

    def _look(self, need: Need) -> Reply:
        tried = self._looked[need] = self._looked.get(need, 0) + 1
        self.looks += 1
        self.is_look.append(True)
        call, given = look_for(need, is_read=tried == 1 and self._sizes[need.path] <= _WHOLE)
        text = f"I no longer have that part of {need.path} before me."
        return Reply(text=text, tools=(ToolCall(name=call, input=given),))

    def _summary(self) -> Reply:
        self.summaries += 1
        known = sorted({need.text.strip() for step in self._steps for need in step.needs})
        following = self._steps[self.done]
        text = _SUMMARY.format(
            done=self.done, all=len(self._steps), next=following.says, known="; ".join(known)
        )
        return Reply(text=text)


def look_for(need: Need, *, is_read: bool) -> tuple[str, JsonObject]:
    """The call that brings it back."""
    if is_read:
        return "read_file", {"path": need.path}
    return "search_files", {"pattern": need.text.strip(), "glob": need.path}


def said_in(body: Mapping[str, Any]) -> str:
    """All that stands in the messages of a request, the calls of the model itself included."""
    return "\n".join(_texts(body.get("messages", [])))


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for each in value.values() for text in _texts(each)]
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    return []
