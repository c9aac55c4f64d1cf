"""Requests to an agent elsewhere: JSON there and back, problems as our errors."""

from __future__ import annotations

import ipaddress
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..domain.canonical import JsonObject
from ..domain.errors import (
    AutoclaveError,
    ConfigurationInvalid,
    CredentialMissing,
    InvalidInput,
    Unreachable,
)
from .problems import error_of

if TYPE_CHECKING:
    import httpx2

_SECONDS = 30.0
_LONG_SECONDS = 900.0
"""What is judged or tried before it is answered takes its time."""
_SLOW = ("/test", "/approve", "/redo", "/undo", "checkpoints")


def check_url(url: str) -> str:
    """The URL without a slash at its end. Raises InvalidInput for one that gives the token away."""
    found = urlsplit(url)
    if found.scheme not in ("http", "https") or not found.hostname or found.username:
        raise InvalidInput(f"{url!r} is no address of an agent", hint="http://127.0.0.1:8321")
    if found.query or found.fragment:
        raise InvalidInput(f"{url!r} says more than where the agent is")
    if found.scheme == "http" and not is_here(url):
        raise InvalidInput(
            f"everybody on the way to {found.hostname} could read the token",
            hint="use https, or a tunnel: ssh -L 8321:127.0.0.1:8321 HOST",
        )
    return url.rstrip("/")


def is_here(url: str) -> bool:
    """Whether it is this machine, by its address and not by a name that others may give."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class RemoteCalls:
    """One client of one server; the library is imported with the first call."""

    def __init__(self, url: str, token: str) -> None:
        self._url = check_url(url)
        self._token = token
        self._client: httpx2.AsyncClient | None = None

    async def aclose(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def get(self, path: str, **asked: Any) -> JsonObject:
        given = {name: value for name, value in asked.items() if value not in (None, "")}
        return await self._json("GET", f"api/v1/{path}", params=given)

    async def get_text(self, path: str, **asked: str) -> str:
        answer = await self._send("GET", f"api/v1/{path}", params=asked)
        if answer.status_code >= 400:
            raise _error(answer.status_code, answer.content)
        return str(answer.text)

    async def get_health(self) -> JsonObject:
        """What `doctor` says; an agent that is not well answers too."""
        answer = await self._send("GET", "readyz", params={"verbose": ""})
        found = _object(answer.content)
        if "checks" not in found:
            raise _error(answer.status_code, answer.content)
        return found

    async def post(self, path: str, said: JsonObject, *, key: str = "") -> JsonObject:
        headers = {"idempotency-key": key} if key else {}
        timeout = _LONG_SECONDS if path.endswith(_SLOW) else _SECONDS
        return await self._json(
            "POST", f"api/v1/{path}", json=said, headers=headers, timeout=timeout
        )

    async def _json(self, method: str, path: str, **more: Any) -> JsonObject:
        answer = await self._send(method, path, **more)
        if answer.status_code >= 400:
            raise _error(answer.status_code, answer.content)
        found = _object(answer.content)
        if (version := found.pop("schema_version", None)) != 1:
            raise ConfigurationInvalid(
                f"the server at {self._url} speaks version {version!r}, this program version 1",
                hint="install the same version at both ends",
            )
        return found

    async def _send(self, method: str, path: str, **more: Any) -> httpx2.Response:
        import httpx2

        if self._client is None:
            self._client = httpx2.AsyncClient(
                base_url=self._url,
                headers={"authorization": f"Bearer {self._token}"},
                timeout=_SECONDS,
                trust_env=not is_here(self._url),
            )
        try:
            return await self._client.request(method, f"/{path}", **more)
        except httpx2.HTTPError as error:
            why = str(error) or type(error).__name__
            raise Unreachable(
                f"no answer from {self._url}: {why}", hint="does `autoclave serve` run there?"
            ) from error


def _object(data: bytes) -> JsonObject:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _error(status: int, data: bytes) -> AutoclaveError:
    """Our error that a problem document names."""
    found = _object(data)
    code, detail = str(found.get("code", "")), str(found.get("detail", ""))
    if not code:
        return Unreachable(f"the server answered {status} and not as an agent does")
    if status == 401:
        return CredentialMissing(detail, hint="autoclave token create NAME, where the home is")
    if code in ("foreign_host", "foreign_origin"):
        code = "not_allowed"
    return error_of(code, detail, hint=str(found.get("hint", "")))
