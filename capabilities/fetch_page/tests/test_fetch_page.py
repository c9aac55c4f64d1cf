"""Reading a page."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import replace
from typing import Any

import pytest
from fetch_page.code import execute, read_html


def fetched(context: Any, body: bytes, kind: str = "text/plain", status: int = 200) -> Any:
    """What comes out when the server answers this."""

    def ask(call: dict[str, Any]) -> dict[str, Any]:
        page = {"status": status, "url": call["url"], "headers": {"content-type": kind}}
        return {"ok": {**page, "body": base64.b64encode(body).decode()}}

    return asyncio.run(execute(replace(context, ask=ask), {"url": "https://example.org/"}))


@pytest.mark.parametrize(
    ("markup", "title", "text"),
    [
        ("<p>one<p>two", "", "one\ntwo"),
        ("<title>T &amp; t</title><b>bo</b>ld", "T & t", "bold"),
        ("<style>p{}</style><script>x()</script>y", "", "y"),
        ("<head><meta x><body>no end of the head", "", "no end of the head"),
        ("a<br>b   c\n d", "", "a\nb c\nd"),
        ("<script>never closed", "", ""),
        ("", "", ""),
    ],
)
def test_a_page_is_read_as_people_do(markup: str, title: str, text: str) -> None:
    assert read_html(markup) == (title, text)


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        (b"gr\xfc\xdfe", "text/plain; charset=latin-1", "grüße"),
        ("grüße".encode(), "text/plain", "grüße"),
        (b"x", "text/plain; charset=nonsense", "x"),
        (b"<p>x</p>", "text/plain", "<p>x</p>"),
        (b"<p>x</p>", "TEXT/HTML; charset=utf-8", "x"),
    ],
)
def test_text_comes_out_of_what_the_server_says_it_is(
    context: Any, body: bytes, kind: str, text: str
) -> None:
    assert fetched(context, body, kind)["text"] == text


def test_what_is_not_there_is_an_error(context: Any) -> None:
    """The text of an error page is not what was asked for."""
    with pytest.raises(FileNotFoundError, match="404"):
        fetched(context, b"sorry", status=404)


def test_a_picture_is_no_text(context: Any) -> None:
    with pytest.raises(ValueError, match="no text"):
        fetched(context, b"\x89PNG\0\0", "image/png")
