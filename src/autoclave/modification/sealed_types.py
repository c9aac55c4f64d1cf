"""Runs inside the sandbox: mypy on the base and then, with its cache warm, on the candidate.

Started as `python -I -B sealed_types.py` in a working folder; nothing of the kernel is imported.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

_OPTIONS = (
    "--config-file=",
    "--cache-dir=cache",
    "--no-site-packages",
    "--ignore-missing-imports",
    "--namespace-packages",
    "--explicit-package-bases",
    "--no-error-summary",
    "--hide-error-context",
    "--no-color-output",
    "--no-pretty",
    "--check-untyped-defs",
    "--disallow-untyped-defs",
    "--disallow-incomplete-defs",
    "--strict-equality",
    "--warn-unreachable",
    "--extra-checks",
)


def main() -> None:
    """Answer on descriptor 3 with what mypy said about each tree."""
    request = json.loads(sys.stdin.buffer.read())
    # mypy counts cores with it, from files under /proc that are closed in here.
    sys.modules["psutil"] = None  # type: ignore[assignment]
    code = Path("code")
    said = {}
    for side in ("base", "candidate"):
        if code.exists():
            shutil.rmtree(code)
        shutil.copytree(request[side], code, copy_function=shutil.copyfile)
        said[side] = _check(code, request)
    with open(3, "wb") as channel:
        channel.write(json.dumps(said).encode())


def _check(code: Path, request: dict[str, list[str]]) -> str:
    from mypy import api

    here = Path.cwd()
    os.chdir(code)
    try:
        names = [name for name in request["names"] if _has_code(Path(name))]
        options = [option.replace("=cache", f"={here / 'cache'}") for option in _OPTIONS]
        out, problems, _ = api.run(
            [*options, f"--python-version={request['python']}", "--exclude", "(^|/)tests/", *names]
        )
    finally:
        os.chdir(here)
    if problems:
        raise SystemExit(problems)
    return out


def _has_code(folder: Path) -> bool:
    return any(path.suffix == ".py" for path in folder.glob("*.py"))


if __name__ == "__main__":
    main()
