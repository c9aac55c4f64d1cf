"""Reaching outside, against real servers on this machine."""

from __future__ import annotations

import asyncio
import datetime
import gzip
import ipaddress
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from autoclave.domain.errors import AutoclaveError, InvalidInput, NotAllowed, Unreachable
from autoclave.domain.fetch import FetchRequest, FetchResponse
from autoclave.research.fetching import GuardedFetcher, check_redirect
from autoclave.research.urls import parse_url

Answer = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]


class Server:
    """Gives the prepared bytes for each path, and keeps what it was sent."""

    def __init__(self, answers: dict[str, Answer]) -> None:
        self.answers = answers
        self.seen: list[str] = []
        self.port = 0

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, path: str) -> str:
        return f"http://{self.place}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.seen.append(request)
            answer = self.answers[request.split(" ")[1]]
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(
    answers: dict[str, Answer], *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Server]:
    server = Server(answers)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


def ok(body: bytes, *headers: str) -> bytes:
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def to(location: str, status: int = 302) -> bytes:
    return f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


def anything(url: str, address: str) -> None:
    """Allows every hop."""


async def get(server: Server, path: str, *others: Server, **facts: object) -> FetchResponse:
    fetcher = GuardedFetcher(allow_private=frozenset({each.place for each in (server, *others)}))
    request = FetchRequest(**{"method": "GET", "url": server.url(path), **facts})  # type: ignore[arg-type]
    return await fetcher.fetch(request, allow=anything)


async def test_a_page() -> None:
    """Status, headers and body arrive; cookies do not."""
    page = ok(b"hello", "X-Two: a", "X-Two: b", "Set-Cookie: session=1")
    async with serving({"/a?b=c": page}) as server:
        got = await get(server, "/a?b=c#part", headers={"Accept": "text/html"})

    assert (got.status, got.body, got.address) == (200, b"hello", "127.0.0.1")
    assert got.headers == {"content-length": "5", "x-two": "a, b"}
    assert got.url == server.url("/a?b=c")


async def test_other_forms_of_an_answer() -> None:
    """In chunks, without a length, and with no body at all."""
    chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
    until_the_end = b"HTTP/1.0 200 OK\r\n\r\nabc"
    answers: dict[str, Answer] = {"/chunks": chunks, "/end": until_the_end, "/head": ok(b"")}
    async with serving(answers) as server:
        bodies = [(await get(server, path)).body for path in ("/chunks", "/end")]
        head = await get(server, "/head", method="HEAD")

    assert bodies == [b"abc", b"abc"]
    assert (head.status, head.body) == (200, b"")


async def test_what_is_sent() -> None:
    """The fixed lines and those asked for, nothing about who or where we are."""
    async with serving({"/": ok(b"")}) as server:
        await get(server, "/", method="POST", body=b"x=1", headers={"X-Key": "secret"})

    assert sorted(server.seen[0].strip().split("\r\n")) == [
        "Accept-Encoding: gzip, deflate",
        "Connection: close",
        "Content-Length: 3",
        f"Host: {server.place}",
        "POST / HTTP/1.1",
        "User-Agent: autoclave",
        "X-Key: secret",
    ]


async def test_no_proxy_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What some shell has set does not carry requests elsewhere."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with serving({"/": ok(b"direct")}) as server:
        got = await get(server, "/")

    assert got.body == b"direct"


@pytest.mark.parametrize(
    "url",
    [
        *("https://127.0.0.1/", "https://[::1]/", "https://169.254.169.254/latest/meta-data/"),
        *("https://10.0.0.1/", "https://[::ffff:10.0.0.1]/", "https://[64:ff9b::7f00:1]/"),
        *("https://168.63.129.16/", "https://[fd00:ec2::254]/", "https://0.0.0.0/"),
        *("https://metadata.google.internal/", "https://localhost/", "https://intranet/"),
        *("https://printer.local/", "http://example.com/", "https://example.com:22/"),
    ],
)
async def test_forbidden_places(url: str) -> None:
    """Addresses, names and ports that are not for pages are refused before anything is sent."""
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["1.1.1.1"]

    with pytest.raises(NotAllowed):
        await GuardedFetcher(resolve=resolve).fetch(
            FetchRequest(method="GET", url=url), allow=anything
        )

    assert asked == []


