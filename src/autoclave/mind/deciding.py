"""The one entry: which intent follows from a view."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .executing import execute
from .improving import modify
from .learning import learn
from .planning import plan
from .recovery import go_on
from .views import Reply, View, reply


def decide(view: View) -> Reply:
    """The next intent of a run. Pure: the same view gives the same answer."""
    return _BY_STATE[view["run"]["state"]](view)


def _start(view: View) -> Reply:
    return reply(
        {"kind": "Recall", "query": view["run"]["text"]},
        path=("PLANNING",),
        why="see what is known about goals like this",
    )


_BY_STATE: Mapping[str, Callable[[View], Reply]] = {
    "IDLE": _start,
    "PLANNING": plan,
    "EXECUTING": execute,
    "RECOVERING": go_on,
    "LEARNING": learn,
    "MODIFYING": modify,
}
