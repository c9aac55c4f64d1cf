"""Text from tests made plain: no escapes, no control characters, no scratch paths."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")
_LONGEST = 500


def one_line(text: str, root: Path, *, lines: int = 3) -> str:
    """At most a few lines, joined, as plain characters."""
    text = _ESCAPES.sub("", text).replace(f"{root}/", "")
    kept = [line.strip() for line in text.splitlines() if line.strip()][:lines]
    plain = " | ".join(kept)
    plain = "".join(c for c in plain if unicodedata.category(c)[0] != "C")
    return plain if len(plain) <= _LONGEST else f"{plain[:_LONGEST]}…"
