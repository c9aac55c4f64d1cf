"""Ways to tell a person that something waits: a command on this desktop, a web hook."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import os
import re
import shlex
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from ..core.outbox import Notice
from ..core.redaction import secrets_of
from ..domain.errors import ConfigurationInvalid, Transient
from ..domain.fetch import FetchRequest
from ..domain.ports import Clock, Fetcher
from ..domain.text import show_line

SCHEMA_VERSION = 1
_COMMAND_SECONDS = 10.0
_HOOK_SECONDS = 15.0
_LONGEST_TEXT = 300
_OURS = ("AUTOCLAVE_", "ANTHROPIC_", "OPENAI_")
HERE = frozenset({"localhost", "127.0.0.1", "::1"})


class NotTold(Transient):
    """The notice did not arrive."""


class Channel(Protocol):
    """One way to tell. Never waits for more than seconds."""

    @property
    def name(self) -> str: ...

    @property
    def most_attempts(self) -> int | None:
        """None: as long as the item waits."""

    async def tell(self, notice: Notice) -> None:
        """Raises NotTold, or another of our errors, when it did not arrive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandChannel:
    """Runs a program without a shell; what it is told is sanitised."""

    template: str
    """Words as a shell would split them, with {title}, {text}, {kind}, {subject}, {next}, {id}."""
    seconds: float = _COMMAND_SECONDS
    name: str = "command"
    most_attempts: int | None = 3

    async def tell(self, notice: Notice) -> None:
        words = command_words(self.template, notice)
        try:
            process = await asyncio.create_subprocess_exec(
                *words,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                env=environment_for_command(os.environ),
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise NotTold(f"{words[0]} cannot be started: {error}") from error
        said = f"{title_of(notice)}\n{text_of(notice)}\n".encode()
        try:
            async with asyncio.timeout(self.seconds):
                await process.communicate(said)
        except TimeoutError as error:
            raise NotTold(f"{words[0]} took longer than {self.seconds:g} s") from error
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        if process.returncode:
            raise NotTold(f"{words[0]} ended with {process.returncode}")


@dataclass(frozen=True, slots=True, kw_only=True)
class HookChannel:
    """Posts signed JSON to one address."""

    url: str
    secret: str
    fetcher: Fetcher
    clock: Clock
    name: str = "hook"
    most_attempts: int | None = None

    async def tell(self, notice: Notice) -> None:
        check_hook(self.url, self.secret)
        body = json.dumps(hook_body(notice), ensure_ascii=False).encode("utf-8", "replace")
        stamp = str(int(self.clock()))
        request = FetchRequest(
            method="POST",
            url=self.url,
            headers={
                "Content-Type": "application/json",
                "Autoclave-Id": notice.id,
                "Autoclave-Timestamp": stamp,
                "Autoclave-Signature": signature(self.secret, notice.id, stamp, body),
            },
            body=body,
            most_bytes=64 << 10,
            seconds=_HOOK_SECONDS,
        )
        # The address is the user's own setting; where it may lead is the fetcher's to check.
        answer = await self.fetcher.fetch(request, allow=_anywhere_it_may)
        if not 200 <= answer.status < 300:
            raise NotTold(f"the web hook answered {answer.status}")


def signature(secret: str, notice_id: str, stamp: str, body: bytes) -> str:
    """`v1=` and the HMAC-SHA256 of `ID.TIMESTAMP.BODY`, in hex."""
    signed = f"{notice_id}.{stamp}.".encode() + body
    return "v1=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def hook_body(notice: Notice) -> dict[str, object]:
    return {
        "schema_version": SCHEMA_VERSION,
        **notice.to_json(),
        "title": title_of(notice),
        "what": _clip(notice.what),
    }


def server_here(url: str) -> frozenset[str]:
    """The server on this machine that a web hook names, as `host:port`; else nothing."""
    parts = urlsplit(url)
    if parts.hostname not in HERE:
        return frozenset()
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return frozenset({f"{host}:{parts.port or {'https': 443}.get(parts.scheme, 80)}"})


def check_hook(url: str, secret: str) -> None:
    """Raise ConfigurationInvalid unless it is encrypted, or on this machine, and can be signed."""
    parts = urlsplit(url)
    is_here = parts.hostname in HERE
    if parts.scheme != "https" and not (parts.scheme == "http" and is_here):
        raise ConfigurationInvalid(
            "notify_url has to begin with https://, or to be on this machine",
            hint="for example https://example.org/hook or http://127.0.0.1:8099/hook",
        )
    if not secret:
        raise ConfigurationInvalid(
            "notify_url needs notify_secret, with which each notice is signed",
            hint="set AUTOCLAVE_NOTIFY_SECRET to a long random text",
        )


def command_words(template: str, notice: Notice) -> list[str]:
    """The argument vector. What is filled in never becomes an option or another word."""
    try:
        words = shlex.split(template)
    except ValueError as error:
        raise ConfigurationInvalid(f"notify_command cannot be read: {error}") from error
    if not words:
        raise ConfigurationInvalid("notify_command is empty")
    values = {
        "{title}": title_of(notice),
        "{text}": text_of(notice),
        "{kind}": notice.kind,
        "{subject}": _clip(notice.subject),
        "{next}": _clip(notice.next),
        "{id}": notice.id,
    }
    return [words[0], *(_filled(word, values) for word in words[1:])]


def _filled(word: str, values: Mapping[str, str]) -> str:
    """In one pass, so that a mark inside of what was put in stays what it is."""
    filled = re.sub(r"\{[a-z]+\}", lambda mark: values.get(mark[0], mark[0]), word)
    return f" {filled}" if filled.startswith("-") and not word.startswith("-") else filled


def environment_for_command(environment: Mapping[str, str]) -> dict[str, str]:
    """Without our settings and without what looks like a secret."""
    secret = set(secrets_of(environment))
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith(_OURS) and value not in secret
    }


def title_of(notice: Notice) -> str:
    said = _TITLES.get(notice.kind, notice.kind)
    return f"Autoclave: {said} ({_clip(notice.subject)})"


def text_of(notice: Notice) -> str:
    return f"{_clip(notice.what)} — {_clip(notice.next)}"


def _clip(text: str) -> str:
    shown = show_line(text)
    return shown if len(shown) <= _LONGEST_TEXT else f"{shown[: _LONGEST_TEXT - 1]}…"


def _anywhere_it_may(url: str, address: str) -> None:
    return None


_TITLES: Mapping[str, str] = {
    "question": "a goal asks",
    "proposal": "a change waits for review",
    "escalation": "stopped, a person has to look",
    "budget": "the budget is used up",
    "model": "the language model is away",
    "test": "a test notice",
}
