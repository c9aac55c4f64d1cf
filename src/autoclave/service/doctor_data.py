"""What `doctor` looks at in the data: that it can be written, and that its parts agree."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from ..core.journal_engine import WRITES, translated
from ..core.recount import MOST_EVENTS, board_differences
from ..core.vault_check import unreadable_lines
from ..domain.ports import Journal, Research, Workshop
from ..learning.integrity import orphans
from ..monitoring.health import Check, Health, Probe

_REBUILD = "`autoclave audit verify`; if the journal is whole, report this as a bug"


def data_probes(
    journal: Journal,
    engine: Engine,
    workshop: Workshop,
    research: Research | None,
    *,
    vault: Path,
) -> tuple[Probe, ...]:
    """Each of them reads; only the first one writes, and takes it back."""
    return (
        Probe(name="database", look=_aside(lambda: _database(engine))),
        Probe(name="board", look=_aside(lambda: _board(journal, engine))),
        Probe(name="knowledge", look=_aside(lambda: _knowledge(engine))),
        Probe(name="body", look=_aside(lambda: _body(workshop))),
        Probe(name="vault", look=_aside(lambda: _vault(vault))),
        Probe(name="research", look=_aside(lambda: _research(research))),
    )


def _aside(look: Callable[[], Check]) -> Callable[[], Any]:
    """In a thread: what takes its time must not stop the loop."""
    return lambda: asyncio.to_thread(look)


def _database(engine: Engine) -> Check:
    """A change that is taken back shows that the database takes changes."""
    with translated(), engine.execution_options(**{WRITES: True}).connect() as connection:
        writing = connection.begin()
        connection.exec_driver_sql("UPDATE meta SET value = value")
        writing.rollback()
    said = f"{engine.dialect.name} takes changes"
    return Check(name="database", verdict=Health.OK, detail=said)


def _board(journal: Journal, engine: Engine) -> Check:
    last = journal.last_id()
    if last > MOST_EVENTS:
        said = f"{last} events are too many to be counted again by the way"
        return Check(name="board", verdict=Health.NOT_CHECKED, detail=said)
    with translated(), engine.connect() as connection:
        wrong = board_differences(journal, connection)
    if wrong and journal.last_id() != last:
        said = "events came in meanwhile"
        return Check(name="board", verdict=Health.NOT_CHECKED, detail=said, fix="look again")
    if wrong:
        said = f"is not what the events say: {', '.join(wrong)}"
        return Check(name="board", verdict=Health.FAIL, detail=said, fix=_REBUILD)
    said = f"goals and proposals are what {last} events say"
    return Check(name="board", verdict=Health.OK, detail=said)


def _knowledge(engine: Engine) -> Check:
    with translated(), engine.connect() as connection:
        wrong = orphans(connection)
    if wrong:
        said = ", ".join(f"{number} rows of {where}" for where, number in wrong.items())
        detail = f"rows point nowhere: {said}"
        return Check(name="knowledge", verdict=Health.WARN, detail=detail, fix=_REBUILD)
    said = "every row points to one that is there"
    return Check(name="knowledge", verdict=Health.OK, detail=said)


def _body(workshop: Workshop) -> Check:
    """The newest commit of the lineage against the files."""
    history, now = workshop.lineage(), workshop.base_tree()
    if not history:
        said = "no change was kept yet"
        return Check(name="body", verdict=Health.NOT_CHECKED, detail=said)
    if history[0]["tree"] == now:
        said = f"is what commit {history[0]['commit'][:8]} says"
        return Check(name="body", verdict=Health.OK, detail=said)
    said = f"was changed by hand since commit {history[0]['commit'][:8]}"
    fix = "nothing, if that was you; it is taken in with the next start"
    return Check(name="body", verdict=Health.WARN, detail=said, fix=fix)


def _vault(path: Path) -> Check:
    lines, broken = unreadable_lines(path)
    if broken:
        said = f"{broken} of {lines} secrets can't be read: {path}"
        fix = "goals that need them will ask; set them again where you know them"
        return Check(name="vault", verdict=Health.FAIL, detail=said, fix=fix)
    return Check(name="vault", verdict=Health.OK, detail=f"{lines} secrets can be read")


def _research(research: Research | None) -> Check:
    if research is None:
        fix = "put documents below docs/"
        said = "there is nothing to search"
        return Check(name="research", verdict=Health.NOT_CHECKED, detail=said, fix=fix)
    research.search("autoclave", limit=1)
    said = "documents and lessons can be searched"
    return Check(name="research", verdict=Health.OK, detail=said)
