"""The peers' own virtual environment, made on first use, versions pinned."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PINS = ("dbos==3.4.0", "langgraph==1.2.22", "langgraph-checkpoint-sqlite==3.1.2")


def peers_python() -> tuple[Path | None, str]:
    """The interpreter that has the peers, or None and the reason why there is none."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    folder = cache / "autoclave-evals" / "journal-peers"
    python, stamp = folder / "bin" / "python", folder / "pins"
    if stamp.is_file() and stamp.read_text() == "\n".join(PINS):
        return python, ""
    try:
        _run([sys.executable, "-m", "venv", "--clear", str(folder)])
        _run([str(python), "-m", "pip", "install", "--quiet", *PINS])
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout or "").strip().splitlines()
        return None, said[-1] if said else str(error)
    stamp.write_text("\n".join(PINS))
    return python, ""


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
