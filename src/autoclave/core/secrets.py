"""Secrets of people: each for one host, put into single requests by the kernel, never shown."""

from __future__ import annotations

import base64
import json
import os
import re
import stat
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import quote

from ..domain.broker import SECRET_NAME, TOKEN
from ..domain.canonical import JsonObject, canonical
from ..domain.errors import ConfigurationInvalid, InvalidInput, NotAllowed, NotFound
from .durable import replace_whole
from .home_lock import HomeLock

MASK = b"[secret]"
_SHORTEST, _LONGEST = 8, 8_192
_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_PREFIX = re.compile(r"[\x20-\x7e]{0,80}")
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """One credential and the one place that it may go to."""

    name: str
    host: str
    header: str
    prefix: str
    """What stands before it in the header, such as `Bearer `."""
    value: str = field(repr=False)

    def __post_init__(self) -> None:
        if not SECRET_NAME.fullmatch(self.name):
            raise InvalidInput(f"{self.name!r} is not a name: letters, digits, _ and -")
        if not _HOST.fullmatch(self.host):
            raise InvalidInput(f"{self.host!r} is not a host name in small letters")
        if not TOKEN.fullmatch(self.header):
            raise InvalidInput(f"{self.header!r} is not the name of a header")
        if not _PREFIX.fullmatch(self.prefix):
            raise InvalidInput("the prefix has to be short and in plain characters")
        if not _SHORTEST <= len(self.value) <= _LONGEST or not _VALUE.fullmatch(self.value):
            raise InvalidInput(
                f"the value has to have {_SHORTEST} to {_LONGEST:,} plain characters on one line"
            )

    @property
    def line(self) -> str:
        """The header's value."""
        return f"{self.prefix}{self.value}"

    def mask(self, data: bytes) -> bytes:
        """`data` without the secret, as it is and in the spellings that a server may echo."""
        for spelling in self._spellings():
            data = data.replace(spelling, MASK)
        return data

    def _spellings(self) -> list[bytes]:
        """The longest first, so that none is cut by another."""
        raw = self.value.encode("ascii")
        # Three beginnings, because base64 of a part depends on where in the text it stands.
        shifted = (base64.b64encode(b"\0" * n + raw)[4:-4] for n in range(3))
        found = {raw, raw[::-1], raw.hex().encode(), quote(self.value, safe="").encode(), *shifted}
        found |= {base64.b64encode(raw), json.dumps(self.value)[1:-1].encode()}
        return sorted((each for each in found if len(each) >= _SHORTEST), key=len, reverse=True)


class SecretStore:
    """All secrets of a home, in one file that only its owner can read."""

    def __init__(self, path: Path, *, clock: Callable[[], float]) -> None:
        self._path = path
        self._clock = clock

    def put(self, secret: Secret) -> None:
        """Keep a secret under its name; one that was there is replaced."""
        with self._lock():
            kept = self._read()
            kept[secret.name] = {**asdict(secret), "set_at": self._clock()}
            self._write(kept)

    def remove(self, name: str) -> None:
        """Forget it. Raises NotFound."""
        with self._lock():
            kept = self._read()
            if name not in kept:
                raise self._missing(name)
            del kept[name]
            self._write(kept)

    def list(self) -> list[JsonObject]:
        """Everything about each of them but its value."""
        return [
            {name: value for name, value in each.items() if name != "value"}
            for _, each in sorted(self._read().items())
        ]

    def values(self) -> tuple[str, ...]:
        """The secrets themselves, to be redacted wherever they stand."""
        return tuple(str(each["value"]) for each in self._read().values())

    def for_request(self, name: str, *, host: str, header: str) -> Secret:
        """The secret, where it may go there. Raises NotFound, NotAllowed."""
        given = self._read().get(name)
        if given is None:
            raise self._missing(name)
        secret = _secret(given)
        if secret.host != host or secret.header.lower() != header.lower():
            raise NotAllowed(
                f"the secret {name} is for {secret.header} to {secret.host}, not {header} to {host}"
            )
        return secret

    def _missing(self, name: str) -> NotFound:
        return NotFound(
            f"there is no secret {name}", hint=f"autoclave secret set {name} --host HOST"
        )

    def _lock(self) -> HomeLock:
        return HomeLock(self._path.with_suffix(".lock"))

    def _read(self) -> dict[str, JsonObject]:
        try:
            handle = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._unusable(error.strerror or "it is a link") from error
        with os.fdopen(handle, "rb") as file:
            if stat.S_IMODE(os.fstat(handle).st_mode) & 0o077:
                raise self._unusable("others may read it", hint=f"chmod 600 {self._path}")
            try:
                kept: dict[str, JsonObject] = json.loads(file.read())["secrets"]
                for each in kept.values():
                    _secret(each)
            except (ValueError, LookupError, TypeError, AttributeError, InvalidInput) as error:
                raise self._unusable("it is damaged") from error
        return kept

    def _write(self, kept: dict[str, JsonObject]) -> None:
        data = canonical({"version": 1, "secrets": kept}).encode("utf-8")
        replace_whole(self._path, lambda file: file.write(data))

    def _unusable(self, why: str, *, hint: str = "") -> ConfigurationInvalid:
        return ConfigurationInvalid(
            f"the secrets in {self._path} cannot be used: {why}",
            hint=hint or "remove the file and set the secrets again",
        )


def _secret(given: JsonObject) -> Secret:
    return Secret(**{name: value for name, value in given.items() if name != "set_at"})
