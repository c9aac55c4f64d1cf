"""Reads one page of the web as text."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

ACCEPT = "text/html, text/plain;q=0.9, */*;q=0.1"
BLOCKS = frozenset(
    {"address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "figure"}
    | {"footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav"}
    | {"ol", "p", "pre", "section", "table", "td", "th", "tr", "ul"}
)
UNSEEN = frozenset({"script", "style", "template", "noscript", "title", "head"})


async def execute(context: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    """The text of the page at `url`; raises for a page that is not there or is no text."""
    page = await context.request("GET", inputs["url"], headers={"Accept": ACCEPT})
    if page["status"] >= 400:
        raise FileNotFoundError(f"{page['url']} answered with the status {page['status']}")
    kind = page["headers"].get("content-type", "text/plain").partition(";")[0].strip().lower()
    text = decode(page["body"], page["headers"].get("content-type", ""), page["url"])
    title = ""
    if kind in ("text/html", "application/xhtml+xml"):
        title, text = read_html(text)
    return {"text": text, "title": title, "url": page["url"], "status": page["status"]}


def decode(body: bytes, content_type: str, url: str) -> str:
    """Text in the encoding that the server names, else UTF-8; ValueError for what is no text."""
    if b"\0" in body:
        raise ValueError(f"{url} is no text ({content_type or 'of no stated type'})")
    charset = content_type.lower().partition("charset=")[2].partition(";")[0].strip(" \"'")
    try:
        return body.decode(charset or "utf-8", "replace")
    except LookupError:
        return body.decode("utf-8", "replace")


def read_html(markup: str) -> tuple[str, str]:
    """Title and text of a page, as far as people would read it."""
    reader = Reader()
    reader.feed(markup)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.parts).split("\n"))
    return " ".join("".join(reader.title).split()), "\n".join(line for line in lines if line)


class Reader(HTMLParser):
    """Collects what stands in a page outside of scripts and the like."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.title: list[str] = []
        self.inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in BLOCKS:
            self.parts.append("\n")
        if tag == "body":
            self.inside.clear()
        elif tag in UNSEEN:
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in BLOCKS:
            self.parts.append("\n")
        if tag in self.inside:
            del self.inside[self.inside.index(tag) :]

    def handle_data(self, data: str) -> None:
        if self.inside and self.inside[-1] == "title":
            self.title.append(data)
        elif not self.inside:
            self.parts.append(data)
