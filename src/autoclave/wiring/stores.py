"""Everything over the one database of a home."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine

from ..core.board import BoardProjection, find_goals, find_standing
from ..core.chain import load_key
from ..core.chain_watch import ChainWatch
from ..core.checkpoints import Checkpoints
from ..core.journal import SqlJournal
from ..core.journal_engine import open_engine, sqlite_url
from ..core.ledger import Ledger
from ..core.redaction import Redaction, secrets_of
from ..core.secrets import SecretStore
from ..core.vault import Vault, still_needed
from ..core.waiting import WaitingItem, find_waiting
from ..core.writer import Writer
from ..domain.run import ENDED
from ..domain.standing import Standing
from ..learning.projection import LearningProjection
from ..monitoring.live import Live
from ..service.home import Home
from ..service.watched import WatchedJournal
from ..settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
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


def open_stores(home: Home, settings: Settings, live: Live) -> Stores:
    url = settings.database_url or sqlite_url(home.database).render_as_string(hide_password=False)
    key = load_key(home.key)
    projections = (BoardProjection(), LearningProjection())
    known = [*secrets_of(os.environ), *([settings.notify_secret] if settings.notify_secret else [])]
    vault = Vault(home.vault, Redaction(key, known=known))
    journal = WatchedJournal(
        url, key, home.anchor, projections=projections, vault=vault, seen=live.appended
    )
    writer = Writer(journal)
    return Stores(
        journal=journal,
        vault=vault,
        engine=open_engine(url),
        writer=writer,
        ledger=Ledger(writer, journal),
        checkpoints=_checkpoints(home, url, key, vault),
        live=live,
    )


def audit_gap(stores: Stores) -> Callable[[], str]:
    """Looks at the journal, and forgets secrets of goals that ended long ago on the way."""
    watch = ChainWatch(stores.journal)

    def look() -> str:
        ended = {f"goal/{row['id']}": row["updated_at"] for row in stores.board(tuple(ENDED))}
        stores.vault.prune(still_needed(ended, now=time.time()))
        return watch()

    return look


def open_secrets(home: Home, stores: Stores) -> SecretStore:
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
