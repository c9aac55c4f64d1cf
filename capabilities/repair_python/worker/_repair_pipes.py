"""The way between a worker and the process that asks it."""

from __future__ import annotations

import json
import os
import resource
from typing import Any

Request = dict[str, Any]
Reply = dict[str, Any]


class Pipes:
    """The way to the process that asks, moved out of reach of what tests print or read."""

    def __init__(self) -> None:
        self._requests = os.fdopen(os.dup(0), "r", encoding="utf-8")
        self._replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nothing, descriptor)

    def read(self) -> Request | None:
        line = self._requests.readline()
        return json.loads(line) if line else None

    def reply(self, reply: Reply) -> None:
        mine, children = (resource.getrusage(w) for w in (resource.RUSAGE_SELF, -1))
        reply["cpu"] = mine.ru_utime + mine.ru_stime + children.ru_utime + children.ru_stime
        self._replies.write(json.dumps(reply) + "\n")
        self._replies.flush()

    def close(self) -> None:
        """In a child, so that code under test can't answer in our name."""
        for file in (self._requests, self._replies):
            os.close(file.fileno())
