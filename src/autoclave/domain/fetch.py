"""One request to the outside and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchRequest:
    """What is asked of a server, and the most that the answer may take."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    """They may carry a secret, so they never follow a redirect to another origin."""
    body: bytes = b""
    most_bytes: int = 2 << 20
    """Of the body, unpacked. What would be longer is refused, not cut."""
    seconds: float = 30
    """For everything: looking the name up, every redirect, the last byte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchResponse:
    """What a server answered. All of it is untrusted text."""

    status: int
    url: str
    """Of the page that answered, after all redirects, in its one spelling."""
    headers: dict[str, str]
    """Names in small letters; repeated ones joined by a comma."""
    body: bytes
    """Unpacked."""
    address: str
    """The address that was checked and connected to."""
    redirects: tuple[str, ...]
    """The pages that pointed on, in order."""
