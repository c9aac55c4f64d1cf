"""The floor: one insert and one commit per step with sqlite3, WAL, synchronous FULL."""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from pathlib import Path


def main() -> None:
    folder, steps, size = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    path = folder / "raw.db"
    link = sqlite3.connect(path, isolation_level=None)
    link.execute("PRAGMA journal_mode = WAL")
    link.execute("PRAGMA synchronous = FULL")
    link.execute("CREATE TABLE steps (id INTEGER PRIMARY KEY, payload TEXT)")
    payload = json.dumps({"text": "x" * (size - 12)})
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(steps):
        link.execute("INSERT INTO steps (payload) VALUES (?)", (payload,))
    spent = {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall}
    link.close()
    cpu = time.process_time()
    rows = sqlite3.connect(path).execute("SELECT payload FROM steps ORDER BY id").fetchall()
    for (text,) in rows:
        json.loads(text)
    replay = (time.process_time() - cpu) / max(steps, 1) * 1e3
    print(json.dumps({**spent, "bytes": path.stat().st_size, "replay_ms": replay}))


if __name__ == "__main__":
    main()
