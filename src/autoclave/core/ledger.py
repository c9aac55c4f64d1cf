"""Runs as values over the journal: load, take up, record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..domain.errors import Fenced, NotFound, Stale
from ..domain.events import Event, EventKind, Head, NewEvent
from ..domain.folding import fold, fold_all
from ..domain.ports import Journal
from ..domain.run import Run
from .snapshots import run_from_json, run_to_json
from .writer import Writer

_SNAPSHOT_EVERY = 200
_SNAPSHOT_VERSION = 3

Listener = Callable[[Event], None]


def _try_fold(run: Run, events: tuple[NewEvent, ...]) -> None:
    """Raise what folding these events would raise."""
    for each in events:
        event = Event(
            id=0,
            stream=run.stream,
            seq=run.seq + 1,
            epoch=run.epoch,
            kind=each.kind,
            version=each.version,
            payload=each.payload,
            actor="",
            at=0.0,
        )
        run = fold(run, event)


class Ledger:
    """The only way in which the loop reads and writes the journal."""

    def __init__(self, writer: Writer, journal: Journal) -> None:
        self._writer = writer
        self.journal = journal
        self.listeners: list[Listener] = []

    async def load(self, run_id: str) -> Run:
        """The run as the journal has it. Raises NotFound."""
        return await self._writer.call(self.load_now, run_id)

    def load_now(self, run_id: str) -> Run:
        """The same, from a thread that may block."""
        stream = f"goal/{run_id}"
        snapshot = self.journal.latest_snapshot(stream)
        if snapshot is not None and snapshot[1] == _SNAPSHOT_VERSION:
            run = run_from_json(snapshot[2])
            for event in self.journal.read(stream, after=run.seq):
                run = fold(run, event)
            return run
        events = self.journal.read(stream)
        if not events:
            raise NotFound(f"there is no goal {run_id}", hint="see `autoclave goal list`")
        return fold_all(run_id, events)

    async def take(self, run: Run, *, mind: str, **seen: str) -> Run:
        """Take the run up under a new epoch; whoever held it before is fenced off.

        `seen` is what its views will show that the run itself does not hold.
        """
        taken = NewEvent(kind=EventKind.RUN_TAKEN, payload={"mind": mind, **seen})
        events, head = await self._writer.take(run.stream, [taken], actor="kernel")
        fresh = await self.load(run.id)
        self._tell(events)
        return replace(fresh, epoch=head.epoch)

    async def record(self, run: Run, *events: NewEvent, actor: str = "kernel") -> Run:
        """Append and fold. Raises Stale when the run has moved on, Fenced when it was taken.

        IllegalTransition is raised before anything is written: a stream always folds.
        """
        if not events:
            return run
        _try_fold(run, events)
        head = Head(epoch=run.epoch, seq=run.seq)
        appended = await self._writer.append(run.stream, events, head=head, actor=actor)
        for event in appended:
            run = fold(run, event)
        self._tell(appended)
        if run.seq % _SNAPSHOT_EVERY < len(appended):
            await self._writer.call(self._keep_snapshot, run)
        return run

    async def insist(self, run: Run, *events: NewEvent, actor: str = "kernel") -> Run:
        """Append what has happened, even if a person wrote to the run meanwhile."""
        while True:
            try:
                return await self.record(run, *events, actor=actor)
            except Stale:
                run = await self.catch_up(run)

    async def catch_up(self, run: Run) -> Run:
        """The run with what others have appended since. Raises Fenced when it was taken over."""
        epoch = run.epoch
        for event in await self._writer.call(self.journal.read, run.stream, after=run.seq):
            if event.epoch > epoch:
                # To fold it would be to adopt the epoch of whoever holds the run now.
                raise Fenced(
                    f"{run.stream} was taken up again (epoch {event.epoch}); "
                    f"this activation had {epoch}",
                    hint="stop: another activation goes on with it",
                )
            run = fold(run, event)
        return run

    async def post(self, stream: str, *events: NewEvent, actor: str) -> tuple[Event, ...]:
        """Append a fact that needs no fence."""
        appended = await self._writer.post(stream, events, actor=actor)
        self._tell(appended)
        return appended

    async def append(
        self, stream: str, *events: NewEvent, head: Head, actor: str = "kernel"
    ) -> tuple[Event, ...]:
        """Append to a stream that is no run's. Raises Stale when it has moved on, Fenced."""
        appended = await self._writer.append(stream, events, head=head, actor=actor)
        self._tell(appended)
        return appended

    async def events(self, stream: str) -> list[Event]:
        return await self._writer.call(self.journal.read, stream)

    async def events_below(self, prefix: str) -> list[Event]:
        """Every event of the streams whose name starts with `prefix`, oldest first."""
        return await self._writer.call(self._events_below, prefix)

    async def events_after(self, event_id: int, prefix: str = "") -> list[Event]:
        """Events with a higher id, of the streams whose name starts with `prefix`."""
        return await self._writer.call(self._events_below, prefix, after=event_id)

    async def events_since(self, at: float) -> list[Event]:
        """Every event from this moment on."""
        return await self._writer.call(self._events_since, at)

    def _events_since(self, at: float) -> list[Event]:
        """Ids grow with time, so halving the range finds the place without an index on time."""
        low, high = 0, self.journal.last_id()
        while low < high:
            middle = (low + high) // 2
            found = self.journal.read_all(after=middle, limit=1)
            if found and found[0].at < at:
                low = middle + 1
            else:
                high = middle
        return [event for event in self._events_below("", after=low) if event.at >= at]

    def _events_below(self, prefix: str, *, after: int = 0) -> list[Event]:
        found: list[Event] = []
        while batch := self.journal.read_all(after=after, limit=1000, stream=prefix):
            found += batch
            after = batch[-1].id
        return found

    async def newest_at(self) -> float:
        """When the newest event of all was written; 0 for an empty log."""
        newest = await self._writer.call(self.journal.last_id)
        events = await self._writer.call(self.journal.read_all, after=newest - 1, limit=1)
        return events[-1].at if events else 0.0

    async def new_id(self, prefix: str) -> str:
        return await self._writer.call(self.journal.new_id, prefix)

    def _keep_snapshot(self, run: Run) -> None:
        self.journal.save_snapshot(
            run.stream, seq=run.seq, version=_SNAPSHOT_VERSION, data=run_to_json(run)
        )

    def _tell(self, events: tuple[Event, ...]) -> None:
        for event in events:
            for listener in self.listeners:
                listener(event)
