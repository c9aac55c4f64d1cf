"""AgentDojo's own virtual environment, made on first use, version pinned."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

PIN = "agentdojo==0.1.35"


def python() -> Path:
    """The interpreter that has it. Raises CalledProcessError when it cannot be installed."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    folder = cache / "autoclave-evals" / "agentdojo"
    program, stamp = folder / "bin" / "python", folder / "pin"
    if not stamp.is_file() or stamp.read_text() != PIN:
        venv.create(folder, with_pip=True, clear=True)
        install = [str(program), "-m", "pip", "install", "--quiet", PIN]
        subprocess.run(install, check=True, stdout=sys.stderr)
        stamp.write_text(PIN)
    return program
