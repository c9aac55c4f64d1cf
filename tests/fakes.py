"""One fake per port that the loop works with; what is cheap and real (journal, files) is real."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Engine

import autoclave.mind
from autoclave.core.board import BoardProjection, find_goals, find_standing
from autoclave.core.engine import Board
from autoclave.core.journal import SqlJournal
from autoclave.core.journal_engine import open_engine
from autoclave.core.ledger import Ledger
from autoclave.core.mind_loader import LoadedMind, prompts_of, read_mind
from autoclave.core.parts import Parts
from autoclave.core.redaction import Redaction
from autoclave.core.vault import Vault
from autoclave.core.writer import Writer
from autoclave.domain.approval import Quorum
from autoclave.domain.canonical import JsonObject, digest
from autoclave.domain.capability import CapabilityResult, Failure, Manifest, Needs
from autoclave.domain.changes import ChangeSet
from autoclave.domain.errors import Conflict, NotFound
from autoclave.domain.intents import Effect
from autoclave.domain.knowledge import Case, Opportunity, Pattern, PatternKind
from autoclave.domain.ports import Broker, Replay
from autoclave.domain.proposal import Draft, Edit, Evidence
from autoclave.domain.risk import Action, ActionKind, Risk, Ruling, Verdict
from autoclave.domain.sealed import Ended, SealedResult, SealedRun, SelfTest, Tier
from autoclave.domain.standing import Standing
from autoclave.governance.credentials import verify
from autoclave.mind import decide
from autoclave.sandbox.files import SafeFiles

KEY = b"k" * 32

Execute = Callable[[JsonObject, "Path | None", str], Awaitable[JsonObject]]

PROMPTS = prompts_of(read_mind(Path(autoclave.mind.__file__).parent))
"""The instructions of the shipped mind."""


class FakeClock:
    """Port Clock: moves only when told to."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@dataclass(slots=True)
class FakeCapability:
    """A capability as a plain function; `changes` is what it would write to the workspace."""

    execute: Execute
    effect: Effect = Effect.PURE
    serves: tuple[str, ...] = ()
    inputs: JsonObject = field(default_factory=lambda: {"type": "object", "properties": {}})
    outputs: JsonObject = field(default_factory=lambda: {"type": "object", "properties": {}})
    writes: bool = False
    verify: Execute | None = None


class FakeToolbox:
    """Port Toolbox: runs functions in this process."""

    def __init__(self, **capabilities: FakeCapability) -> None:
        self.capabilities = capabilities
        self.ran: list[tuple[str, str]] = []
        """Name and key of every run, oldest first."""

    def manifests(self) -> tuple[Manifest, ...]:
        return tuple(self.manifest(name) for name in sorted(self.capabilities))

    def manifest(self, name: str) -> Manifest:
        if name not in self.capabilities:
            raise NotFound(f"there is no capability {name}")
        found = self.capabilities[name]
        return Manifest(
            name=name,
            version="1.0.0",
            purpose=f"Does {name}.",
            inputs=found.inputs,
            outputs=found.outputs,
            effect=found.effect,
            needs=Needs(workspace="write" if found.writes else "none"),
            serves=found.serves,
            folder=Path(),
            tree=digest(name),
        )

    async def run(
        self,
        name: str,
        inputs: JsonObject,
        *,
        workspace: Path | None,
        key: str,
        broker: Broker | None = None,
    ) -> CapabilityResult:
        self.manifest(name)
        self.ran.append((name, key))
        changes, failure = ChangeSet(), None
        outputs: JsonObject = {}
        try:
            outputs = await self.capabilities[name].execute(inputs, workspace, key)
            changes = outputs.pop("changes", ChangeSet())
        except ValueError as error:
            failure = Failure(
                error_class=type(error).__name__, message=str(error), where=f"code.py:{name}"
            )
        return CapabilityResult(
            outputs=outputs,
            changes=changes,
            failure=failure,
            ended=Ended.EXITED,
            log=b"",
            seconds=0.01,
            cpu_seconds=0.01,
            max_rss_bytes=1,
            tier=Tier.RESTRICTED,
        )

    async def verify(
        self, name: str, inputs: JsonObject, *, workspace: Path | None, key: str
    ) -> JsonObject | None:
        ask = self.capabilities[name].verify
        return await ask(inputs, workspace, key) if ask else None


class FakeGate:
    """Port Gatekeeper: allows everything but the kinds it was told to ask for or to deny."""

    digest = "rules"
    risk = Risk.R1
    quorum = Quorum()

    def __init__(self, *, ask: Sequence[ActionKind] = (), deny: Sequence[ActionKind] = ()) -> None:
        self._verdicts = {
            **dict.fromkeys(ask, Verdict.ASK),
            **dict.fromkeys(deny, Verdict.DENY),
        }

    def judge(self, action: Action) -> Ruling:
        verdict = self._verdicts.get(action.kind, Verdict.ALLOW)
        return Ruling(
            verdict=verdict,
            risk=self.risk,
            quorum=self.quorum,
            rules=("fake",),
            reason="because",
            action_digest=action.digest,
            rules_digest=self.digest,
        )

    def explain(self, action: Action) -> list[JsonObject]:
        return []