@pytest.mark.parametrize("addresses", [["10.0.0.1"], ["1.1.1.1", "::1"], ["169.254.169.254"]])
async def test_a_name_for_something_forbidden(addresses: list[str]) -> None:
    """One forbidden address among several is enough: nothing is connected to."""
    allowed: list[tuple[str, str]] = []
    fetcher = GuardedFetcher(resolve=lambda host, port: addresses)

    with pytest.raises(NotAllowed, match="leads to"):
        await fetcher.fetch(
            FetchRequest(method="GET", url="https://example.com/"),
            allow=lambda url, address: allowed.append((url, address)),
        )

    assert allowed == [("https://example.com/", "")]


async def test_rebinding() -> None:
    """The name is looked up once, and the address that was checked is the one connected to."""
    answers = iter([["127.0.0.1"], ["127.0.0.2"], ["169.254.169.254"]])
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return next(answers)

    async with serving({"/": ok(b"first")}) as server:
        place = f"own.example.com:{server.port}"
        fetcher = GuardedFetcher(allow_private=frozenset({place}), resolve=resolve)
        got = await fetcher.fetch(
            FetchRequest(method="GET", url=f"http://{place}/"), allow=anything
        )

    assert (got.body, got.address, asked) == (b"first", "127.0.0.1", ["own.example.com"])
    assert f"Host: {place}\r\n" in server.seen[0]


async def test_metadata_is_never_ones_own() -> None:
    """Naming a server does not open the addresses that are nobody's."""
    place = "own.example.com:80"
    fetcher = GuardedFetcher(
        allow_private=frozenset({place}), resolve=lambda host, port: ["169.254.169.254"]
    )

    with pytest.raises(NotAllowed, match="metadata"):
        await fetcher.fetch(FetchRequest(method="GET", url=f"http://{place}/"), allow=anything)


async def test_every_hop_is_judged_before_its_name_is_looked_up() -> None:
    """First the page, then the page at its address; a no stops the second hop."""
    seen: list[tuple[str, str]] = []

    def allow(url: str, address: str) -> None:
        seen.append((url, address))
        if "evil" in url:
            raise NotAllowed("not there")

    async with serving({"/": to("https://secret.evil.com/")}) as server:
        fetcher = GuardedFetcher(
            allow_private=frozenset({server.place}), resolve=lambda host, port: pytest.fail(host)
        )
        with pytest.raises(NotAllowed, match="not there"):
            await fetcher.fetch(FetchRequest(method="GET", url=server.url("/")), allow=allow)

    first = server.url("/")
    assert seen == [(first, ""), (first, "127.0.0.1"), ("https://secret.evil.com/", "")]


@pytest.mark.parametrize(
    "location",
    [
        *("https://169.254.169.254/", "https://127.0.0.1/", "https://2130706433/"),
        *("https://a@b.com/", "//[::1]/", "https://metadata.google.internal/"),
        *("http://example.com/", "ftp://a.com/"),
    ],
)
async def test_redirects_to_forbidden_places(location: str) -> None:
    """A redirect is judged like the first page."""
    async with serving({"/": to(location)}) as server:
        with pytest.raises((NotAllowed, InvalidInput)):
            await get(server, "/")

    assert len(server.seen) == 1


async def test_a_chain_of_redirects() -> None:
    """Five are followed, each remembered."""
    chain: dict[str, Answer] = {f"/{n}": to(f"/{n + 1}", 307) for n in range(5)}
    async with serving({**chain, "/5": ok(b"end")}) as server:
        got = await get(server, "/0")

    assert (got.body, got.url) == (b"end", server.url("/5"))
    assert got.redirects == tuple(server.url(f"/{n}") for n in range(5))


async def test_a_circle_of_redirects() -> None:
    """The sixth is refused."""
    async with serving({"/": to("/")}) as server:
        with pytest.raises(InvalidInput, match="more than 5"):
            await get(server, "/")

    assert len(server.seen) == 6


