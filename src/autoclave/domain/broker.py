"""What a running capability may ask the kernel for: a closed set of calls, read strictly."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypeAlias

from .canonical import JsonObject, digest
from .errors import AutoclaveError, InvalidInput
from .strict_json import read_object

MOST_BODY = 512 << 10
MOST_ANSWER = 1 << 20
"""Bytes of an answer as JSON."""
READING = frozenset({"GET", "HEAD"})
"""Methods that change nothing at the other end."""
PLAIN_HEADERS = frozenset({"accept", "accept-language", "if-modified-since", "if-none-match"})
"""Headers that say which form of a page is wanted, and nothing else."""
MOST_PLAIN = 160
"""Characters in all of their values: in more of them something could be carried out."""
USUAL_PORTS: Mapping[str, int] = MappingProxyType({"https": 443, "http": 80})

_METHODS = READING | {"POST", "PUT", "PATCH", "DELETE"}
_MOST_TEXT, _MOST_HEADER, _MOST_HEADERS, _MOST_MESSAGES = 2_000, 1_000, 20, 100
_LONGEST_URL = 2_048
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?(?P<target>[/?][A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]*)?"
)
_HOST_PART = re.compile(r"https?://[^/?#]*", re.IGNORECASE)
TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,80}")
_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?|")
SECRET_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,59}")
_KERNELS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "host", "content-length", "connection"}
    | {"transfer-encoding", "upgrade", "te", "trailer", "expect", "keep-alive", "accept-encoding"}
)
"""Headers that belong to the kernel: credentials, and how a message is framed."""


class CallKind(StrEnum):
    """The names of the calls, as a capability writes them."""

    RECALL = "knowledge.recall"
    MODEL = "model.complete"
    NETWORK = "network.request"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallCall:
    """What is known about something."""

    query: str
    limit: int = 5

    def __post_init__(self) -> None:
        _check_length("query", self.query, least=1)
        _check_range("limit", self.limit, 1, 50)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCall:
    """One answer of a language model."""

    messages: list[JsonObject]
    """`{"role": "user" | "assistant", "content": str}`, oldest first."""
    system: str = ""
    schema: JsonObject = field(default_factory=dict)
    most_tokens: int = 1024

    def __post_init__(self) -> None:
        _check_range("most_tokens", self.most_tokens, 1, 32_000)
        _check_range("the number of messages", len(self.messages), 1, _MOST_MESSAGES)
        for message in self.messages:
            _check_message(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkCall:
    """One request to one server."""

    url: str
    method: str = "GET"
    headers: JsonObject = field(default_factory=dict)
    body: str = ""
    """In base64."""
    secret: str = ""
    """The name of a secret of the manifest. The kernel puts it in; the capability never sees it."""

    def __post_init__(self) -> None:
        Place.of(self.url)
        if self.method not in _METHODS:
            raise InvalidInput(f"the method {self.method!r} is none of {', '.join(_sorted())}")
        if self.secret and not SECRET_NAME.fullmatch(self.secret):
            raise InvalidInput(f"{self.secret!r} is not the name of a secret")
        _check_headers(self.headers)
        _check_body(self.method, self.data)

    @property
    def place(self) -> Place:
        return Place.of(self.url)

    @property
    def data(self) -> bytes:
        """The body itself."""
        try:
            return base64.b64decode(self.body, validate=True)
        except (ValueError, binascii.Error) as error:
            raise InvalidInput(f"body: not base64: {error}") from error

    @property
    def reads_only(self) -> bool:
        """It asks for a page and sends nothing of its own along, but what the URL says."""
        is_plain = {name.lower() for name in self.headers} <= PLAIN_HEADERS
        said = sum(len(value) for value in self.headers.values())
        return self.method in READING and is_plain and said <= MOST_PLAIN


Call: TypeAlias = RecallCall | ModelCall | NetworkCall

KINDS: Mapping[CallKind, type[Any]] = MappingProxyType(
    {CallKind.RECALL: RecallCall, CallKind.MODEL: ModelCall, CallKind.NETWORK: NetworkCall}
)
_NAMES = {cls: kind for kind, cls in KINDS.items()}
_FORMS: Mapping[str, type] = {"str": str, "int": int, "JsonObject": dict, "list[JsonObject]": list}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a URL leads, in one reading of it."""

    scheme: str
    host: str
    port: int
    url: str
    """The URL with its host in small letters."""

    @classmethod
    def of(cls, url: str) -> Place:
        """Raises InvalidInput for every URL that two programs could read in two ways."""
        if len(url) > _LONGEST_URL:
            raise InvalidInput(f"url: {len(url)} characters; the most is {_LONGEST_URL}")
        small = _HOST_PART.sub(lambda found: found[0].lower(), url, count=1)
        form = _URL.fullmatch(small)
        if form is None or ".." in form["host"] or int(form["port"] or 1) > 65_535:
            raise InvalidInput(
                f"url: {url[:200]!r} is not https://HOST/PATH in plain characters",
                hint="leave out users and fragments; escape other characters with %",
            )
        usual = USUAL_PORTS[form["scheme"]]
        port = int(form["port"] or usual)
        return cls(scheme=form["scheme"], host=form["host"], port=port, url=small)


