"""An owner's signature, as the dashboard gets one: from the command line that started it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from ..domain.approval import Approval, Sheet
from ..domain.errors import CredentialMissing

Sign: TypeAlias = Callable[[Sheet], Awaitable[Approval]]
"""An owner's signature under a sheet. Raises CredentialMissing."""


class TerminalNeeded(CredentialMissing):
    """The key wants a passphrase, which is asked for at the terminal itself."""


async def nobody_signs(sheet: Sheet) -> Approval:
    """For a dashboard without an owner."""
    raise CredentialMissing(
        f"nobody can sign {sheet.subject} here", hint="start the dashboard at your own terminal"
    )
