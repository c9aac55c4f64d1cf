"""Work beside the screen."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from textual.dom import DOMNode
from textual.worker import Worker


def begin(
    on: DOMNode, work: Callable[[], Coroutine[Any, Any, None]], group: str, *, alone: bool = False
) -> Worker[None]:
    """Start some work; `alone` ends what else is under way in its group.

    It is given as a function: a coroutine that is ended before it began would be left lying about.
    """
    return on.run_worker(work, group=group, exclusive=alone)