async def test_secrets_stay_with_their_origin() -> None:
    """Another origin gets no header that may be a credential, by whatever name."""
    async with serving({"/": ok(b"")}) as other, serving({"/a": to("/b")}) as server:
        server.answers["/b"] = to(other.url("/"))
        secrets = {"Authorization": "Bearer x", "X-Strange": "x", "Cookie": "a=b", "Accept": "*/*"}
        await get(server, "/a", other, headers=secrets)

    assert [request.count("x\r\n") for request in server.seen] == [2, 2]
    assert "Accept: */*" in other.seen[0]
    assert not any(name in other.seen[0] for name in ("Authorization", "X-Strange", "Cookie"))


def test_a_page_outside_does_not_point_inside() -> None:
    """Servers of one's own are for people to name, not for pages."""
    outside, inside = parse_url("https://example.com/"), parse_url("https://127.0.0.1:8000/")

    with pytest.raises(NotAllowed, match="inside"):
        check_redirect(outside, inside, own=frozenset({inside.place}))


async def test_a_body_is_never_carried_on() -> None:
    """What was written to one server is not written to where it points."""
    async with serving({"/": to("/elsewhere", 307)}) as server:
        got = await get(server, "/", method="POST", body=b"secret")

    assert (got.status, got.headers["location"], len(server.seen)) == (307, "/elsewhere", 1)


async def test_encrypted_pages_point_to_encrypted_ones(tls: Tls) -> None:
    """From https to http is a way down, even to a server of one's own."""
    async with (
        serving({"/": ok(b"")}) as plain,
        serving({"/": to(plain.url("/"))}, tls=tls.server) as server,
    ):
        fetcher = GuardedFetcher(
            allow_private=frozenset({plain.place, f"own.example.com:{server.port}"}),
            resolve=lambda host, port: ["127.0.0.1"],
            tls=tls.client,
        )
        url = f"https://own.example.com:{server.port}/"
        with pytest.raises(NotAllowed, match="not encrypted"):
            await fetcher.fetch(FetchRequest(method="GET", url=url), allow=anything)

    assert plain.seen == []


@pytest.mark.parametrize(("host", "is_fine"), [("own.example.com", True), ("a.com", False)])
async def test_the_certificate_is_for_the_name(tls: Tls, host: str, is_fine: bool) -> None:
    """Connected by address, the server still has to prove the name of the URL."""
    async with serving({"/": ok(b"proved")}, tls=tls.server) as server:
        place = f"{host}:{server.port}"
        fetcher = GuardedFetcher(
            allow_private=frozenset({place}),
            resolve=lambda host, port: ["127.0.0.1"],
            tls=tls.client,
        )
        request = FetchRequest(method="GET", url=f"https://{place}/")
        if is_fine:
            assert (await fetcher.fetch(request, allow=anything)).body == b"proved"
            assert tls.asked_for == ["own.example.com"]
        else:
            with pytest.raises(Unreachable, match="certificate"):
                await fetcher.fetch(request, allow=anything)


