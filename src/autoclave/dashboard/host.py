"""What a page may ask of the application that shows it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

from ..domain.approval import Approval, Sheet
from .glyphs import Glyphs
from .ink import Tone
from .link import Link

if TYPE_CHECKING:
    from .door import Door


class Host(Protocol):
    """The application, as its pages know it."""

    door: Door
    me: str
    """Whoever sits here, as the record names them: `person:NAME`."""
    glyphs: Glyphs
    link: Link

    def now(self) -> float: ...

    def ticks(self) -> float:
        """Seconds of a clock that never jumps, for graces."""

    async def sign(self, sheet: Sheet) -> Approval: ...

    def say(self, text: str, tone: Tone = "") -> None:
        """A sentence above the keys, until the next one or for a while."""

    def write(self, work: Callable[[], Awaitable[object]], done: str) -> None:
        """Do something that changes the agent, in a worker; `done` is said when it is done."""

    def open_item(self, kind: str, name: str) -> None:
        """Show a goal, a question or a proposal."""

    def go(self, page: str) -> None:
        """Show one of the pages by its name."""

    def copy(self, text: str) -> None: ...

    def look_now(self) -> None:
        """Read again without waiting for the next tick."""
