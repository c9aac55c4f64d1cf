"""Finds lines in the text files of the workspace."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from list_files.code import check_glob, matches, walk

MOST_BYTES = 4 << 20
LONGEST_LINE = 400
MOST_SECONDS = 20.0


async def execute(context: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    """Matching lines in file order; at most `most` are given, all are counted."""
    glob, most = inputs.get("glob", "**/*"), inputs.get("most", 200)
    check_glob(glob)
    pattern = compile_pattern(inputs)
    found: list[dict[str, Any]] = []
    count = searched = skipped = 0
    with _at_most(min(MOST_SECONDS, max(context.seconds - 1, 0.1))):
        for name in (path for path in walk(context.workspace) if matches(path, glob)):
            text = _text_of(context.workspace / name)
            searched, skipped = searched + (text is not None), skipped + (text is None)
            for number, line in _hits(pattern, text or ""):
                count += 1
                if len(found) < most:
                    found.append({"path": name, "line": number, "text": line})
    return {
        "matches": found,
        "count": count,
        "truncated": count > len(found),
        "files_searched": searched,
        "files_skipped": skipped,
    }


def compile_pattern(inputs: dict[str, Any]) -> re.Pattern[str]:
    """The expression to look for. Raises ValueError saying where it is wrong."""
    text = inputs["pattern"]
    flags = re.IGNORECASE if inputs.get("ignore_case") else re.NOFLAG
    try:
        return re.compile(text if inputs.get("regex") else re.escape(text), flags)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"{text!r} is not a regular expression: {error}") from error


def _text_of(path: Path) -> str | None:
    if path.stat().st_size > MOST_BYTES:
        return None
    data = path.read_bytes()
    return None if b"\0" in data else data.decode("utf-8", "replace")


def _hits(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if hit := pattern.search(line):
            yield number, _excerpt(line.rstrip("\r"), hit.start())


def _excerpt(line: str, start: int) -> str:
    if len(line) <= LONGEST_LINE:
        return line
    first = max(0, start - LONGEST_LINE // 2)
    return f"{'…' if first else ''}{line[first : first + LONGEST_LINE]}…"


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Interrupt a match that runs away: `re` looks for signals while it backtracks."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"the search took over {seconds:.0f} s; make the pattern simpler")

    handler = signal.signal(signal.SIGALRM, stop)
    before = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *before)
        signal.signal(signal.SIGALRM, handler)
