"""Reading a page outside for the mind: permission, request, the text that people would see."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from ..domain.broker import Place
from ..domain.canonical import JsonObject, canonical
from ..domain.errors import AutoclaveError, Fatal, NotAllowed, NotFound, NotServed, Unreachable
from ..domain.events import EventKind, NewEvent
from ..domain.fetch import FetchRequest, FetchResponse
from ..domain.intents import Effect, Fetch, to_json
from ..domain.ports import Fetcher
from ..domain.provenance import Argument, Label, Origin, Provenance
from ..domain.risk import Action, ActionKind, Verdict
from ..domain.run import Run
from .labels import trusted_text
from .parts import Parts
from .permission import Parked, permit
from .results import bad, failure_of, good, result_event

_TEMPORARY = frozenset({408, 425, 429})
_LABELS = {"value": Label(origin=Origin.WEB).to_json()}


class PageReading:
    """Performs `Fetch`; also picks up one that was cut off."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def perform(self, run: Run, intent: Fetch) -> Run:
        """Judge, write down, ask the server, write down."""
        key = f"{run.id}-{run.keys + 1}"
        try:
            self._hands()
            if self._parts.canary(intent.url):
                raise NotAllowed(
                    "a secret that nothing may ever read is in the URL", denied="canary"
                )
            action = fetch_action(run, intent, Place.of(_without_fragment(intent.url)))
            allowed = await permit(
                self._parts,
                run,
                action,
                request=f"{key}-fetch",
                question=f"May the page {intent.url} be read?",
            )
        except Parked as parked:
            return parked.run
        except Fatal:
            raise
        except AutoclaveError as error:
            return await self._record(run, key, intent, bad(failure_of(error)))
        begun = {"key": key, "intent": to_json(intent), "effect": str(Effect.IDEMPOTENT)}
        recorded = NewEvent(
            kind=EventKind.INTENT_RECORDED, payload={**begun, "permission": allowed}
        )
        return await self.resume(await self._parts.ledger.record(run, recorded), intent)

    async def resume(self, run: Run, intent: Fetch) -> Run:
        """Ask the server, once more if it was cut off: reading a page twice changes nothing."""
        opened = run.open_intent or {}
        try:
            page = await self._read(run, intent, opened["permission"]["ruling"]["rules"])
            result = good(value=page, labels=_LABELS)
        except Fatal:
            raise
        except AutoclaveError as error:
            result = bad(failure_of(error))
        return await self._record(run, opened["key"], intent, result)

    async def _read(self, run: Run, intent: Fetch, granted: Collection[str]) -> JsonObject:
        fetcher, read_page = self._hands()
        request = FetchRequest(
            method="GET",
            url=intent.url,
            headers={"Accept": "text/html, text/plain, application/json;q=0.9, */*;q=0.1"},
        )
        response = await fetcher.fetch(request, allow=self._allow(run, intent, granted))
        _check_status(response)
        page = await asyncio.to_thread(read_page, response)
        facts = {
            **page,
            "url": response.url,
            "address": response.address,
            "redirects": list(response.redirects),
            "origin": str(Origin.WEB),
        }
        return self._parts.conceal(run.stream, facts, literal=True)

    def _allow(
        self, run: Run, intent: Fetch, granted: Collection[str]
    ) -> Callable[[str, str], None]:
        """Judges every hop: for no other reason than those granted may it need a person."""

        def allow(url: str, address: str) -> None:
            ruling = self._parts.gate.judge(fetch_action(run, intent, Place.of(url)))
            is_granted = ruling.verdict is Verdict.ASK and set(ruling.rules) <= set(granted)
            if ruling.verdict is not Verdict.ALLOW and not is_granted:
                raise NotAllowed(
                    f"{intent.url} leads to {url}: {ruling.reason}",
                    rules=ruling.rules,
                    denied=ActionKind.NETWORK_REQUEST,
                    hint=f"fetch {url} by itself",
                )

        return allow

    def _hands(self) -> tuple[Fetcher, Callable[[FetchResponse], JsonObject]]:
        fetcher, read_page = self._parts.fetcher, self._parts.read_page
        if fetcher is None or read_page is None:
            raise NotServed(
                "nothing here reaches the network",
                hint="put the page below docs/, where a search finds it",
            )
        return fetcher, read_page

    async def _record(self, run: Run, key: str, intent: Fetch, result: JsonObject) -> Run:
        event = result_event(key, to_json(intent), result, spend={"steps": 1})
        return await self._parts.ledger.insist(run, event)


def fetch_action(run: Run, intent: Fetch, place: Place) -> Action:
    """Reading one page, as governance judges it.

    A URL that a person wrote down holds nothing that the page could learn. Any other one may: in
    its path, its query, or by which of several it is.
    """
    label = Label(origin=_origin_of(run, intent.url))
    argument = Argument(name="url", value=intent.url, label=label, is_target=True)
    text = trusted_text(run)
    came_from = Provenance(arguments=(argument,), trusted_text=text)
    return Action(
        kind=ActionKind.NETWORK_REQUEST,
        target=place.host,
        attributes={
            "host": place.host,
            "scheme": place.scheme,
            "port": place.port,
            "method": "GET",
            "purpose": "research",
            "bytes": len(intent.url),
            "reads_only": True,
            "secret": False,
        },
        origins=came_from.origins(),
        goal_id=run.id,
        provenance=Provenance(
            planned=came_from.trusts_its_targets(), arguments=(argument,), trusted_text=text
        ),
    )


def _origin_of(run: Run, url: str) -> Origin:
    """Of a URL that no person wrote: something that was read, or the mind itself."""
    read = (*run.replies, *run.results.values())
    return Origin.WEB if any(url in canonical(each) for each in read) else Origin.MODEL


def _check_status(response: FetchResponse) -> None:
    if response.status < 400:
        return
    message = f"{response.url} answered with the status {response.status}"
    if response.status >= 500 or response.status in _TEMPORARY:
        raise Unreachable(message)
    raise NotFound(message)


def _without_fragment(url: str) -> str:
    return url.partition("#")[0]
