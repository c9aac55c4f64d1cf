"""Moving about in a review, and noting what one thinks of it. Nothing here decides anything."""

from __future__ import annotations

from ...domain.text import show_line
from . import words
from .asking import LineAsk, PickAsk, ReadAsk, TextAsk
from .diff_view import DiffView
from .frame import ReviewFrame


class Looking(ReviewFrame):
    """The keys that only look, and those that make notes."""

    # Looking around

    def action_switch(self) -> None:
        self.pane = "diff" if self.pane == "evidence" else "evidence"
        self._show_pane()

    def _to_diff(self) -> DiffView:
        if self.pane != "diff":
            self.pane = "diff"
            self._show_pane()
        return self.diff

    def action_hunk(self, step: int) -> None:
        diff = self._to_diff()
        here = diff.cursor
        row = diff.rows.next_hunk(here) if step > 0 else diff.rows.previous_hunk(here)
        self._jump(row, "no more hunks")

    def action_file(self, step: int) -> None:
        diff = self._to_diff()
        here = diff.cursor
        row = diff.rows.next_file(here) if step > 0 else diff.rows.previous_file(here)
        self._jump(row, "no more files")

    def action_next_comment(self) -> None:
        diff = self._to_diff()
        rows = sorted(diff.rows.row_of(each.at) for each in self.notes.comments if each.at >= 0)
        later = [row for row in rows if row > diff.cursor]
        self._jump(next(iter(later or rows), None), "no comments yet")

    def _jump(self, row: int | None, nothing: str) -> None:
        if row is None:
            self.say(nothing)
        else:
            self.diff.go_to(row, top=True)

    def action_files(self) -> None:
        files = self._to_diff().diff.files
        choices = [
            show_line(f"+{each.added:<4} -{each.removed:<4} {each.path or 'loose lines'}"
                      f"{'' if each.kind == 'changed' else f' ({each.kind})'}")
            for each in files
        ]  # fmt: skip

        def go(index: int | None) -> None:
            if index is not None:
                self._jump(self.diff.rows.file_rows[index], "")

        ask = PickAsk(self.diff.diff.summary(), choices, is_ascii=self._glyphs.is_ascii)
        self.app.push_screen(ask, go)

    def action_search(self) -> None:
        def find(wanted: str | None) -> None:
            self._wanted = wanted or ""
            self.action_match(1)

        is_ascii = self._glyphs.is_ascii
        self.app.push_screen(
            LineAsk("Find in the diff", text=self._wanted, is_ascii=is_ascii), find
        )

    def action_match(self, step: int) -> None:
        if self._wanted:
            diff = self._to_diff()
            row = diff.rows.find(self._wanted, diff.cursor, back=step < 0)
            self._jump(row, f"nothing in the diff holds {self._wanted!r}")

    def action_split(self) -> None:
        self._to_diff().turn()
        self.say(f"{self.diff.look} look")

    def action_details(self) -> None:
        if self.pane == "evidence":
            self.evidence.toggle_gate()

    # Noting

    def action_seen(self) -> None:
        if (place := self._to_diff().here()) and place.hunk:
            self.diff.toggle_seen(place.hunk)
            self._noted()

    def action_unwanted(self) -> None:
        if (place := self._to_diff().here()) and place.hunk:
            self.diff.toggle_unwanted(place.hunk)
            self._noted()

    def action_comment(self) -> None:
        place = self._to_diff().here()
        if place is None:
            return
        fresh = self.diff.comment_on(place, "")
        before = next((each for each in self.notes.comments if each.at == fresh.at), None)

        def keep(text: str | None) -> None:
            if text is None:
                return
            kept = [each for each in self.notes.comments if each.at != fresh.at]
            added = [self.diff.comment_on(place, text)] if text else []
            self.notes.comments = sorted([*kept, *added], key=lambda each: each.at)
            self._noted()

        ask = TextAsk(
            f"Comment on {show_line(fresh.file)}:{fresh.line}",
            [show_line(fresh.quote)],
            clock=None,
            send="keep (empty: remove)",
            text=before.text if before else "",
            is_ascii=self._glyphs.is_ascii,
        )
        self.app.push_screen(ask, keep)

    def _noted(self) -> None:
        self._memory.save()
        self.diff.refresh()
        self._draw()

    def action_help(self) -> None:
        self.app.push_screen(ReadAsk("Keys", words.HELP, is_ascii=self._glyphs.is_ascii))
