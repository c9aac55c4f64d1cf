"""`autoclave dashboard --web` in a real browser: looked at, steered, attacked by another page."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from autoclave.service.home import Home, init_home
from autoclave.service.tokens import Role, TokenStore

CHROMIUM = "/usr/bin/chromium"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(180),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="chromium is not installed"),
]
PATIENCE = 15_000


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return init_home(tmp_path / "home").home


def _environment(home: Home) -> dict[str, str]:
    places = {f"XDG_{n}_HOME": str(home.root.parent / n) for n in ("CONFIG", "STATE", "DATA")}
    return {**os.environ, **places, "AUTOCLAVE_HOME": str(home.root)}


def _autoclave(home: Home, *words: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "autoclave", *words],
        env=_environment(home),
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    ).stdout


@contextmanager
def _served(home: Home) -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "autoclave", "dashboard", "--web", "--port", "0"],
        env=_environment(home),
        cwd="/",
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        said = next(line for line in process.stderr if "http://" in line)
        yield said.partition("http://")[1] + said.partition("http://")[2].partition(";")[0].strip()
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        process.stderr.close()


@pytest.fixture
def tokens(home: Home) -> TokenStore:
    return TokenStore(home.runtime)


@pytest.fixture
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def _enter(browser: Any, url: str, token: str) -> Any:
    """A page in which somebody has logged in and sees Home."""
    page = browser.new_context(viewport={"width": 1200, "height": 800}).new_page()
    page.goto(url)
    page.fill("#token", token)
    page.press("#token", "Enter")
    _sees(page, "link ok")
    return page


def _sees(page: Any, text: str) -> None:
    page.locator("body", has_text=text).wait_for(state="attached", timeout=PATIENCE)


def test_somebody_logs_in_looks_and_presses_keys(
    home: Home, tokens: TokenStore, browser: Any, tmp_path: Path
) -> None:
    """Home comes up, follows the agent, and changes with every key; the console stays clean."""
    _, token = tokens.create("maria", Role.APPROVER, by="person:test")
    complaints: list[str] = []
    with _served(home) as url:
        page = browser.new_page(viewport={"width": 1200, "height": 800})
        page.on("console", lambda said: complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(url)
        page.fill("#token", "autoclave_" + "0" * 12 + "_" + "x" * 43)
        page.press("#token", "Enter")
        _sees(page, "this token is unknown")
        complaints.clear()  # the browser names the refused login, as it should
        page.fill("#token", token)
        page.press("#token", "Enter")
        _sees(page, "link ok")

        page.keyboard.press("?")
        _sees(page, "Keys of this page: home")
        page.screenshot(path=tmp_path / "help.png")
        page.keyboard.press("Escape")
        page.keyboard.press("8")
        _sees(page, "api_names")
        page.screenshot(path=tmp_path / "settings.png")
        page.set_viewport_size({"width": 640, "height": 500})
        page.keyboard.press("1")
        _sees(page, "link ok")
        page.screenshot(path=tmp_path / "small.png")
        page.reload()
        _sees(page, "link ok")
        page.keyboard.press("q")
        _sees(page, "you have left")

    assert complaints == []
    assert (tmp_path / "help.png").stat().st_size > 10_000


def test_a_viewer_cannot_pause_the_agent(home: Home, tokens: TokenStore, browser: Any) -> None:
    """What takes a higher role says so on the screen, and nothing is written."""
    _, viewer = tokens.create("guest", Role.VIEWER, by="person:test")
    _, operator = tokens.create("maria", Role.OPERATOR, by="person:test")
    with _served(home) as url:
        for token, said in ((viewer, "takes the role operator"), (operator, "the agent is paused")):
            page = _enter(browser, url, token)
            page.keyboard.press("p")
            _sees(page, "Pause the agent?")
            page.keyboard.press("Control+s")
            _sees(page, said)
            page.close()


def test_a_token_that_is_revoked_ends_the_session(
    home: Home, tokens: TokenStore, browser: Any
) -> None:
    """While the page is open; and it stays ended when the page is loaded again."""
    _, token = tokens.create("maria", Role.APPROVER, by="person:test")
    with _served(home) as url:
        page = _enter(browser, url, token)

        tokens.revoke("maria")

        _sees(page, "the token was revoked or has expired")
        assert page.is_visible("#token")
        page.reload()
        assert page.is_visible("#token")


@contextmanager
def _hostile_page() -> Iterator[str]:
    """Another site on this machine: the same host to cookies, another origin."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            Page.cookies.append(self.headers.get("cookie", ""))
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>hostile</title><body>")

        def log_message(self, *_: object) -> None:
            pass

        cookies: list[str] = []  # noqa: RUF012

    server = HTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


_ATTACK = """async ([url, token]) => {
  const socket = await new Promise((done) => {
    const opened = new WebSocket(url.replace("http", "ws") + "/screen");
    opened.onopen = () => done("open");
    opened.onerror = () => done("refused");
  });
  const posts = [];
  for (const type of ["application/json", "text/plain"]) for (const mode of ["cors", "no-cors"]) {
    try {
      const answer = await fetch(url + "/login", {
        method: "POST", mode, credentials: "include", headers: { "content-type": type },
        body: JSON.stringify({ token }),
      });
      posts.push(answer.type === "opaque" ? "opaque" : answer.status);
    } catch { posts.push("refused"); }
  }
  const frame = document.createElement("iframe");
  frame.src = url;
  await new Promise((done) => {
    frame.onload = frame.onerror = done;
    document.body.append(frame);
  });
  let framed = "hidden";
  try { framed = frame.contentDocument.body.innerText; } catch {}
  return { socket, posts, framed };
}"""


def test_a_hostile_page_gets_neither_a_screen_nor_a_session(
    home: Home, tokens: TokenStore, browser: Any
) -> None:
    """In the browser in which somebody is logged in, with a token that is good."""
    _, token = tokens.create("maria", Role.APPROVER, by="person:test")
    with _served(home) as url, _hostile_page() as hostile:
        mine = _enter(browser, url, token)
        context = mine.context
        before = context.cookies(url + "/screen")
        evil = context.new_page()
        posted: list[int] = []
        evil.on("response", lambda got: posted.append(got.status) if "login" in got.url else None)
        evil.goto(hostile)

        found = evil.evaluate(_ATTACK, [url, token])

        assert found["socket"] == "refused"
        assert set(found["posts"]) <= {"refused", "opaque"}
        assert set(posted) <= {403}
        assert found["framed"] == "hidden"
        assert context.cookies(url + "/screen") == before
        mine.keyboard.press("?")
        _sees(mine, "Keys of this page")


def test_nothing_is_left_running(home: Home, tokens: TokenStore, browser: Any) -> None:
    """A page that is closed takes its process along; so does the server."""
    _, token = tokens.create("maria", Role.VIEWER, by="person:test")
    with _served(home) as url:
        page = _enter(browser, url, token)
        assert len(_mirrors(home)) == 1
        page.close()
        for _ in range(100):
            if not _mirrors(home):
                break
            threading.Event().wait(0.1)
        assert _mirrors(home) == []
        _enter(browser, url, token)

    assert _mirrors(home) == []


def _mirrors(home: Home) -> list[str]:
    """Processes that mirror a dashboard of this home."""
    found = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(each.read_bytes().replace(b"\0", b" ").decode())
    return [each for each in found if "--mirror" in each and str(home.root) in each]
