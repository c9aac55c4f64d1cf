"""The evidence on the screen; a gate opens and closes under the cursor."""

from __future__ import annotations

from dataclasses import replace

from textual.events import Resize

from .evidence import EvidenceRow, Seen, evidence_rows
from .ink import Row
from .rows import RowsView


class EvidenceView(RowsView):
    """All that speaks for and against one proposal."""

    DEFAULT_CSS = "EvidenceView { background: $background; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._seen = Seen(proposal={})
        self._rows: list[EvidenceRow] = []

    def show_evidence(self, seen: Seen) -> None:
        """Other evidence; what was open stays open."""
        self._seen = replace(seen, opened=self._seen.opened)
        self._lay_out()

    def toggle_gate(self) -> None:
        """Open or close the details of the gate under the cursor."""
        gate = self._rows[self.cursor].gate if self._rows else ""
        if gate:
            self._seen = replace(self._seen, opened=self._seen.opened ^ {gate})
            self._lay_out()

    @property
    def text(self) -> str:
        return "\n".join("".join(piece.text for piece in each.pieces) for each in self._rows)

    def count(self) -> int:
        return len(self._rows)

    def row(self, index: int, width: int) -> Row:
        return self._rows[index].pieces

    def on_resize(self, event: Resize) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        self._rows = evidence_rows(self._seen, self.room)
        self.changed()
