"""Claude's message batches: many questions sent together, answered within hours for less."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ...domain.batch import BatchAnswer, Sighting
from ...domain.canonical import JsonObject
from ...domain.errors import InvalidInput, NotFound
from ...domain.model import ModelAnswer, ModelRequest, StopReason, Tokens
from ...domain.text import show_line
from .claude_wire import Answering, params_of
from .switch import is_here

if TYPE_CHECKING:
    from .claude import Claude
    from .prices import Price

_SKEW_SECONDS = 300.0
"""How far the provider's clock may be from ours."""
_LONGEST_MESSAGE = 300


class ClaudeBatches:
    """Port BatchModel over the Messages Batches API."""

    def __init__(self, claude: Claude, price: Price) -> None:
        self.name = claude.name
        self._claude = claude
        self._price = price.batched()

    def price(self, requests: Mapping[str, ModelRequest]) -> float:
        return sum(self._price.most(each) for each in requests.values())

    async def submit(self, requests: Mapping[str, ModelRequest]) -> str:
        sent = [
            {"custom_id": name, "params": params_of(request, self.name)}
            for name, request in requests.items()
        ]
        with self._our_errors():
            client = await self._claude.client()
            more = _purpose_of(requests) if is_here(str(client.base_url)) else {}
            made = await client.messages.batches.create(requests=sent, extra_headers=more)
        return str(made.id)

    async def find(
        self, names: Collection[str], *, since: float, known: Collection[str]
    ) -> Sighting:
        """A list shows no names, only a batch's results do; until then its size has to do."""
        is_sure = True
        with self._our_errors():
            client = await self._claude.client()
            async for each in client.messages.batches.list(limit=100):
                if each.created_at.timestamp() < since - _SKEW_SECONDS:
                    break  # the newest come first
                if each.id in known or _size(each) != len(names):
                    continue
                if each.processing_status != "ended":
                    is_sure = False
                elif await self._has_names(client, each.id, names):
                    return Sighting(found=str(each.id))
        return Sighting(is_sure=is_sure)

    async def has_ended(self, batch: str) -> bool:
        with self._our_errors(batch):
            client = await self._claude.client()
            found = await client.messages.batches.retrieve(batch)
        return bool(found.processing_status == "ended")

    async def results(self, batch: str) -> dict[str, BatchAnswer]:
        found: dict[str, BatchAnswer] = {}
        with self._our_errors(batch):
            client = await self._claude.client()
            async for name, result in _lines(client, batch):
                found[name] = self._answer(result)
        return found

    async def cancel(self, batch: str) -> None:
        with self._our_errors(batch):
            client = await self._claude.client()
            await client.messages.batches.cancel(batch)

    async def _has_names(self, client: Any, batch: str, names: Collection[str]) -> bool:
        """Its first result tells: names are nobody else's."""
        async for name, _ in _lines(client, batch):
            return name in names
        return False

    def _answer(self, result: JsonObject) -> BatchAnswer:
        if result["type"] != "succeeded":
            error = (result.get("error") or {}).get("error") or {}
            said = show_line(str(error.get("message", "")))[:_LONGEST_MESSAGE]
            return BatchAnswer(why=f"{result['type']}: {said}" if said else str(result["type"]))
        return _answered(result["message"], self._price)

    @contextmanager
    def _our_errors(self, batch: str = "") -> Iterator[None]:
        try:
            yield
        except Exception as error:  # the SDK's own tree and that of its HTTP library
            if batch and getattr(error, "status_code", None) == 404:
                raise NotFound(f"{self.name} does not know the batch {batch} any more") from error
            raise self._claude.ours(error, Tokens()) from error


async def _lines(client: Any, batch: str) -> AsyncIterator[tuple[str, JsonObject]]:
    async for line in await client.messages.batches.results(batch):
        yield line.custom_id, line.result.model_dump(mode="json")


def _answered(message: JsonObject, price: Price) -> BatchAnswer:
    """A whole message, taken in as if it had come in pieces. What can't be read is paid too."""
    taken = Answering()
    taken.take({"type": "message_start", "message": message})
    used = taken.tokens
    cost, total = price.usd(used), used.total
    try:
        answer = ModelAnswer(
            blocks=_blocks_of(taken, message),
            stop=StopReason(taken.stop),
            tokens=used,
            usd=cost,
            model=taken.model,
            refusal=taken.refusal,
        )
    except (InvalidInput, ValueError) as error:
        why = f"unreadable: {show_line(str(error))[:_LONGEST_MESSAGE]}"
        return BatchAnswer(why=why, tokens=total, usd=cost)
    return BatchAnswer(answer=answer, tokens=total, usd=cost)


def _blocks_of(taken: Answering, message: JsonObject) -> tuple[JsonObject, ...]:
    for index, block in enumerate(message["content"]):
        taken.take({"type": "content_block_start", "index": index, "content_block": block})
    delta = {name: message.get(name) for name in ("stop_reason", "stop_details")}
    taken.take({"type": "message_delta", "delta": delta, "usage": message["usage"]})
    return taken.finished()


def _purpose_of(requests: Mapping[str, ModelRequest]) -> dict[str, str]:
    purpose = next((each.purpose for each in requests.values()), "")
    return {"x-autoclave-purpose": purpose}


def _size(batch: Any) -> int:
    return int(sum(batch.request_counts.model_dump().values()))
