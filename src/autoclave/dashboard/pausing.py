"""Stopping the whole agent and letting it go on."""

from __future__ import annotations

from typing import Any

from .dialogs import AskText
from .ink import line
from .link import Link


def pause_or_resume(app: Any, link: Link) -> None:
    """Ask why, then do it. After an escalation the reason is a must."""
    pause = (link.report or {}).get("pause")
    if pause is None:
        dialog = AskText(
            "Pause the agent?",
            [line("It finishes the step that is under way and begins nothing new.")],
            send="pause",
            needed=False,
        )
        app.push_screen(dialog, lambda reason: _pause(app, reason))
        return
    is_alarm = pause["code"] == "escalated"
    by = pause["by"].removeprefix("person:")
    lines = [line(f"Paused by {by}: {pause['reason'] or 'no reason given'}")]
    dialog = AskText("Let the agent go on?", lines, send="go on", needed=is_alarm)
    app.push_screen(dialog, lambda reason: _resume(app, reason))


def _pause(app: Any, reason: str | None) -> None:
    if reason is not None:
        app.write(lambda: app.door.pause_agent(reason, by=app.me), "the agent is paused")


def _resume(app: Any, reason: str | None) -> None:
    if reason is not None:
        app.write(lambda: app.door.resume_agent(reason, by=app.me), "the agent goes on")
