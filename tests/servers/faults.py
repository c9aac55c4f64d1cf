"""What a fault makes of an answer, for both wire formats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tests.servers.turns import Fault, Reply
from tests.servers.wire import Answer

_JSON = "application/json"
_BROKEN = b'{"id": "msg_broken", "type": "message", "content": [{"type": "te'


def spoil(answer: Answer, fault: Fault, *, error_frame: bytes) -> Answer:
    """The answer, failing in the fault's way."""
    answer = replace(
        answer,
        delay_seconds=answer.delay_seconds + fault.delay_seconds,
        headers={**answer.headers, **headers_of(fault)},
        note={**answer.note, "fault": fault.ways()[0]},
    )
    if fault.reset or fault.hang:
        return replace(answer, reset=fault.reset, hang=fault.hang)
    if fault.wrong_json:
        return _whole(answer, _JSON, _BROKEN)
    if fault.empty_body:
        return _whole(answer, _JSON, b"")
    if fault.content_type is not None:
        return _whole(answer, fault.content_type, b"<html><body>Bad gateway</body></html>")
    return _in_the_middle(answer, fault, error_frame)


def shorten(reply: Reply, text: str | None, fault: Fault) -> Reply:
    """The reply as it is when the tokens ran out in the middle of its text."""
    if fault.truncate_after is None or text is None:
        return reply
    cut = text[: fault.truncate_after]
    return replace(reply, structured=None, text=cut, tools=(), stop_reason="max_tokens")


def headers_of(fault: Fault) -> dict[str, str]:
    headers = dict(fault.headers)
    if fault.retry_after is not None:
        headers["retry-after"] = str(fault.retry_after)
    return headers


def _whole(answer: Answer, content_type: str, body: bytes) -> Answer:
    headers: Mapping[str, Any] = {**answer.headers, "content-type": content_type}
    return replace(answer, headers=headers, body=body, frames=None)


def _in_the_middle(answer: Answer, fault: Fault, error_frame: bytes) -> Answer:
    if answer.frames is None:
        cut = fault.cut_after_bytes
        if fault.cut_after_events is not None:
            cut = len(answer.body) // 2
        return replace(answer, cut_after_bytes=cut)
    frames = answer.frames
    if fault.cut_after_events is not None:
        sent = sum(map(len, frames[: fault.cut_after_events]))
        return replace(answer, cut_after_bytes=sent)
    if fault.ends_early_after_events is not None:
        return replace(answer, frames=frames[: fault.ends_early_after_events])
    if fault.error_after_events is not None:
        return replace(answer, frames=(*frames[: fault.error_after_events], error_frame))
    return replace(answer, cut_after_bytes=fault.cut_after_bytes)
