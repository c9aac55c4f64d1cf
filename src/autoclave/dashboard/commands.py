"""Everything that the palette offers; what cannot be done now says why."""

from __future__ import annotations

from typing import Any

from .choosing import Command

_PAGES = (
    ("home", "open home", "1"),
    ("goals", "open goals", "2"),
    ("activity", "open activity", "3"),
    ("knowledge", "open knowledge", "4"),
    ("research", "research a question", "5"),
    ("changes", "open changes (undo, redo)", "6"),
    ("health", "open health (doctor, incidents)", "7"),
    ("settings", "open settings, owners and secrets", "8"),
    ("new_goal", "goal new", "g"),
)


def commands_of(app: Any) -> list[Command]:
    """The page's own keys first, then places, then what waits."""
    found = _own(app) + _agent(app)
    found += [
        Command(words=words, key=key, do=lambda name=name: app.go(name))  # type: ignore[misc]
        for name, words, key in _PAGES
    ]
    found += _items(app)
    found += [
        Command(words="batch of the lowest tier", key="L", do=app.action_batch),
        Command(words="theme dark", do=lambda: _paint(app, "autoclave-dark")),
        Command(words="theme light", do=lambda: _paint(app, "autoclave-light")),
        Command(words="theme of the terminal", do=lambda: _paint(app, "autoclave-ansi-dark")),
        Command(words="help on the keys", key="?", do=app.action_help),
        Command(words="quit the dashboard (the agent goes on)", key="q", do=app.action_leave),
    ]
    return found


def _own(app: Any) -> list[Command]:
    page = app.page
    if page is None:
        return []
    found = []
    for binding in page.shown_bindings():
        action = binding.action
        if action.startswith("app.") or binding.key == "enter":
            continue
        can = page.check_action(action.partition("(")[0], ()) is not False
        found.append(
            Command(
                words=f"{page.NAME}: {binding.tooltip or binding.description}",
                key=binding.key_display or binding.key,
                do=lambda action=action: page.run_worker(page.run_action(action)),  # type: ignore[misc]
                why_not="" if can else "not as it stands",
            )
        )
    return found


def _agent(app: Any) -> list[Command]:
    pause = (app.link.report or {}).get("pause")
    return [
        Command(
            words="agent pause",
            key="p",
            do=app.action_pause,
            why_not="it is paused already" if pause else "",
        ),
        Command(
            words="agent resume",
            key="p",
            do=app.action_pause,
            why_not="" if pause else "it is not paused",
        ),
    ]


def _items(app: Any) -> list[Command]:
    needs = (app.link.report or {}).get("needs", [])
    return [
        Command(
            words=f"open {item['kind']} {item['id']}",
            do=lambda item=item: app.open_item(item["kind"], item["id"]),  # type: ignore[misc]
        )
        for item in needs
    ]


def _paint(app: Any, theme: str) -> None:
    app.theme = theme
