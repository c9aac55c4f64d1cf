"""The same steps in a DBOS workflow on SQLite (WAL, synchronous FULL); runs in the peers' venv."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from dbos import DBOS, SetWorkflowID

FOLDER, STEPS, SIZE, MODE = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
PATH = FOLDER / "dbos.db"
SPENT: dict[str, float] = {}


@DBOS.step()
def step(number: int) -> str:
    return json.dumps({"text": "x" * (SIZE - 12)})


@DBOS.workflow()
def work() -> int:
    cpu, wall = time.process_time(), time.perf_counter()
    for number in range(STEPS):
        step(number)
    SPENT.update(cpu_s=time.process_time() - cpu, wall_s=time.perf_counter() - wall)
    if MODE == "die":
        print(json.dumps(SPENT), flush=True)
        os._exit(0)
    return STEPS


def main() -> None:
    # The journal mode stays with the file; by default DBOS keeps the slower rollback journal.
    link = sqlite3.connect(PATH)
    link.execute("PRAGMA journal_mode = WAL")
    link.close()
    config = {
        "name": "steps",
        "system_database_url": f"sqlite:///{PATH}",
        "log_level": "ERROR",
        "application_version": "1",
        "executor_id": "local",
    }
    DBOS(config=config)
    DBOS.launch()
    if MODE == "resume":
        DBOS.retrieve_workflow("w").get_result()
        print(json.dumps({"replay_s": SPENT["cpu_s"]}), flush=True)
        os._exit(0)
    with SetWorkflowID("w"):
        work()


def whole() -> None:
    """Run, die after the last step, resume: what running and what replaying took."""
    arguments = [sys.executable, __file__, str(FOLDER), str(STEPS), str(SIZE)]
    ran = json.loads(_output([*arguments, "die"]))
    resumed = json.loads(_output([*arguments, "resume"]))
    link = sqlite3.connect(PATH)
    link.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    link.close()
    replay = resumed["replay_s"] / max(STEPS, 1) * 1e3
    print(json.dumps({**ran, "bytes": PATH.stat().st_size, "replay_ms": replay}))


def _output(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()[-1]


if __name__ == "__main__":
    whole() if MODE == "pure" else main()