async def flood(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while not writer.is_closing():
        writer.write(bytes(4096))
        await writer.drain()


async def test_too_long() -> None:
    """Neither announced nor unannounced does more than the cap arrive."""
    async with serving({"/announced": ok(bytes(2000)), "/flood": flood}) as server:
        for path in ("/announced", "/flood"):
            with pytest.raises(InvalidInput, match="longer than 1000 bytes"):
                await get(server, path, most_bytes=1000)


async def test_a_bomb() -> None:
    """16 MiB of zeros sent as 16 KiB stop at the cap."""
    bomb = ok(gzip.compress(bytes(16 << 20)), "Content-Encoding: gzip")
    async with serving(
        {"/": bomb, "/fine": ok(gzip.compress(b"x"), "Content-Encoding: gzip")}
    ) as s:
        with pytest.raises(InvalidInput, match="longer than 100000 bytes"):
            await get(s, "/", most_bytes=100_000)
        fine = await get(s, "/fine")

    assert fine.body == b"x"


async def drip(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.01)


async def silence(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(0.3)


async def endless_headers(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while not writer.is_closing():
        writer.write(b"X: " + b"x" * 4096 + b"\r\n")
        await writer.drain()


async def cut_off(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    await writer.drain()


@pytest.mark.parametrize("answer", [drip, silence])
async def test_slow_servers(answer: Answer) -> None:
    """The time is for everything, however often a byte comes."""
    async with serving({"/": answer}) as server:
        with pytest.raises(Unreachable, match=r"longer than 0\.1 s"):
            await get(server, "/", seconds=0.1)


async def test_a_resolver_that_hangs() -> None:
    """Looking a name up counts too, and nobody waits for its thread."""
    done = threading.Event()

    def hang(host: str, port: int) -> list[str]:
        done.wait(10)
        return []

    with pytest.raises(Unreachable, match="longer"):
        await GuardedFetcher(resolve=hang).fetch(
            FetchRequest(method="GET", url="https://example.com/", seconds=0.05), allow=anything
        )
    done.set()


@pytest.mark.parametrize(
    "answer",
    [
        *(cut_off, endless_headers, b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 200 OK\r\n bad\r\n\r\n"),
        b"HTTP/1.1 101 Switch\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\nx",
        *(ok(b"x", "Content-Encoding: br"), ok(b"no gzip", "Content-Encoding: gzip")),
    ],
)
async def test_servers_that_do_not_speak_properly(answer: Answer) -> None:
    """Every kind of nonsense is one of our errors."""
    async with serving({"/": answer}) as server:
        with pytest.raises(AutoclaveError):
            await get(server, "/", seconds=5)


@pytest.mark.parametrize(
    "headers",
    [
        *({"X": "a\r\nY: b"}, {"X\r\nY": "b"}, {"X": "a\0"}, {"X": "a\nb"}, {"": "x"}, {"X ": "a"}),
        *({"X": " a"}, {"X": "ü"}, {"Host": "other"}, {"Content-Length": "1"}, {"user-agent": "x"}),
        *({"Transfer-Encoding": "chunked"}, {"Proxy-Authorization": "x"}, {"A": "1", "a": "2"}),
        {"X": "x" * 20_000},
    ],
)
async def test_headers_that_break_the_line(headers: dict[str, str]) -> None:
    """Nothing is even looked up."""
    with pytest.raises(InvalidInput):
        await GuardedFetcher(resolve=lambda host, port: pytest.fail(host)).fetch(
            FetchRequest(method="GET", url="https://example.com/", headers=headers), allow=anything
        )


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "get", "GET /x HTTP/1.1\r\nX: y", ""])
async def test_methods(method: str) -> None:
    """A closed set."""
    with pytest.raises(InvalidInput):
        await GuardedFetcher().fetch(
            FetchRequest(method=method, url="https://example.com/"), allow=anything
        )


async def test_the_next_address_when_one_does_not_answer() -> None:
    """A name may have several; the first may be one that this machine cannot reach."""
    async with serving({"/": ok(b"second")}) as server:
        place = f"own.example.com:{server.port}"
        fetcher = GuardedFetcher(
            allow_private=frozenset({place}), resolve=lambda host, port: ["127.0.0.9", "127.0.0.1"]
        )
        got = await fetcher.fetch(
            FetchRequest(method="GET", url=f"http://{place}/"), allow=anything
        )

    assert (got.body, got.address) == (b"second", "127.0.0.1")


class Tls:
    """A server's certificate for `own.example.com`, and a client that trusts only its maker."""

    def __init__(self, folder: Path) -> None:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "own")])
        now = datetime.datetime.now(datetime.UTC)
        names = [x509.DNSName("own.example.com"), x509.IPAddress(ipaddress.ip_address("127.0.0.3"))]
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        form = serialization.PrivateFormat.PKCS8
        plain = serialization.NoEncryption()
        secret = key.private_bytes(serialization.Encoding.PEM, form, plain)
        (folder / "server.pem").write_bytes(pem + secret)
        self.asked_for: list[str | None] = []
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.load_cert_chain(folder / "server.pem")
        self.server.sni_callback = lambda socket, name, context: self.asked_for.append(name)
        self.client = ssl.create_default_context(cadata=pem.decode())


@pytest.fixture
def tls(tmp_path: Path) -> Tls:
    return Tls(tmp_path)
