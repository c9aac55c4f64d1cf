"""A slow model for any number of goals, and what it sold to each."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from tests.servers.messages import MessagesServer
from tests.servers.seen import Seen
from tests.servers.turns import FOREVER, Reply, ToolCall, Turn

from autoclave.core.models.prices import Price
from autoclave.domain.model import Tokens

_WORDS = "I weigh what is known so far, and say it at length. "
_LENGTHS = (40, 120, 10, 80)
"""How many times over, in turn: answers are not all of one price."""
_PLAN = {"approach": "Ask what is known, again and again.", "uses": ["read_file"], "steps": []}
GOAL = "look into matter {number} and tell what is known"
_NAMED = re.compile(r"look into matter (\d+)")


def seller(*, rounds: int, delay: float) -> MessagesServer:
    """A server whose model calls `rounds` times before it claims to be done."""

    def reply(seen: Seen) -> Reply:
        if seen.purpose == "plan":
            return Reply(structured=_PLAN, delay_seconds=delay)
        made = len(seen.tool_use_ids)
        words = _WORDS * _LENGTHS[made % len(_LENGTHS)]
        call = ToolCall(name="search_knowledge", input={"query": f"matter {made}"})
        if made >= rounds:
            call = ToolCall(name="complete_task", input={"summary": "all that is known is told"})
        return Reply(text=words, tools=(call,), delay_seconds=delay, delta_chars=500)

    return MessagesServer([Turn(reply=reply, repeat=FOREVER)])


def sold(server: MessagesServer, price: Price) -> dict[str, float]:
    """US dollars by goal, as the server counts: also what nobody waited for any more."""
    found: dict[str, float] = defaultdict(float)
    for each in server.requests:
        if each.path.endswith("/messages") and each.status == 200:
            found[goal_of(each.body)] += price.usd(_tokens(each.note["usage"]))
    return dict(found)


def goal_of(body: Mapping[str, Any]) -> str:
    """The number of the goal that a request is for."""
    found = _NAMED.search(str(body["messages"][0]["content"]))
    return found[1] if found else ""


def _tokens(usage: Mapping[str, int]) -> Tokens:
    return Tokens(
        input=usage["input_tokens"],
        cache_read=usage["cache_read_input_tokens"],
        cache_write=usage["cache_creation_input_tokens"],
        output=usage["output_tokens"],
    )
