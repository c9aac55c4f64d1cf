"""The body of a home: which capabilities are offered, and who vouches for their bytes."""

from __future__ import annotations

from ..capabilities.discovery import Broken, discover
from ..capabilities.registry import Registry
from ..capabilities.runner import SealedToolbox
from ..core.ledger import Ledger
from ..domain.capability import Manifest
from ..domain.events import Event, EventKind, NewEvent
from .home import Home


class Body:
    """Keeps a toolbox in step with the home's capabilities.

    In a source checkout the person who edits the source vouches for it. In any other home only what
    was enrolled is offered: what came with the home, what `capability add` tried, and what an
    approved proposal wrote.
    """

    def __init__(self, home: Home, ledger: Ledger, toolbox: SealedToolbox) -> None:
        self._home = home
        self._ledger = ledger
        self.toolbox = toolbox
        self.broken: tuple[Broken, ...] = ()
        self._seen = 0

    async def refresh(self) -> None:
        """Look again when something was enrolled or changed since the last look."""
        fresh = await self._fresh_events()
        if self._seen == 0 or any(each.kind is EventKind.CAPABILITY_ENROLLED for each in fresh):
            await self._look()
        self._seen = max([self._seen, *(each.id for each in fresh)], default=0) or 1

    async def changed(self, paths: tuple[str, ...], by: str) -> None:
        """Enrol the capabilities that an approved change wrote to."""
        names = {path.split("/")[1] for path in paths if path.startswith("capabilities/")}
        found = discover([self._home.capabilities])
        await self.enrol([each for each in found.manifests if each.name in names], by=by)

    async def enrol(self, manifests: list[Manifest], *, by: str) -> None:
        """Write down which bytes are trusted under which name."""
        events = [
            NewEvent(
                kind=EventKind.CAPABILITY_ENROLLED,
                payload={
                    "name": each.name,
                    "version": each.version,
                    "tree": each.tree,
                    "by": by,
                },
            )
            for each in manifests
        ]
        if events:
            await self._ledger.post("agent", *events, actor="kernel")
        await self._look()

    async def _look(self) -> None:
        found = discover([self._home.capabilities], plugins=True)
        self.broken = found.broken
        if self._home.is_checkout:
            self.toolbox.use(Registry(found.manifests))
            return
        enrolled = await self._enrolled()
        if not enrolled:
            # The first look at a new home: what came with it is enrolled as it is.
            await self.enrol(list(found.manifests), by="init")
            return
        self.toolbox.use(Registry(found.manifests, enrolled=enrolled))

    async def _enrolled(self) -> dict[str, str]:
        return {
            event.payload["name"]: event.payload["tree"]
            for event in await self._ledger.events("agent")
            if event.kind is EventKind.CAPABILITY_ENROLLED
        }

    async def _fresh_events(self) -> list[Event]:
        return await self._ledger.events_after(self._seen, "agent")
