"""Where the areas meet: what each one offers to the others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

from .batch import BatchAnswer, Sighting
from .broker import Call
from .canonical import JsonObject
from .capability import CapabilityResult, Manifest
from .changes import ChangeSet
from .events import Event, Head, NewEvent
from .fetch import FetchRequest, FetchResponse
from .knowledge import Case, Opportunity, Pattern, PatternKind
from .model import Hear, ModelAnswer, ModelLimits, ModelRequest, Quota
from .proposal import Draft, Edit, Evidence
from .risk import Action, Ruling
from .sealed import SealedResult, SealedRun, SelfTest, Tier

Clock: TypeAlias = Callable[[], float]
"""Seconds since 1970, UTC."""


class Projection(Protocol):
    """A reading of the journal, kept in tables of its own and updated in the same transaction."""

    name: str
    version: int
    """Raise it when `apply` or the tables change: the journal then rebuilds from all events."""

    def create(self, connection: Any) -> None:
        """Make the tables if they are missing (an SQLAlchemy Core connection)."""

    def clear(self, connection: Any) -> None:
        """Forget everything, before a rebuild."""

    def apply(self, connection: Any, event: Event) -> None:
        """Take in one event. Must not fail on any event the journal accepts."""


class Journal(Protocol):
    """The append-only log. Synchronous; `core.writer` gives it its one thread."""

    def head(self, stream: str) -> Head:
        """The end of a stream; epoch 0 and seq 0 when it does not exist."""

    def append(
        self, stream: str, events: Sequence[NewEvent], *, head: Head, actor: str
    ) -> tuple[Event, ...]:
        """Append all or none, in one transaction with the projections, durable on return.

        Raises Fenced when the epoch is not `head.epoch`, Stale when only the seq has moved on.
        """

    def post(self, stream: str, events: Sequence[NewEvent], *, actor: str) -> tuple[Event, ...]:
        """Append at whatever the end is: for facts that need no fence (a person's word)."""

    def take(
        self, stream: str, events: Sequence[NewEvent], *, actor: str
    ) -> tuple[tuple[Event, ...], Head]:
        """Raise the stream's epoch and append `events` under it; every older head is fenced off."""

    def read(self, stream: str, *, after: int = 0) -> list[Event]:
        """The events of one stream with seq above `after`, upcast to today's versions."""

    def read_all(self, *, after: int = 0, limit: int = 1000, stream: str = "") -> list[Event]:
        """Events with id above `after`, of every stream or of those whose name starts so."""

    def save_snapshot(self, stream: str, *, seq: int, version: int, data: JsonObject) -> None:
        """Keep a folded stream as a cache; never truth."""

    def latest_snapshot(self, stream: str) -> tuple[int, int, JsonObject] | None:
        """`(seq, version, data)` of the newest snapshot, or None."""

    def last_id(self) -> int:
        """Id of the newest event, 0 for an empty log."""

    def new_id(self, prefix: str) -> str:
        """The next free number under a prefix: `G-0001`, `P-0002`."""


class Toolbox(Protocol):
    """The capabilities, run sealed."""

    def manifests(self) -> tuple[Manifest, ...]:
        """Every enrolled capability, by name; code is not imported."""

    def manifest(self, name: str) -> Manifest:
        """One of them. Raises NotFound with the nearest names."""

    async def run(
        self,
        name: str,
        inputs: JsonObject,
        *,
        workspace: Path | None,
        key: str,
        broker: Broker | None = None,
    ) -> CapabilityResult:
        """Run one in the sandbox on a copy of the workspace; nothing outside is changed.

        What it asks for while it runs, and its manifest admits, is put to the `broker`; without
        one it is told that nobody answers.

        Raises InvalidInput when the inputs do not fit the manifest, NotFound, SandboxUnavailable,
        and what the broker raises. What goes wrong inside is in the result's `failure`.
        """

    async def verify(
        self, name: str, inputs: JsonObject, *, workspace: Path | None, key: str
    ) -> JsonObject | None:
        """Ask a verifiable capability whether `key` was done: its outputs, or None."""


class Broker(Protocol):
    """Serves what one running capability asks the kernel for."""

    async def answer(self, call: Call) -> JsonObject:
        """What the capability is told: `told` or `refused` of `domain.broker`, in the order of its
        calls. What this raises ends the run."""


class Sandbox(Protocol):
    """Runs commands sealed. Nothing generated ever runs outside it."""

    def scratch(self) -> AbstractContextManager[Path]:
        """A fresh folder that a sealed run may write to; removed afterwards."""

    async def run(self, run: SealedRun) -> SealedResult:
        """Run one command. Raises SandboxUnavailable when no tier (or not the asked one) is had."""

    async def self_test(self) -> SelfTest:
        """Try a dozen escapes and everyday things. Raises SandboxUnavailable with the reason."""

    def tiers(self) -> tuple[Tier, ...]:
        """What can be had here, strongest first; found by doing. Empty means refuse."""


ChangeState = Literal["before", "after", "mixed", "other"]


class Files(Protocol):
    """Safe hands for trees of files: beneath-only, no links followed."""

    def read_tree(self, root: Path) -> dict[str, bytes]:
        """Every regular file below `root` that is not ignored. InvalidInput over the caps."""

    def write_tree(self, root: Path, files: Mapping[str, bytes]) -> None:
        """Write files below an empty or fresh `root`."""

    def difference(self, before: Mapping[str, bytes], root: Path) -> ChangeSet:
        """What a sealed run changed below `root`, compared with what it was given."""

    def state(self, root: Path, changes: ChangeSet) -> ChangeState:
        """Whether the files stand as before the changes, after them, half way, or otherwise."""

    def apply(self, root: Path, changes: ChangeSet) -> None:
        """Write all of it or nothing. Raises Stale when a file is neither before nor after."""

    def tree_digest(self, root: Path) -> str:
        """Digest over path, mode and bytes of every file that `read_tree` sees."""


class Gatekeeper(Protocol):
    """Governance: the only judge of actions."""

    def judge(self, action: Action) -> Ruling:
        """What the rules say. Never raises: what can't be judged is denied."""

    @property
    def digest(self) -> str:
        """Digest of all rules in force."""

    def explain(self, action: Action) -> list[JsonObject]:
        """Each rule with whether it matched and why."""


class Knowledge(Protocol):
    """What was learned."""

    def recall(self, query: str, *, limit: int = 5) -> JsonObject:
        """`{"experiences": […], "plans": […], "patterns": […], "priors": {…}}`, best first."""

    def patterns(self, *, kind: PatternKind | None = None) -> list[Pattern]: ...

    def pattern(self, pattern_id: str) -> Pattern:
        """One of them. Raises NotFound."""

    def opportunities(self) -> list[Opportunity]:
        """Error patterns with enough confirmations on distinct goals that nothing is open for."""

    def cases(self, opportunity: Opportunity) -> list[Case]:
        """The recorded failures behind an opportunity, at most 8."""

    def capability_stats(self) -> dict[str, JsonObject]:
        """By name: runs, successes, lower_bound, seconds_median."""

    def error_template(self, failure: JsonObject) -> str:
        """What remains of an error message when the particulars are taken out."""


class Workshop(Protocol):
    """Turns edits into drafts, judges drafts, applies approved ones; keeps the lineage."""

    def begin(self) -> None:
        """Start the history with the body as it is found; harmless when there is one."""

    def draft(self, edits: Sequence[Edit]) -> Draft:
        """Exact bytes for the edits on today's body.

        Raises Stale (hash), NotFound (target, with the nearest), Conflict (ambiguous, no-op),
        NotAllowed (out of surface), InvalidInput (does not parse).
        """

    def anchored(self, edit: Edit) -> Edit:
        """The edit with the hash of its target as the body stands. Raises NotFound, Conflict."""

    async def judge(self, draft: Draft, *, cases: Sequence[Case], replay: Replay) -> Evidence:
        """Run the gates, cheapest first, in the sandbox."""

    def apply(self, draft: Draft, *, proposal: str, message: str) -> str:
        """Write the changes all or nothing and commit; the commit id. Stale when the base moved.

        Repeating it after a crash is harmless: what is applied already is only committed.
        """

    def undo(self, proposal: str) -> str:
        """Take an applied proposal back as a new commit. Raises Conflict, Stale."""

    def redo(self, proposal: str) -> str:
        """Apply an undone proposal again as a new commit. Raises Conflict, Stale."""

    def lineage(self) -> list[JsonObject]:
        """The agent's own history, newest first: commit, proposal, message, at, tree."""

    def base_tree(self) -> str:
        """Digest of the body as it stands."""


Replay: TypeAlias = Callable[[Case, Path], Awaitable[JsonObject]]
"""Run a case again with the capabilities below the given folder: `{"ok": bool, "summary": str}`."""


class Mind(Protocol):
    """Decides; may only ask."""

    @property
    def tree(self) -> str:
        """Digest of the mind's files."""

    async def decide(self, view: JsonObject) -> JsonObject:
        """`{"path": […], "intent": {…}, "plan": {…}?, "why": str}` for one view of one run.

        Raises InvalidInput with what went wrong inside.
        """


class LanguageModel(Protocol):
    """A paid or local model."""

    name: str
    limits: ModelLimits

    async def complete(self, request: ModelRequest, *, hear: Hear | None = None) -> ModelAnswer:
        """One answer. A refusal, a cut or a full window is an answer too; see its `stop`.

        Raises ModelUnavailable (ask later), TooLong, InvalidInput (the request is at fault),
        CredentialMissing and ConfigurationInvalid (a person has to mend something).
        """

    def price(self, request: ModelRequest, *, read: int | None = None) -> float:
        """The most that this request can cost, in US dollars; never less than what it will.

        `read` are the tokens of its prompt, where they were counted; else they are reckoned.
        """

    async def count(self, request: ModelRequest) -> int | None:
        """The tokens of a prompt, for nothing; None where they can't be counted."""

    def quota(self) -> Quota:
        """What the interface said at the last answer about what is left."""


class BatchModel(Protocol):
    """A model that is asked many questions at once and answers within hours, for less.

    Everything here raises as `LanguageModel.complete` does, and NotFound for a batch that is gone.
    """

    name: str

    def price(self, requests: Mapping[str, ModelRequest]) -> float:
        """The most that all of them can cost together, in US dollars."""

    async def submit(self, requests: Mapping[str, ModelRequest]) -> str:
        """Send them, by names of one's own; the provider's id of the batch.

        Never tried twice here: after ModelUnavailable it may have arrived all the same.
        """

    async def find(
        self, names: Collection[str], *, since: float, known: Collection[str]
    ) -> Sighting:
        """Look for a batch with these names that may have arrived after `since`.

        `known` are the ids of batches that are others for sure.
        """

    async def has_ended(self, batch: str) -> bool:
        """Whether everything in it is answered, or never will be."""

    async def results(self, batch: str) -> dict[str, BatchAnswer]:
        """What came of each name, once it has ended."""

    async def cancel(self, batch: str) -> None:
        """Ask for no more; what is answered already is paid and kept."""


class Research(Protocol):
    """Finds things out."""

    def search(self, query: str, *, limit: int = 5) -> list[JsonObject]:
        """Passages with `text`, `source`, `score`, best first."""


class Fetcher(Protocol):
    """Reaches outside: public addresses only, every hop judged."""

    async def fetch(
        self, request: FetchRequest, *, allow: Callable[[str, str], None]
    ) -> FetchResponse:
        """Ask one server, and follow its redirects if the method is GET or HEAD.

        `allow(url, address)` may raise NotAllowed. It is called for the first page and for each
        redirect: with no address before the name is looked up, so that no name leaks, and with
        the address before the connection to just that address.

        Raises InvalidInput (URL, headers, an answer that is no HTTP or too long), NotAllowed
        (forbidden address, redirect to worse), Unreachable (no name, no connection, too slow).
        """


class Listener(Protocol):
    """Hears every event after it is durable."""

    def __call__(self, event: Event) -> None: ...


Events: TypeAlias = Iterator[Event]
