"""The log of a server: every request and how it was answered, without the key."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.servers.wire import Answer, Request


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One request, and what was sent back for it."""

    number: int
    method: str
    path: str
    headers: Mapping[str, str]
    body: Any
    """Parsed; nothing when it was empty or no JSON."""
    raw: bytes
    status: int
    note: Mapping[str, Any] = field(default_factory=dict)
    """The turn that answered, its usage, the mismatch."""

    def to_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "method": self.method,
            "path": self.path,
            "headers": dict(self.headers),
            "body": self.body,
            "raw_base64": base64.b64encode(self.raw).decode("ascii"),
            "status": self.status,
            "note": dict(self.note),
        }


class ExchangeLog:
    """Kept in memory for tests, and as lines in a file when one is named."""

    def __init__(self, path: Path | None = None) -> None:
        self.exchanges: list[Exchange] = []
        self._path = path
        self._asked = 0

    def next_number(self) -> int:
        self._asked += 1
        return self._asked

    def add(self, number: int, request: Request, answer: Answer) -> None:
        exchange = Exchange(
            number=number,
            method=request.method,
            path=request.path,
            headers=request.open_headers,
            body=json_of(request.raw),
            raw=request.raw,
            status=answer.status,
            note=answer.note,
        )
        self.exchanges.append(exchange)
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(exchange.to_json(), ensure_ascii=False) + "\n")


def json_of(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None
