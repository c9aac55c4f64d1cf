"""What the sandbox adds to an order on macOS, and what it says about that."""

from __future__ import annotations

from collections.abc import Iterable

from . import seatbelt

NOTE = "macOS: written from Apple's documentation, never run on a Mac by us"
"""Part of every self-test there, so that nobody takes it for more."""
NO_FULL = "macOS has no namespaces"


def seal(*, readable: Iterable[str], links: Iterable[str], folder: str) -> list[str]:
    """The words before a command that run it sealed. Raises InvalidInput."""
    profile = seatbelt.profile(readable=readable, writable=folder, links=links)
    return [seatbelt.PROGRAM, "-p", profile]
