"""Starting the dashboard: how it looks, which door it has, and what is left when it ends."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..service.home import Home
from .app import Dashboard
from .glyphs import ASCII, UNICODE
from .local_door import LocalDoor
from .signature import Sign
from .themes import Scheme, choose

if TYPE_CHECKING:
    from .door import Door

_ASCII_TERMS = ("linux", "dumb", "vt100", "vt220")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How it is to be drawn."""

    ascii: bool = False
    color: bool = True
    scheme: Scheme = "auto"


def local_door(home: Home) -> Door:
    """To a home on this machine; nothing is opened yet."""
    return LocalDoor(home)  # type: ignore[return-value]


def remote_door(url: str, token: str) -> Door:
    from ..service.remote import RemoteControl
    from .remote_door import RemoteDoor

    return RemoteDoor(RemoteControl(url, token))


def run_dashboard(
    door: Door,
    look: Look,
    *,
    me: str,
    sign: Sign,
    sign_aside: Sign,
    rings: Callable[[], bool],
    drafts: Path | None = None,
) -> int:
    """Until the person leaves. What breaks is raised once the terminal is as it was."""
    if not look.color:
        os.environ["NO_COLOR"] = "1"
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    is_ascii = look.ascii or os.environ.get("TERM", "") in _ASCII_TERMS
    app = Dashboard(
        door,
        me=me,
        sign=sign,
        sign_aside=sign_aside,
        glyphs=ASCII if is_ascii else UNICODE,
        theme=choose(look.scheme, os.environ),
        rings=rings,
        drafts=drafts,
    )
    code = app.run()
    if app.broken_by is not None:
        raise app.broken_by
    return code or 0
