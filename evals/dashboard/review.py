"""How soon a diff of 50,000 lines is open, and what moving about in it takes."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator

from textual.app import App, ComposeResult

from autoclave.dashboard.review.diff import read_diff
from autoclave.dashboard.review.diff_view import DiffView
from autoclave.dashboard.review.memory import Notes

LINES = 50_000
JUMPS = 200
SIZE = (120, 36)


class Page(App[None]):
    """Nothing but the diff."""

    def compose(self) -> ComposeResult:
        yield DiffView(id="diff")


def many_hunks() -> str:
    """As a large refactoring looks: every hunk with words to mark."""
    return "--- a/x.py\n+++ b/x.py\n" + "".join(_hunk(number) for number in range(LINES // 9))


def one_hunk() -> str:
    """As a new file looks."""
    lines = (f"+value_{number} = compute({number}, 'text')\n" for number in range(LINES))
    return f"--- /dev/null\n+++ b/x.py\n@@ -0,0 +1,{LINES} @@\n" + "".join(lines)


def foreign() -> str:
    """Every line outside ASCII, each with a character that has to be spelled out."""
    lines = (f"+größe_{number} = 'ä\u200bö' # {number}\n" for number in range(LINES))
    return f"--- /dev/null\n+++ b/x.py\n@@ -0,0 +1,{LINES} @@\n" + "".join(lines)


def _hunk(number: int) -> str:
    at = number * 20 + 1
    return (
        f"@@ -{at},6 +{at},6 @@\n"
        + "".join(f" same_{number}_{line} = {line}\n" for line in range(4))
        + f"-old = call({number}, True)\n-other_{number}\n"
        + f"+old = call({number}, False)\n+other_{number + 1}\n"
    )


async def measure(name: str, text: str) -> Iterator[dict[str, object]]:
    app = Page()
    async with app.run_test(size=SIZE) as pilot:
        view = app.query_one(DiffView)
        await pilot.pause()
        began, worked = time.perf_counter(), time.process_time()
        view.open_diff(text, Notes())
        view.diff.summary()
        strips = [view.render_line(y) for y in range(SIZE[1])]
        opened, worked = time.perf_counter() - began, time.process_time() - worked
        await pilot.pause()
        began = time.perf_counter()
        for jump in range(JUMPS):
            view.go_to(jump * view.count() // JUMPS, top=True)
            strips = [view.render_line(y) for y in range(SIZE[1])]
        jumped = time.perf_counter() - began
        began = time.perf_counter()
        view.turn()
        strips += [view.render_line(y) for y in range(SIZE[1])]
        turned = time.perf_counter() - began
    lines = len(read_diff(text).lines)
    return iter(
        {"figure": figure, "diff": name, "lines": lines, "seconds": round(value, 4)}
        for figure, value in (
            ("review_open", opened),
            ("review_open_cpu", worked),
            ("review_jump", jumped / JUMPS),
            ("review_turn", turned),
        )
    )


def main() -> None:
    for name, text in (("hunks", many_hunks()), ("file", one_hunk()), ("foreign", foreign())):
        for figure in asyncio.run(measure(name, text)):
            print(json.dumps(figure))


if __name__ == "__main__":
    main()
