"""Settings in, agent out: the only place that names concrete classes."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .capabilities import host
from .capabilities.discovery import discover
from .capabilities.integrator import Integrator
from .capabilities.registry import Registry
from .capabilities.runner import SealedToolbox
from .capabilities.trials import Trials
from .core.board import BoardProjection, find_goals
from .core.chain import load_key
from .core.checkpoints import Checkpoints
from .core.home_lock import HomeLock
from .core.journal import SqlJournal
from .core.journal_engine import open_engine, sqlite_url
from .core.ledger import Ledger
from .core.mind_loader import load_mind
from .core.parts import Parts
from .core.writer import Writer
from .domain.canonical import JsonObject
from .domain.ports import LanguageModel
from .domain.proposal import Approval
from .domain.risk import Action, Risk, Ruling
from .governance.approval_system import answer_upto, grant
from .governance.canary import Canary
from .governance.components import touches_of
from .governance.gate import PolicyGate
from .governance.safety_rules import SafetyRules
from .learning.knowledge_base import KnowledgeBase
from .learning.projection import LearningProjection
from .modification.lineage import Lineage
from .modification.workshop import LibcstWorkshop
from .research.solution_finder import LocalResearch
from .sandbox.files import SafeFiles
from .sandbox.sealed import SealedSandbox
from .service.body import Body
from .service.capability_desk import CapabilityDesk
from .service.control import Control
from .service.goal_desk import GoalDesk
from .service.home import Home
from .service.running import Running
from .service.watching import Refresh, Shortage
from .settings import Settings, load_settings

_BODY = ("capabilities",)


def open_control(
    home: Home, *, settings: Settings | None = None, model: LanguageModel | None = None
) -> Control:
    """The agent over one home. Raises ConfigurationInvalid, JournalBroken, OutOfResources."""
    home.prepare()
    settings = settings or load_settings().settings
    gate = PolicyGate(SafetyRules.load(home.rules))
    url = settings.database_url or sqlite_url(home.database).render_as_string(hide_password=False)
    key = load_key(home.key)
    projections = (BoardProjection(), LearningProjection())
    journal = SqlJournal(url, key, home.anchor, projections=projections)
    engine = open_engine(url)
    writer = Writer(journal)
    ledger = Ledger(writer, journal)
    files = SafeFiles()
    sandbox = SealedSandbox(base=home.scratch, warm=True)
    toolbox = SealedToolbox(registry=Registry([]), sandbox=sandbox, files=files)
    body = Body(home, ledger, toolbox)
    integrator = Integrator(registry=lambda: toolbox.registry, sandbox=sandbox, files=files)
    knowledge = KnowledgeBase(engine)

    def toolbox_at(folder: Path) -> SealedToolbox:
        found = discover([folder / "capabilities"])
        return SealedToolbox(registry=Registry(found.manifests), sandbox=sandbox, files=files)

    def board(statuses: tuple[str, ...]) -> list[dict[str, Any]]:
        with engine.connect() as connection:
            return find_goals(connection, statuses=statuses)

    def answers_beforehand(ruling: Ruling, action: Action, up_to: Risk) -> bool:
        # Looked up each time: the rules may be read again while the agent runs.
        return answer_upto(ruling, action, up_to, most=gate.policy.approvals.yes_up_to)

    def close() -> None:
        sandbox.close()
        journal.close()
        engine.dispose()

    parts = Parts(
        ledger=ledger,
        mind=load_mind(home.mind, sandbox),
        toolbox=toolbox,
        toolbox_at=toolbox_at,
        gate=gate,
        files=files,
        sandbox=sandbox,
        knowledge=knowledge,
        workshop=_workshop(home, sandbox=sandbox, files=files, toolbox_at=toolbox_at),
        research=LocalResearch([home.root / "docs"], knowledge=knowledge),
        model=model,
        clock=time.time,
        capabilities_folder=home.capabilities,
        capability_host=Path(host.__file__),
        body_lock=lambda: HomeLock(home.runtime / "body.lock"),
        body_changed=body.changed,
        refresh=Refresh(body, gate, home.rules),
        touches_of=lambda paths: touches_of(paths, body_prefixes=_BODY),
        answers_beforehand=answers_beforehand,
        grant=_grant,
        ask_seconds=lambda risk: gate.policy.ask_seconds(risk),
        approval_seconds=gate.policy.approval_seconds(Risk.R4),
        shortage=Shortage(home.root, gate.policy.machine),
        escalation=gate.escalation,
        canary=Canary.planted(home.runtime),
    )
    goals = GoalDesk(parts, board, budget=gate.policy.goal_budget)
    running = Running(
        parts, board, goals, lock=lambda: HomeLock(home.lock), at_once=settings.goals_at_once
    )
    return Control(
        home=home,
        parts=parts,
        writer=writer,
        journal=journal,
        board=board,
        gate=gate,
        body=body,
        goals=goals,
        capabilities=CapabilityDesk(parts, body, integrator),
        running=running,
        checkpoints=_checkpoints(home, url, key),
        close=close,
    )


def _grant(subject: str, digest: str, by: str, now: float, seconds: float) -> Approval:
    nonce = secrets.token_hex(16)
    return grant(subject, digest, by=by, now=now, ttl=seconds, nonce=nonce)


def _checkpoints(home: Home, url: str, key: bytes) -> Checkpoints:
    return Checkpoints(
        home.checkpoints,
        url=url,
        key=key,
        anchor=home.anchor,
        lock=home.lock,
        bodies={"mind": home.mind, "capabilities": home.capabilities},
    )


def _workshop(
    home: Home,
    *,
    sandbox: SealedSandbox,
    files: SafeFiles,
    toolbox_at: Callable[[Path], SealedToolbox],
) -> LibcstWorkshop:
    async def run_examples(folder: Path, name: str) -> list[JsonObject]:
        registry = toolbox_at(folder).registry
        trials = Trials(sandbox=sandbox, files=files)
        manifest = registry.get(name)
        ran = await trials.examples(manifest, dependencies=registry.closure(manifest))
        return [{"ok": each.ok, "summary": f"{each.name}: {each.why}"} for each in ran]

    return LibcstWorkshop(
        root=home.root,
        prefixes=_BODY,
        sandbox=sandbox,
        files=files,
        lineage=Lineage(home.lineage, clock=time.time),
        run_examples=run_examples,
        test_helpers=Path(host.__file__),
    )
