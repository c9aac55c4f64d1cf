"""Reading the journal as it grows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeAlias

from ..domain.canonical import JsonObject

Page: TypeAlias = Callable[[int, int, str], Awaitable[list[JsonObject]]]
"""`history` of Control: after which id, how many at most, of which stream."""

PAGE = 500
_LOOK_AGAIN_SECONDS = 0.5


async def follow(page: Page, after: int, *, stream: str = "") -> AsyncIterator[JsonObject]:
    """Every event after that one, for ever.

    Other processes write to the journal too, so it looks again and again.
    """
    while True:
        found = await page(after, PAGE, stream)
        for event in found:
            yield event
        after = found[-1]["id"] if found else after
        if len(found) < PAGE:
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
