"""A Messages request as the prompt it becomes: blocks in order, each naming all before it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.servers import tokens
from tests.servers.seen_messages import blocks_of

_UNCACHEABLE = frozenset({"thinking", "redacted_thinking"})


@dataclass(frozen=True, kw_only=True)
class Piece:
    """One block of the prompt."""

    prefix: str
    """Digest of everything up to and including it."""
    end: int
    """Tokens up to and including it."""
    ttl: str | None
    """Set where the request asks for a breakpoint."""
    cacheable: bool


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """What the cache and the counter read."""

    pieces: tuple[Piece, ...]
    model: str
    tools: str
    system: str
    messages: tuple[str, ...]
    """One digest for each message, to see what a later request changed."""
    settings: str

    @property
    def size(self) -> int:
        return self.pieces[-1].end if self.pieces else 0

    @property
    def breakpoints(self) -> list[Piece]:
        return [piece for piece in self.pieces if piece.ttl]


def prompt_of(body: Mapping[str, Any]) -> Prompt:
    """Tools, then system, then messages: the order in which the cache sees them."""
    model = f"{body.get('model')}/{body.get('speed') or 'standard'}"
    settings = _settings(body)
    pieces = list(_pieces(model, settings, body))
    return Prompt(
        pieces=tuple(_with_top_level_marker(pieces, body)),
        model=model,
        tools=_digest("tools", tokens.canonical(body.get("tools", []))),
        system=_digest("system", tokens.canonical(blocks_of(body.get("system")))),
        messages=tuple(
            _digest(role, *map(tokens.canonical, blocks)) for role, blocks in _talk(body)
        ),
        settings=settings,
    )


def _pieces(model: str, settings: str, body: Mapping[str, Any]) -> Iterator[Piece]:
    prefix, end = _digest(model), 0
    for part, block in _blocks(body, settings):
        prefix = _digest(prefix, part, tokens.canonical(block))
        end += tokens.of_block(block)
        marker = block.get("cache_control")
        yield Piece(
            prefix=prefix,
            end=end,
            ttl=(marker.get("ttl") or "5m") if marker else None,
            cacheable=block.get("type") not in _UNCACHEABLE,
        )


def _blocks(body: Mapping[str, Any], settings: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for tool in body.get("tools", []):
        yield "tool", tool
    for block in blocks_of(body.get("system")):
        yield "system", block
    for role, blocks in _talk(body):
        for block in blocks:
            yield f"{settings}/{role}", block


def _talk(body: Mapping[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for message in body.get("messages", []):
        yield str(message.get("role")), blocks_of(message.get("content"))


def _settings(body: Mapping[str, Any]) -> str:
    """What changes how the messages read though no block of them changed."""
    form = (body.get("output_config") or {}).get("format")
    return _digest(tokens.canonical([body.get("thinking"), body.get("tool_choice"), form]))


def _with_top_level_marker(pieces: list[Piece], body: Mapping[str, Any]) -> list[Piece]:
    marker = body.get("cache_control")
    places = [n for n, piece in enumerate(pieces) if piece.cacheable]
    if not marker or not places:
        return pieces
    last = pieces[places[-1]]
    marked = Piece(prefix=last.prefix, end=last.end, ttl=marker.get("ttl") or "5m", cacheable=True)
    return [*pieces[: places[-1]], marked, *pieces[places[-1] + 1 :]]


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
