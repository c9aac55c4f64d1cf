"""The dashboard without a terminal: what is on its screen as JSON lines, keys the same way back.

A frame holds the rows that changed since the last one, at most five in a second and none while
nothing changes. Whoever shows it elsewhere sets text as text: there is no markup in a frame.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from rich.color import Color
from rich.style import Style
from textual._context import visible_screen_stack
from textual.drivers.headless_driver import HeadlessDriver
from textual.events import Key, Paste, Resize
from textual.geometry import Size
from textual.keys import _character_to_key
from textual.screen import Screen
from textual.strip import Strip

from ..domain.approval import Approval, Sheet
from ..domain.canonical import JsonObject
from ..domain.errors import CredentialMissing, InvalidInput
from ..service.limited_door import LimitedDoor
from ..service.tokens import Role
from .app import Dashboard
from .door import Door
from .glyphs import UNICODE

FRAME_SECONDS = 0.2
SMALLEST, LARGEST = (20, 5), (300, 120)
_LONGEST_LINE = 1 << 20
_LONGEST_PASTE = 10_000
_KEY = re.compile(r"[a-z0-9_+]{1,40}")
_MARKS = {"bold": "b", "italic": "i", "underline": "u", "strike": "s"}

Span: TypeAlias = list[int | str]
"""Cells before it, cells it takes, text, colour, ground, marks."""


class MirroredDashboard(Dashboard):
    """The application, which also says that it drew something."""

    def __init__(self, door: Door, **more: Any) -> None:
        super().__init__(door, **more)
        self.drew = asyncio.Event()

    def _display(self, screen: Screen[object], renderable: Any) -> None:
        super()._display(screen, renderable)
        self.drew.set()

    def rows(self) -> list[list[Span]]:
        """What stands on the screen, row by row."""
        with self._context():  # what is drawn here for the first time asks whose it is
            visible_screen_stack.set(self._background_screens)
            return [_spans(strip) for strip in self.screen._compositor.render_strips()]

    def handle(self, said: JsonObject) -> None:
        """A key, a paste or a size. What has another form is passed over."""
        if (character := said.get("text")) is not None or "key" in said:
            self._press(said.get("key"), character)
        elif isinstance(pasted := said.get("paste"), str):
            self.post_message(Paste(pasted[:_LONGEST_PASTE]))
        elif "size" in said:
            size = Size(*checked_size(said["size"]))
            if isinstance(self._driver, HeadlessDriver):
                self._driver._size = size
            self.post_message(Resize(size, size))

    def _press(self, key: object, character: object) -> None:
        if isinstance(character, str) and len(character) == 1 and character.isprintable():
            self.post_message(Key(_character_to_key(character), character))
        elif isinstance(key, str) and _KEY.fullmatch(key):
            self.post_message(Key(key, None))


def run_mirror(door: Door, *, workspaces: tuple[Path, ...] = ()) -> int:
    """Until whoever looks is gone or leaves. The first line says who it is and what they may."""
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    # Whatever else prints must not stand between the frames.
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return asyncio.run(_mirror(door, workspaces, out))


async def _mirror(door: Door, workspaces: tuple[Path, ...], out: Any) -> int:
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader(limit=_LONGEST_LINE)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    start = json.loads(await lines.readline())
    app = MirroredDashboard(
        LimitedDoor(door, Role(start["role"]), workspaces=workspaces),
        me=start["me"],
        sign=no_signing_here,
        glyphs=UNICODE,
        theme="autoclave-light" if start.get("light") else "autoclave-dark",
        rings=lambda: False,
    )
    helpers = [
        asyncio.create_task(_hear(app, lines)),
        asyncio.create_task(_show(app, out)),
    ]
    for helper in helpers:
        helper.add_done_callback(lambda _: app.exit(0))
    try:
        code = await app.run_async(headless=True, size=checked_size(start["size"]), mouse=False)
    finally:
        for helper in helpers:
            helper.cancel()
        ends = await asyncio.gather(*helpers, return_exceptions=True)
    broken = [app.broken_by, *(end for end in ends if isinstance(end, Exception))]
    if bugs := [each for each in broken if each and not isinstance(each, BrokenPipeError)]:
        raise bugs[0]
    return code or 0


async def _hear(app: MirroredDashboard, lines: asyncio.StreamReader) -> None:
    while line := await lines.readline():
        with contextlib.suppress(ValueError, TypeError, InvalidInput):
            app.handle(json.loads(line))


async def _show(app: MirroredDashboard, out: Any) -> None:
    """Frames as they come. A pipe that is full holds the next one back, not the screen."""
    last: list[list[Span]] = []
    while True:
        await app.drew.wait()
        app.drew.clear()
        now = app.rows()
        if frame := frame_of(last, now):
            said = {"size": list(app.size), "title": app.title, "rows": frame}
            line = json.dumps(said, separators=(",", ":"), ensure_ascii=False) + "\n"
            await asyncio.to_thread(out.write, line.encode("utf-8", "replace"))
        last = now
        await asyncio.sleep(FRAME_SECONDS)


def frame_of(last: list[list[Span]], now: list[list[Span]]) -> Mapping[str, list[Span]]:
    """The rows that are not as they were, by their number."""
    whole = len(last) != len(now)
    return {str(y): row for y, row in enumerate(now) if whole or row != last[y]}


def checked_size(said: object) -> tuple[int, int]:
    """Columns and rows, brought into bounds. Raises InvalidInput."""
    match said:
        case [int(columns), int(rows)]:
            return (
                min(max(columns, SMALLEST[0]), LARGEST[0]),
                min(max(rows, SMALLEST[1]), LARGEST[1]),
            )
    raise InvalidInput("a size is two whole numbers: columns and rows")


async def no_signing_here(sheet: Sheet) -> Approval:
    """An owner's key is on the owner's machine, and a browser gets no use of it."""
    yes = f"autoclave proposal approve {sheet.subject} --hash {sheet.digest[:12]}"
    if "/" in sheet.subject:
        goal = sheet.subject.partition("/")[0]
        yes = f"autoclave goal answer {goal} yes --hash {sheet.digest[:12]}"
    raise CredentialMissing(
        f"a yes to {sheet.subject} takes an owner's signature, and no browser gives one",
        hint=f"at a terminal: {yes}",
    )


def _spans(strip: Strip) -> list[Span]:
    spans: list[Span] = []
    x = 0
    for segment in strip.simplify():
        width = segment.cell_length
        if width and not segment.control:
            spans.append([x, width, segment.text, *_look(segment.style)])
        x += width
    return spans


def _look(style: Style | None) -> tuple[str, str, str]:
    if style is None:
        return "", "", ""
    color, ground = _hex(style.color, is_text=True), _hex(style.bgcolor, is_text=False)
    if style.reverse:
        color, ground = ground, color
    marks = "".join(mark for name, mark in _MARKS.items() if getattr(style, name))
    return color, ground, marks


def _hex(color: Color | None, *, is_text: bool) -> str:
    return "" if color is None else color.get_truecolor(foreground=is_text).hex
