"""Secrets, as people set them, name them and forget them."""

from __future__ import annotations

from ..core.secrets import Secret, SecretStore
from ..domain.canonical import JsonObject
from ..domain.errors import NotServed


class SecretDesk:
    """What Control offers of the store; no answer holds a value."""

    def __init__(self, store: SecretStore | None) -> None:
        self._kept = store

    def set(self, name: str, value: str, *, host: str, header: str, prefix: str) -> JsonObject:
        """Keep a secret for one host. Raises InvalidInput."""
        secret = Secret(name=name, host=host.lower(), header=header, prefix=prefix, value=value)
        self._store.put(secret)
        return next(each for each in self.list() if each["name"] == name)

    def list(self) -> list[JsonObject]:
        return self._store.list()

    def remove(self, name: str) -> JsonObject:
        """Forget one. Raises NotFound."""
        self._store.remove(name)
        return {"name": name, "removed": True}

    @property
    def _store(self) -> SecretStore:
        if self._kept is None:
            raise NotServed("this home keeps no secrets")
        return self._kept