class FakeKnowledge:
    """Port Knowledge: knows what it was given."""

    def __init__(self, recalled: JsonObject | None = None) -> None:
        self._recalled = recalled or {"experiences": [], "plans": [], "patterns": []}
        self.found: list[Opportunity] = []

    def recall(self, query: str, *, limit: int = 5) -> JsonObject:
        return self._recalled

    def patterns(self, *, kind: PatternKind | None = None) -> list[Pattern]:
        return []

    def pattern(self, pattern_id: str) -> Pattern:
        raise NotFound(pattern_id)

    def opportunities(self) -> list[Opportunity]:
        return self.found

    def cases(self, opportunity: Opportunity) -> list[Case]:
        return []

    def capability_stats(self) -> dict[str, JsonObject]:
        return {}

    def error_template(self, failure: JsonObject) -> str:
        return str(failure["message"])


class FakeSandbox:
    """Port Sandbox for a loop whose capabilities are functions: scratch folders, no commands."""

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        with TemporaryDirectory() as folder:
            yield Path(folder)

    async def run(self, run: SealedRun) -> SealedResult:
        raise Conflict("this fake runs no commands")

    async def self_test(self) -> SelfTest:
        return SelfTest(tier=Tier.RESTRICTED, probes=(), facts={}, seconds=0.0)

    def tiers(self) -> tuple[Tier, ...]:
        return (Tier.RESTRICTED,)


class FakeWorkshop:
    """Port Workshop over a body that is only a number of applied drafts."""

    def begin(self) -> None:
        return None

    def draft(self, edits: Sequence[Edit]) -> Draft:
        raise Conflict("this fake drafts nothing")

    def anchored(self, edit: Edit) -> Edit:
        raise Conflict("this fake anchors nothing")

    async def judge(self, draft: Draft, *, cases: Sequence[Case], replay: Replay) -> Evidence:
        raise Conflict("this fake judges nothing")

    def apply(self, draft: Draft, *, proposal: str, message: str) -> str:
        raise Conflict("this fake applies nothing")

    def undo(self, proposal: str) -> str:
        raise Conflict("this fake undoes nothing")

    def redo(self, proposal: str) -> str:
        raise Conflict("this fake redoes nothing")

    def lineage(self) -> list[JsonObject]:
        return []

    def base_tree(self) -> str:
        return "base"


@dataclass(slots=True, kw_only=True)
class Loop:
    """A loop over a real journal in a folder, and everything to look into it."""

    parts: Parts
    board: Board
    toolbox: FakeToolbox
    journal: SqlJournal
    engine: Engine
    clock: Callable[[], float]

    async def add(self, text: str, **payload: Any) -> str:
        """Queue a goal as a person would; its id."""
        from autoclave.domain.events import EventKind, NewEvent

        goal = await self.parts.ledger.new_id("G")
        event = NewEvent(kind=EventKind.GOAL_ADDED, payload={"text": text, **payload})
        await self.parts.ledger.post(f"goal/{goal}", event, actor="person:test")
        return goal

    def close(self) -> None:
        self.journal.close()
        self.engine.dispose()


def open_loop(
    folder: Path,
    toolbox: FakeToolbox,
    *,
    gate: FakeGate | None = None,
    knowledge: FakeKnowledge | None = None,
    clock: Callable[[], float] | None = None,
    decide: Callable[[Any], Any] = decide,
    model: Any = None,
) -> Loop:
    """The loop over the journal in `folder`; open it again to stand for a restart."""
    clock = clock or FakeClock()
    url = f"sqlite:///{folder / 'journal.db'}"
    vault = Vault(folder / "vault", Redaction(KEY), clock=clock)
    journal = SqlJournal(
        url, KEY, folder / "anchor", projections=(BoardProjection(),), clock=clock, vault=vault
    )
    engine = open_engine(url)

    def board(statuses: tuple[str, ...]) -> list[dict[str, Any]]:
        with engine.connect() as connection:
            return find_goals(connection, statuses=statuses)

    def standing() -> Standing:
        with engine.connect() as connection:
            return find_standing(connection)

    async def refresh() -> None:
        return None

    async def body_changed(paths: tuple[str, ...], by: str) -> None:
        return None

    parts = Parts(
        ledger=Ledger(Writer(journal), journal),
        mind=LoadedMind("tree", decide, prompts=PROMPTS),
        toolbox=toolbox,
        toolbox_at=lambda folder: toolbox,
        gate=gate or FakeGate(),
        files=SafeFiles(),
        sandbox=FakeSandbox(),
        knowledge=knowledge or FakeKnowledge(),
        workshop=FakeWorkshop(),
        research=None,
        models=lambda asked: model,
        clock=clock,
        capabilities_folder=folder,
        capability_host=folder,
        body_lock=nullcontext,
        body_changed=body_changed,
        refresh=refresh,
        touches_of=lambda paths: ["capabilities"],
        answers_beforehand=lambda ruling, action, up_to: ruling.risk <= up_to,
        verify=verify,
        ask_seconds=lambda risk: 3600.0,
        approval_seconds=3600.0,
        shortage=lambda: "",
        conceal=vault.conceal,
        reveal=vault.reveal,
        standing=standing,
    )
    return Loop(
        parts=parts, board=board, toolbox=toolbox, journal=journal, engine=engine, clock=clock
    )


def properties(**types: str) -> Mapping[str, Any]:
    """An object schema with one required property per semantic type."""
    return {
        "type": "object",
        "properties": {name: {"x-type": kind} for name, kind in types.items()},
        "required": list(types),
    }
