"""How the agent is watched from outside: metrics, probes, notices, spans."""

from __future__ import annotations

import time
from collections.abc import Callable

from .. import __version__
from ..core.models.choosing import Models
from ..core.outbox import Outbox
from ..core.parts import Parts
from ..core.waiting import WaitingKind
from ..governance.gate import PolicyGate
from ..monitoring.custom import CustomMetrics
from ..monitoring.health import Probe
from ..research.fetching import GuardedFetcher
from ..service.channels import Channel, CommandChannel, HookChannel, server_here
from ..service.doctor_data import data_probes
from ..service.doctor_model import model_probes, ping_probe
from ..service.doctor_speed import speed_probes
from ..service.home import Home
from ..service.measures import Meter
from ..service.monitoring import Monitoring
from ..service.notify import Notifier
from ..settings import Settings
from .models import open_models, own_prices
from .stores import Stores


def open_monitoring(
    home: Home,
    settings: Settings,
    stores: Stores,
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
            *model_probes(parts.models, models, own_prices=own_prices(), money=money),
        )

    return Monitoring(
        meter=meter,
        notifier=_notifier(settings, stores),
        probes=probes,
        ping=lambda: ping_probe(lambda: open_models(settings, stores.vault.redaction)),
    )


def _notifier(settings: Settings, stores: Stores) -> Notifier:
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


def start_tracing(home: Home, settings: Settings, stores: Stores) -> Callable[[], None]:
    """Has spans sent where the settings say so; what ends that."""
    if not settings.otlp_endpoint:
        return lambda: None
    from ..monitoring.tracing import open_tracer

    tracer = open_tracer(settings.otlp_endpoint, home=str(home.root), version=__version__)
    stores.ledger.listeners.append(tracer.hear)
    return tracer.close
