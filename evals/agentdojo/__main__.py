"""`python -m evals.agentdojo [--limit N] [--detail]`: one JSON line per figure, minutes at most."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from .place import PIN, python

ROOT = Path(__file__).parents[2]


def main() -> None:
    try:
        program = python()
    except (OSError, subprocess.CalledProcessError) as error:
        why = f"{PIN} could not be installed: {error}"
        print(json.dumps({"eval": "agentdojo", "skipped": why}))
        return
    paths = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    command = [str(program), "-W", "ignore", "-m", "evals.agentdojo.measure", *sys.argv[1:]]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": paths}, check=False)
    raise SystemExit(done.returncode)


if __name__ == "__main__":
    main()
