"""Looks a name up once, in a thread of its own, within a time limit."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Sequence
from typing import TypeAlias

from ..domain.errors import Unreachable

Resolve: TypeAlias = Callable[[str, int], Sequence[str]]
"""Host and port in, its addresses out, best first. Blocks; raises OSError."""
_AT_ONCE = threading.BoundedSemaphore(16)


def system_addresses(host: str, port: int) -> list[str]:
    """What the machine's own resolver says."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def look_up(resolve: Resolve, host: str, port: int) -> list[str]:
    """Every address of a host. Raises Unreachable when there is none.

    The thread is nobody's to wait for: a resolver that hangs must not hold up the end of a loop.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[str]] = loop.create_future()

    def tell(found: list[str] | OSError | UnicodeError) -> None:
        if answer.done():
            return
        if isinstance(found, list):
            answer.set_result(found)
        else:
            answer.set_exception(found)

    def work() -> None:
        found: list[str] | OSError | UnicodeError
        try:
            found = list(resolve(host, port))
        except (OSError, UnicodeError) as error:
            found = error
        finally:
            _AT_ONCE.release()
        with contextlib.suppress(RuntimeError):  # the loop has ended in the meantime
            loop.call_soon_threadsafe(tell, found)

    if not _AT_ONCE.acquire(blocking=False):
        raise Unreachable("too many names are being looked up", hint="try again in a minute")
    threading.Thread(target=work, name="look-up", daemon=True).start()
    try:
        addresses = await answer
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"{host} cannot be looked up: {error}") from error
    if not addresses:
        raise Unreachable(f"{host} has no address")
    return addresses
