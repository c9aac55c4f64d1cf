"""Settings in, agent out: the only place that names concrete classes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from . import __version__
from .capabilities import host
from .capabilities.discovery import discover
from .capabilities.integrator import Integrator
from .capabilities.registry import Registry
from .capabilities.runner import SealedToolbox
from .capabilities.trials import Trials
from .core.board import BoardProjection, find_goals, find_standing
from .core.chain import load_key
from .core.chain_watch import ChainWatch
from .core.checkpoints import Checkpoints
from .core.home_lock import HomeLock
from .core.journal import SqlJournal
from .core.journal_engine import open_engine, sqlite_url
from .core.ledger import Ledger
from .core.mind_loader import HomeMind
from .core.mind_trials import SealedTrials, health_of
from .core.models.choosing import Models, ModelSettings
from .core.outbox import Outbox
from .core.parts import Parts
from .core.redaction import Redaction, secrets_of
from .core.secrets import SecretStore
from .core.vault import Vault, still_needed
from .core.waiting import WaitingItem, WaitingKind, find_waiting
from .core.writer import Writer
from .domain.canonical import JsonObject
from .domain.ports import LanguageModel
from .domain.risk import Action, Risk, Ruling
from .domain.run import ENDED
from .domain.sealed import Tier
from .domain.standing import Standing
from .governance.approval_system import answer_upto
from .governance.attendance import check_may_ask
from .governance.canary import Canary
from .governance.components import touches_of
from .governance.credentials import verify
from .governance.gate import PolicyGate
from .governance.safety_rules import SafetyRules
from .learning.knowledge_base import KnowledgeBase
from .learning.projection import LearningProjection
from .modification.gate import MindSide
from .modification.lineage import Lineage
from .modification.workshop import LibcstWorkshop
from .monitoring.custom import CustomMetrics
from .monitoring.health import Probe
from .monitoring.live import Live
from .research.fetching import GuardedFetcher
from .research.page_text import read_page
from .research.solution_finder import LocalResearch
from .sandbox.files import SafeFiles
from .sandbox.sealed import SealedSandbox
from .service.body import Body
from .service.capability_desk import CapabilityDesk
from .service.channels import Channel, CommandChannel, HookChannel, server_here
from .service.control import Control
from .service.doctor_data import data_probes
from .service.doctor_model import model_probes, ping_probe
from .service.doctor_speed import speed_probes
from .service.goal_desk import GoalDesk
from .service.home import Home
from .service.measures import Meter
from .service.monitoring import Monitoring
from .service.notify import Notifier
from .service.running import Attendance, Running
from .service.spending import Spending
from .service.watched import WatchedJournal, WatchedSandbox
from .service.watching import Refresh, machine_of
from .settings import Settings, load_settings, settings_file

_CAPABILITIES = "capabilities"


def open_control(
    home: Home, *, settings: Settings | None = None, model: LanguageModel | None = None
) -> Control:
    """The agent over one home. Raises ConfigurationInvalid, JournalBroken, OutOfResources."""
    home.prepare()
    settings = settings or load_settings().settings
    gate = PolicyGate(SafetyRules.load(home.rules))
    live = Live(clock=time.time)
    stores = _open_stores(home, settings, live)
    # RESTRICTED is the least there is, so only a tier of risk that wants more narrows the choice.
    wants_full = any(gate.policy.terms(risk).sandbox is Tier.FULL for risk in Risk)
    least = Tier.FULL if wants_full else None
    sandbox = WatchedSandbox(base=home.scratch, warm=True, least=least, seen=live.sealed)
    fetcher = GuardedFetcher(allow_private=settings.servers_of_ones_own)
    hands = _Hands(files=SafeFiles(), sandbox=sandbox, fetcher=fetcher)
    toolbox = hands.toolbox(Registry([]))
    body = Body(home, stores.ledger, toolbox)
    integrator = Integrator(
        registry=lambda: toolbox.registry, sandbox=hands.sandbox, files=hands.files
    )
    attendance = Attendance()
    models = _models(settings, stores.vault.redaction)
    choose = models.choose if model is None else lambda asked: model
    batches = models.batches if model is None else lambda asked: None
    parts = _parts(home, stores, hands, gate=gate, body=body, choose=choose, attendance=attendance)
    parts = replace(parts, batches=batches, consolidates=settings.consolidate)
    goals = GoalDesk(parts, stores.board, budget=gate.policy.goal_budget)
    running = Running(
        parts,
        stores.board,
        goals,
        lock=lambda: HomeLock(home.lock),
        at_once=settings.goals_at_once,
        attendance=attendance,
        day_limits=lambda: asdict(gate.policy.day),
        let_go=models.aclose,
    )

    stop_tracing = _tracer(home, settings, stores)

    def close() -> None:
        stop_tracing()
        hands.sandbox.close()
        stores.close()

    return Control(
        home=home,
        parts=parts,
        writer=stores.writer,
        journal=stores.journal,
        board=stores.board,
        gate=gate,
        body=body,
        goals=goals,
        capabilities=CapabilityDesk(parts, body, integrator),
        running=running,
        checkpoints=stores.checkpoints,
        monitoring=_monitoring(home, settings, stores, parts, models, gate),
        close=close,
    )


def _monitoring(
    home: Home,
    settings: Settings,
    stores: _Stores,
    parts: Parts,
    models: Models,
    gate: PolicyGate,
) -> Monitoring:
    meter = Meter(
        home,
        stores.journal,
        stores.engine,
        standing=stores.standing,
        live=stores.live,
        custom=CustomMetrics(settings.custom_metrics),
    )

    def money() -> tuple[float, float]:
        return meter.spent_today(), gate.policy.day.usd

    def probes() -> tuple[Probe, ...]:
        return (
            *data_probes(
                stores.journal, stores.engine, parts.workshop, parts.research, vault=home.vault
            ),
            *speed_probes(home.runtime, parts.sandbox),
            *model_probes(parts.models, models, own_prices=_own_prices(), money=money),
        )

    return Monitoring(
        meter=meter,
        notifier=_notifier(settings, stores),
        probes=probes,
        ping=lambda: ping_probe(lambda: _models(settings, stores.vault.redaction)),
    )


def _own_prices() -> Path:
    return settings_file().with_name("prices.toml")


def _notifier(settings: Settings, stores: _Stores) -> Notifier:
    channels: list[Channel] = []
    if settings.notify_command:
        channels.append(CommandChannel(template=settings.notify_command))
    if settings.notify_url:
        here = server_here(settings.notify_url)
        fetcher = GuardedFetcher(allow_private=settings.servers_of_ones_own | here)
        hook = HookChannel(
            url=settings.notify_url,
            secret=settings.notify_secret,
            fetcher=fetcher,
            clock=time.time,
        )
        channels.append(hook)
    kinds = [WaitingKind(each) for each in settings.told_of]
    outbox = Outbox(stores.engine)
    return Notifier(outbox, channels, stores.waiting, kinds=kinds, clock=time.time)


def _tracer(home: Home, settings: Settings, stores: _Stores) -> Callable[[], None]:
    """Has spans sent where the settings say so; what ends that."""
    if not settings.otlp_endpoint:
        return lambda: None
    from .monitoring.tracing import open_tracer

    tracer = open_tracer(settings.otlp_endpoint, home=str(home.root), version=__version__)
    stores.ledger.listeners.append(tracer.hear)
    return tracer.close


def _models(settings: Settings, redaction: Redaction) -> Models:
    """Imported with the first goal that asks for one."""
    chosen = ModelSettings(
        model=settings.model,
        model_name=settings.model_name,
        openai_base_url=settings.openai_base_url,
        own_prices=_own_prices(),
        calls_at_once=settings.model_calls_at_once,
        requests_per_minute=settings.model_requests_per_minute,
        tokens_per_minute=settings.model_tokens_per_minute,
        record=Path(settings.model_record).expanduser() if settings.model_record else None,
        redaction=redaction,
    )
    return Models(chosen)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stores:
    """Everything over the one database."""

    journal: SqlJournal
    vault: Vault
    engine: Engine
    writer: Writer
    ledger: Ledger
    checkpoints: Checkpoints
    live: Live

    def board(self, statuses: tuple[str, ...]) -> list[dict[str, Any]]:
        with self.engine.connect() as connection:
            return find_goals(connection, statuses=statuses)

    def waiting(self) -> list[WaitingItem]:
        with self.engine.connect() as connection:
            return find_waiting(connection)

    def standing(self) -> Standing:
        with self.engine.connect() as connection:
            return find_standing(connection)

    def close(self) -> None:
        self.journal.close()
        self.engine.dispose()


def _open_stores(home: Home, settings: Settings, live: Live) -> _Stores:
    url = settings.database_url or sqlite_url(home.database).render_as_string(hide_password=False)
    key = load_key(home.key)
    projections = (BoardProjection(), LearningProjection())
    known = [*secrets_of(os.environ), *([settings.notify_secret] if settings.notify_secret else [])]
    vault = Vault(home.vault, Redaction(key, known=known))
    journal = WatchedJournal(
        url, key, home.anchor, projections=projections, vault=vault, seen=live.appended
    )
    writer = Writer(journal)
    return _Stores(
        journal=journal,
        vault=vault,
        engine=open_engine(url),
        writer=writer,
        ledger=Ledger(writer, journal),
        checkpoints=_checkpoints(home, url, key, vault),
        live=live,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hands:
    """What touches files, runs code and reaches outside."""

    files: SafeFiles
    sandbox: SealedSandbox
    fetcher: GuardedFetcher

    def toolbox(self, registry: Registry) -> SealedToolbox:
        return SealedToolbox(registry=registry, sandbox=self.sandbox, files=self.files)

    def toolbox_at(self, folder: Path) -> SealedToolbox:
        """Over the capabilities below another folder: for candidates."""
        return self.toolbox(Registry(discover([folder / "capabilities"]).manifests))


def _parts(
    home: Home,
    stores: _Stores,
    hands: _Hands,
    *,
    gate: PolicyGate,
    body: Body,
    choose: Callable[[str], LanguageModel | None],
    attendance: Attendance,
) -> Parts:
    knowledge = KnowledgeBase(stores.engine)
    mind = HomeMind(home.mind, hands.sandbox)
    trials = SealedTrials(
        stores.ledger,
        manifests=body.toolbox.manifests,
        sandbox=hands.sandbox,
        parts=lambda: parts,
    )
    machine = machine_of(home.root, lambda: gate.policy.machine)
    spending = Spending(stores.ledger, stores.board, lambda: gate.policy.day, clock=time.time)

    def may_ask(ruling: Ruling | None) -> None:
        check_may_ask(ruling, gate.policy, attended=attendance.is_attended)

    def answers_beforehand(ruling: Ruling, action: Action, up_to: Risk) -> bool:
        # Looked up each time: the rules may be read again while the agent runs.
        return answer_upto(ruling, action, up_to, most=gate.policy.approvals.yes_up_to)

    async def look() -> None:
        stores.live.went_round()
        await machine.look()

    async def body_changed(paths: tuple[str, ...], by: str) -> None:
        mind.reload()
        await body.changed(paths, by)

    parts = Parts(
        ledger=stores.ledger,
        mind=mind,
        toolbox=body.toolbox,
        toolbox_at=hands.toolbox_at,
        gate=gate,
        files=hands.files,
        sandbox=hands.sandbox,
        knowledge=knowledge,
        workshop=_workshop(home, hands, trials),
        research=LocalResearch([home.root / "docs"], knowledge=knowledge),
        models=choose,
        clock=time.time,
        capabilities_folder=home.capabilities,
        capability_host=Path(host.__file__),
        body_lock=lambda: HomeLock(home.runtime / "body.lock"),
        body_changed=body_changed,
        refresh=Refresh(body, gate, home.rules, reload_mind=mind.reload),
        touches_of=lambda paths: touches_of(paths, body_prefixes=(_CAPABILITIES, home.mind_folder)),
        answers_beforehand=answers_beforehand,
        verify=verify,
        ask_seconds=lambda risk: gate.policy.ask_seconds(risk),
        approval_seconds=gate.policy.approval_seconds(Risk.R4),
        shortage=machine.shortage,
        overload=machine.overload,
        look=look,
        standing=stores.standing,
        day=spending,
        may_ask=may_ask,
        escalation=gate.escalation,
        canary=Canary.planted(home.runtime),
        conceal=stores.vault.conceal,
        reveal=stores.vault.reveal,
        audit_gap=_audit_gap(stores),
        fetcher=hands.fetcher,
        secrets=_secrets(home, stores),
        read_page=read_page,
        mind_health=lambda: health_of(mind),
        prompts=mind.prompts,
    )
    return parts


def _audit_gap(stores: _Stores) -> Callable[[], str]:
    """Looks at the journal, and forgets secrets of goals that ended long ago on the way."""
    watch = ChainWatch(stores.journal)

    def look() -> str:
        ended = {f"goal/{row['id']}": row["updated_at"] for row in stores.board(tuple(ENDED))}
        stores.vault.prune(still_needed(ended, now=time.time()))
        return watch()

    return look


def _secrets(home: Home, stores: _Stores) -> SecretStore:
    """What people let the kernel use; from now on it is redacted wherever it stands."""
    secrets = SecretStore(home.secrets, clock=time.time)
    stores.vault.redaction.learn(secrets.values())
    return secrets


def _checkpoints(home: Home, url: str, key: bytes, vault: Vault) -> Checkpoints:
    return Checkpoints(
        home.checkpoints,
        url=url,
        key=key,
        anchor=home.anchor,
        lock=home.lock,
        bodies={"mind": home.mind, "capabilities": home.capabilities},
        conceal=vault.conceal,
    )


def _workshop(home: Home, hands: _Hands, trials: SealedTrials) -> LibcstWorkshop:
    async def run_examples(folder: Path, name: str) -> list[JsonObject]:
        registry = hands.toolbox_at(folder).registry
        trials = Trials(sandbox=hands.sandbox, files=hands.files)
        manifest = registry.get(name)
        ran = await trials.examples(manifest, dependencies=registry.closure(manifest))
        return [{"ok": each.ok, "summary": f"{each.name}: {each.why}"} for each in ran]

    return LibcstWorkshop(
        root=home.root,
        prefixes=(_CAPABILITIES,),
        mind=MindSide(folder=home.mind_folder, trials=trials),
        sandbox=hands.sandbox,
        files=hands.files,
        lineage=Lineage(home.lineage, clock=time.time),
        run_examples=run_examples,
        test_helpers=Path(host.__file__),
    )
