"""The first page: what a returning person needs to know in five seconds."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical

from ..ink import Line
from ..lines import Paper, Rows
from ..link import Link
from ..needs import Needs
from ..page import Page, retitle
from ..views import home


class HomePage(Page):
    """State, goal, now, needs you, last hour."""

    NAME = "home"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open", key_display="Enter"),
        Binding("g", "app.go('new_goal')", "goal"),
        Binding("p", "app.pause", "pause"),
        Binding("y", "copy", "copy"),
        Binding("2", "app.go('goals')", "goals"),
        Binding("3", "app.go('activity')", "activity"),
        Binding("6", "app.go('changes')", "changes"),
    ]

    _needs = Needs()

    def content(self) -> ComposeResult:
        yield Paper(id="home-sentence", most=7)
        with Container(classes="columns"):
            with Vertical(classes="main"):
                yield _part(Paper(id="home-goal", most=5), "Goal")
                yield _part(Rows(id="needs", empty="Reading …"), "Needs you")
                yield _part(Paper(id="home-below", wraps=False), "Just now")
            with Vertical(classes="side"):
                yield _part(Paper(id="home-now", most=6), "Now")
                yield _part(Paper(id="home-hour", most=3), "Last hour")
                yield _part(Paper(id="home-recent", wraps=False), "Just now")

    def on_mount(self) -> None:
        self.query_one("#needs").focus()
        super().on_mount()

    def update_page(self, link: Link) -> None:
        report, now, glyphs = link.report, self.host.now(), self.host.glyphs
        said = [each for each in (self.sentence(),) if each]
        rows = self.query_one("#needs", Rows)
        if report is None:
            self._say_first(said)
            return
        is_first = home.is_first_start(report)
        self._say_first([*(home.first_lines() if is_first else ()), *said])
        self._needs = self._needs.seen(report["needs"], kept=rows.cursor)
        if is_first:
            rows.show(home.example_rows())
        else:
            empty = home.nothing_waits(report, now=now)
            rows.show(home.need_rows(self._needs, glyphs, now=now), empty=empty)
        count = self._needs.waiting
        title = f"Needs you ({count})" if count else "Needs you"
        retitle(rows, "Safe goals to begin with" if is_first else title)
        self.query_one("#home-goal", Paper).show(home.goal_lines(report, now=now))
        self.query_one("#home-now", Paper).show(home.now_lines(report, now=now))
        hour = home.hour_lines(report, glyphs)
        self.query_one("#home-hour", Paper).show(hour)
        recent = home.recent_lines(report, glyphs)
        self._show_newest("#home-recent", recent)
        self._show_newest("#home-below", recent)

    def action_open(self) -> None:
        self.query_one("#needs", Rows).action_choose()

    def action_copy(self) -> None:
        self.host.copy(self.query_one("#needs", Rows).cursor.partition(":")[2])

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        kind, _, name = event.key.partition(":")
        if event.key in self._needs.gone:
            self.host.say(f"{name} no longer needs you")
        else:
            self.host.open_item(kind, name)

    def _say_first(self, lines: list[Line]) -> None:
        paper = self.query_one("#home-sentence", Paper)
        paper.show(lines)
        paper.display = bool(lines)

    def _show_newest(self, name: str, lines: list[Line]) -> None:
        paper = self.query_one(name, Paper)
        paper.show(lines[-max(paper.size.height, 1) :])


def _part(widget: Paper | Rows, title: str) -> Paper | Rows:
    widget.add_class("part")
    widget.border_title = title
    return widget