def kind_of(call: Call) -> CallKind:
    return _NAMES[type(call)]


def to_json(call: Call) -> JsonObject:
    """The call as a JSON object with its name."""
    return {"call": str(kind_of(call)), **asdict(call)}


def digest_of(call: Call) -> str:
    """What makes it the same call when a capability is run again."""
    return digest(to_json(call))


def told_apart(call: Call) -> JsonObject:
    """The call for the journal: what it was about, long contents only by their size."""
    match call:
        case RecallCall():
            return to_json(call)
        case ModelCall():
            sizes = [len(each["content"]) for each in call.messages]
            return {"call": str(CallKind.MODEL), "sizes": sizes, "most_tokens": call.most_tokens}
        case NetworkCall():
            return {
                "call": str(CallKind.NETWORK),
                "method": call.method,
                "url": call.url,
                "headers": sorted(call.headers),
                "bytes": len(call.data),
                "secret": call.secret,
            }


def parse_call(data: bytes) -> Call:
    """The call that a capability's bytes stand for. Raises InvalidInput, and nothing else."""
    given = read_object(data, what="the call")
    name = given.pop("call", None)
    if not isinstance(name, str) or name not in frozenset(CallKind):
        raise InvalidInput(f"{str(name)[:80]!r} is not a call; there is {', '.join(CallKind)}")
    cls = KINDS[CallKind(name)]
    known = {each.name: each for each in fields(cls)}
    if unknown := sorted(given.keys() - known.keys()):
        raise InvalidInput(f"{name} has no field {unknown[0][:80]!r}")
    for key, value in given.items():
        _check_form(key, value, str(known[key].type))
    if missing := [name for name in known if name not in given and _is_needed(known[name])]:
        raise InvalidInput(f"{name} needs {missing[0]!r}")
    call: Call = cls(**given)
    return call


def told(value: JsonObject) -> JsonObject:
    """A call that was served, as the capability hears of it."""
    return {"ok": value}


def refused(error: AutoclaveError) -> JsonObject:
    """A call that was not, as the capability hears of it."""
    return {"refused": {"error_class": type(error).__name__, "message": error.message[:2_000]}}


def _is_needed(each: Any) -> bool:
    return each.default is MISSING and each.default_factory is MISSING


def _check_form(name: str, value: object, wanted: str) -> None:
    if isinstance(value, bool) or not isinstance(value, _FORMS[wanted]):
        raise InvalidInput(f"{name} must be {wanted}, not {type(value).__name__}")


def _check_message(message: object) -> None:
    if not isinstance(message, dict) or message.keys() != {"role", "content"}:
        raise InvalidInput("a message has `role` and `content`, and nothing else")
    if message["role"] not in ("user", "assistant"):
        raise InvalidInput("the role of a message is user or assistant")
    if not isinstance(message["content"], str) or not message["content"]:
        raise InvalidInput("the content of a message is a text that is not empty")


def _check_headers(headers: JsonObject) -> None:
    _check_range("the number of headers", len(headers), 0, _MOST_HEADERS)
    if len({name.lower() for name in headers}) != len(headers):
        raise InvalidInput("headers: a name twice")
    for name, value in headers.items():
        if not TOKEN.fullmatch(name) or not isinstance(value, str) or not _VALUE.fullmatch(value):
            raise InvalidInput(f"headers: {name[:80]!r} is not a plain name with a plain value")
        if len(value) > _MOST_HEADER:
            raise InvalidInput(f"headers: {name} has {len(value)} characters")
        if name.lower() in _KERNELS:
            raise InvalidInput(
                f"headers: {name} is for the kernel to set", hint="a credential is a `secret`"
            )


def _check_body(method: str, body: bytes) -> None:
    if body and method in READING:
        raise InvalidInput(f"a {method} has no body")
    if len(body) > MOST_BODY:
        raise InvalidInput(f"the body has {len(body):,} bytes; the most is {MOST_BODY:,}")


def _check_length(name: str, text: str, *, least: int) -> None:
    _check_range(f"the length of {name}", len(text), least, _MOST_TEXT)


def _check_range(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise InvalidInput(f"{name} is {value}; it has to be {least} to {most}")


def _sorted() -> list[str]:
    return sorted(_METHODS)
