"""One measured run of our journal: `ours.py FOLDER STEPS BYTES pure|verifiable|writer`."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from autoclave.core.journal import SqlJournal
from autoclave.core.redaction import Redaction
from autoclave.core.vault import Vault
from autoclave.core.writer import Writer
from autoclave.domain.canonical import JsonObject, canonical
from autoclave.domain.events import EventKind, Head, NewEvent
from autoclave.domain.folding import fold_all

_STREAM = "goal/G-0001"


def main() -> None:
    folder, steps, size, mode = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    database = folder / "journal.db"
    journal = _open(folder)
    journal.close()
    empty = database.stat().st_size
    journal = _open(folder)
    result = NewEvent(kind=EventKind.RESULT_RECORDED, payload=_result(size))
    intent = NewEvent(kind=EventKind.INTENT_RECORDED, payload=_result(size)["intent"])
    batches = [[intent], [result]] if mode == "verifiable" else [[result]]
    run = _through_the_writer if mode == "writer" else _directly
    cpu, wall = time.process_time(), time.perf_counter()
    run(journal, steps, batches)
    spent = _since(cpu, wall)
    journal.close()
    bytes_used = database.stat().st_size - empty
    print(json.dumps({**spent, "bytes": bytes_used, **_replay(folder)}))


def _directly(journal: SqlJournal, steps: int, batches: list[list[NewEvent]]) -> None:
    _, head = journal.take(_STREAM, [], actor="kernel")
    for _ in range(steps):
        for batch in batches:
            done = journal.append(_STREAM, batch, head=head, actor="kernel")
            head = Head(epoch=head.epoch, seq=done[-1].seq)


def _through_the_writer(journal: SqlJournal, steps: int, batches: list[list[NewEvent]]) -> None:
    async def work() -> None:
        writer = Writer(journal)
        _, head = await writer.take(_STREAM, [], actor="kernel")
        for _ in range(steps):
            done = await writer.append(_STREAM, batches[0], head=head, actor="kernel")
            head = Head(epoch=head.epoch, seq=done[-1].seq)
        await writer.close()

    asyncio.run(work())


def _replay(folder: Path) -> JsonObject:
    journal = _open(folder)
    cpu = time.process_time()
    events = journal.read(_STREAM)
    read = time.process_time() - cpu
    fold_all("G-0001", events)
    whole = time.process_time() - cpu
    journal.close()
    count = max(len(events), 1)
    return {"read_ms": read / count * 1e3, "replay_ms": whole / count * 1e3}


def _result(size: int) -> JsonObject:
    payload: JsonObject = {
        "intent": {"kind": "Act", "step": "s"},
        "result": {"ok": True, "text": ""},
    }
    payload["result"]["text"] = "x" * max(size - len(canonical(payload)), 0)
    return payload


def _open(folder: Path) -> SqlJournal:
    key = b"k" * 32
    vault = Vault(folder / "vault", Redaction(key, known=[f"known-secret-{n}" for n in range(3)]))
    return SqlJournal(f"sqlite:///{folder / 'journal.db'}", key, folder / "anchor", vault=vault)


def _since(cpu: float, wall: float) -> dict[str, Any]:
    return {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall}


if __name__ == "__main__":
    main()
