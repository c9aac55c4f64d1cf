"""A secret that nothing may ever read: where it comes to light, something broke out."""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..domain.errors import ConfigurationInvalid

_PREFIX = "ac-live-"
_BYTES = 24


class Canary:
    """Looks for one token, as it is and in the spellings in which it might be carried out."""

    def __init__(self, token: str) -> None:
        data = token.encode()
        # Three beginnings, because base64 of a part depends on where in the text it stands.
        shifted = (base64.b64encode(b"\0" * n + data)[4:-4] for n in range(3))
        self._spellings = (data, data[::-1], data.hex().encode(), *shifted)

    @classmethod
    def planted(cls, folder: Path) -> Canary:
        """The one of this home, which lies beside its keys; made on first use, mode 0600."""
        path = folder / "credentials"
        try:
            if not path.exists():
                _plant(path, _PREFIX + secrets.token_urlsafe(_BYTES))
            token = path.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationInvalid(f"the canary {path} cannot be read: {error}") from error
        if not token.startswith(_PREFIX) or len(token) < len(_PREFIX) + _BYTES:
            raise ConfigurationInvalid(
                f"the canary {path} was changed", hint="remove it: another one is made"
            )
        return cls(token)

    def __call__(self, value: object) -> bool:
        """Whether the token stands anywhere in `value`."""
        return any(part in text for text in _texts(value) for part in self._spellings)


def _plant(path: Path, token: str) -> None:
    """Whole or not at all; whoever comes second keeps what the first one planted."""
    beside = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(f"{token}\n")
        with contextlib.suppress(FileExistsError):
            os.link(beside, path)
    finally:
        beside.unlink()


def _texts(value: object) -> Iterator[bytes]:
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, str):
        yield value.encode("utf-8", "surrogatepass")
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _texts(key)
            yield from _texts(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _texts(each)
