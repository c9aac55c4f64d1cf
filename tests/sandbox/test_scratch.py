"""Scratch folders: there for as long as they are used, whoever tidies up beside them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from autoclave.sandbox.scratch import scratch_below

SWEEP = """
import sys
from pathlib import Path
from autoclave.sandbox.scratch import sweep
print("ready", flush=True)
while not Path(sys.argv[1], "stop").exists():
    sweep(Path(sys.argv[1]))
"""


def test_a_fresh_folder_is_never_taken_for_a_left_over(tmp_path: Path) -> None:
    """Another process sweeps all the time, also between the making and the locking."""
    command = [sys.executable, "-c", SWEEP, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as sweeper:
        assert sweeper.stdout is not None
        assert sweeper.stdout.readline() == b"ready\n"
        try:
            for _ in range(300):
                with scratch_below(tmp_path) as folder:
                    (folder / "mine").write_text("here")
                    assert (folder / "mine").exists()
        finally:
            (tmp_path / "stop").touch()
