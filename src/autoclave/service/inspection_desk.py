"""What people look into: the history, the rules, the health, the figures."""

from __future__ import annotations

from ..core.journal import SqlJournal
from ..core.parts import Parts
from ..core.writer import Writer
from ..domain.canonical import JsonObject
from ..domain.errors import InvalidInput
from ..domain.events import Event
from ..domain.risk import Action, ActionKind, Origin
from ..governance.gate import PolicyGate
from ..monitoring.exporters import export_events, export_metrics
from ..monitoring.health import check_health
from ..monitoring.machine import machine_probes
from .body import Body
from .doctor import agent_probes
from .history import event_to_json
from .home import Home
from .monitoring import Monitoring


class InspectionDesk:
    """Reads, and changes nothing."""

    def __init__(
        self,
        parts: Parts,
        home: Home,
        *,
        journal: SqlJournal,
        writer: Writer,
        gate: PolicyGate,
        body: Body,
        monitoring: Monitoring,
    ) -> None:
        self._parts = parts
        self._home = home
        self._journal = journal
        self._writer = writer
        self._gate = gate
        self._body = body
        self._monitoring = monitoring

    async def history(self, after: int, limit: int, stream: str) -> list[JsonObject]:
        """Events with a higher id, oldest first. With `after` below 0, the last `limit` events."""
        if after < 0:
            return [event_to_json(event) for event in await self._newest(limit, stream)]
        found = await self._writer.call(
            self._journal.read_all, after=after, limit=limit, stream=stream
        )
        return [event_to_json(event) for event in found]

    async def _newest(self, limit: int, stream: str) -> list[Event]:
        """The last events of all, or of the streams whose name begins so, oldest first.

        It looks back from the end, each time twice as far, and reads no more than it needs.
        """
        end = await self._writer.call(self._journal.last_id)
        far = limit
        while True:
            after = max(0, end - far)
            found = await self._parts.ledger.events_after(after, stream)
            if len(found) >= limit or after == 0:
                return found[-limit:] if limit else []
            far *= 2

    async def export(self, what: str, form: str) -> str:
        """All metrics or all events as text in one of the forms."""
        if what == "metrics":
            return export_metrics(await self._monitoring.meter.snapshot(), form)
        if what == "events":
            events = await self._parts.ledger.events_after(0)
            return export_events([event_to_json(event) for event in events], form)
        raise InvalidInput(f"{what!r} can't be exported; metrics and events can")

    def explain(self, action: JsonObject) -> JsonObject:
        """What the rules say about an action given as JSON, and why."""
        parsed = _action(action)
        ruling = self._gate.judge(parsed)
        return {**ruling.to_json(), "explanation": self._gate.explain(parsed)}

    async def doctor(self, *, ping_model: bool = False) -> JsonObject:
        """Everything that can be looked at; with `ping_model` the model's server is asked too."""
        last = await self.history(-1, 1, "")
        newest = last[0]["at"] if last else 0.0
        probes = (
            *machine_probes(self._home.root, newest_event_at=newest),
            *agent_probes(self._home, self._parts, self._journal, self._gate, self._body),
            *self._monitoring.probes(),
            *([self._monitoring.ping()] if ping_model else []),
        )
        return (await check_health(probes)).to_json()


def _action(data: JsonObject) -> Action:
    try:
        origins = frozenset(Origin(each) for each in data.get("origins", ["person"]))
        return Action(
            kind=ActionKind(data["kind"]),
            target=data["target"],
            attributes=data.get("attributes", {}),
            origins=origins,
        )
    except (KeyError, TypeError, ValueError) as error:
        kinds = ", ".join(ActionKind)
        raise InvalidInput(
            f"not an action: {error}", hint=f'give {{"kind": …, "target": …}}; kinds: {kinds}'
        ) from error
