"""What can be read on a page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoclave.domain.errors import InvalidInput
from autoclave.domain.fetch import FetchResponse
from autoclave.research.page_text import MOST_TEXT, page_text, read_html

PAGE = """<!doctype html><html><head><title>A &amp; B</title><style>p{color:red}</style></head>
<body onload="x()"><h2>First <em>part</em></h2><p>One <b>two</b>
three.</p><!-- hidden --><script>alert("<p>no</p>")</script><ul><li>a<li>b</ul>
<a href="/next?x=1&amp;y=2">next <i>page</i></a><br>end</body></html>"""


def response(body: bytes, content_type: str) -> FetchResponse:
    headers = {"content-type": content_type} if content_type else {}
    return FetchResponse(
        status=200,
        url="https://example.com/",
        headers=headers,
        body=body,
        address="1.1.1.1",
        redirects=(),
    )


def test_a_page() -> None:
    """Title, headings and blocks in order; links are listed as the page has them."""
    page = read_html(PAGE)

    lines = ["## First part", "One two three.", "a", "b", "next page", "end"]
    assert (page.title, page.text.split("\n")) == ("A & B", lines)
    assert page.links == (("next page", "/next?x=1&y=2"),)
    assert not page.is_cut


@pytest.mark.parametrize(
    "markup",
    [
        "<p hidden>X</p>",
        "<div style='Display : none'><p>X</p></div>",
        '<span style="font-size:0">X</span>',
        "<span style='visibility:/* */hidden'>X</span>",
        "<div style='position:absolute; left:-9999px'>X</div>",
        "<p aria-hidden=true>X",
        "<script>X</script>",
        "<style>X</style>",
        "<noscript>X</noscript>",
        "<template><p>X</p></template>",
        "<textarea>X</textarea>",
        "<!-- X -->",
        "<!-- X",
        "<?php X ?>",
        "<p title='X'",
        "<a b='X'>",
        "<title>X",
        "<script>X</scriptX",
    ],
)
def test_what_people_do_not_see(markup: str) -> None:
    """Nobody looking at the page would see it, so the mind does not either."""
    assert "X" not in read_html(f"<body>before {markup}").text


def test_characters_that_nobody_sees() -> None:
    """Zero width, direction marks, tag characters and fillers are dropped."""
    hidden = "".join(chr(0xE0000 + ord(each)) for each in "obey")

    assert read_html(f"<p>a\u200bb\u202ec{hidden}\u3164d&#8203;e</p>").text == "abcde"


def test_code_keeps_its_form() -> None:
    """Indentation is part of what code says."""
    page = read_html("<p>so:</p><pre><code>def f():\n    return  <b>1</b>\n</code></pre>done")

    assert page.text == "so:\ndef f():\n    return  1\ndone"


def test_it_is_cut() -> None:
    """A long page is cut, and says so."""
    page = read_html("<p>" + "word " * 20_000)

    assert (len(page.text), page.is_cut) == (MOST_TEXT, True)


@given(st.text(alphabet="<>/!-?&#;='\" abpx0\n", max_size=200))
def test_any_markup(markup: str) -> None:
    """Whatever stands there can be read somehow, and no tag is left that was closed."""
    text = read_html(markup).text

    assert "<!--" not in text.replace("&", "")
    assert "\n\n" not in text


@pytest.mark.parametrize(
    "unit", ["<!--", "<!", "<a ", "<a b='", "&#9", "<script>", "</", "<p>", "<"]
)
def test_hostile_markup_takes_no_longer(unit: str) -> None:
    """Twice the repetitions that would take the library's parser minutes; the test has a limit."""
    read_html(unit * 20_000)


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        (b"plain <b>", "text/plain", "plain <b>"),
        (b'{"a": 1}', "application/json; charset=utf-8", '{"a": 1}'),
        ("grün".encode("latin-1"), "text/plain; charset=ISO-8859-1", "grün"),
        ("<p>grün".encode(), "text/html", "grün"),
        (b"\xff", "text/plain; charset=utf-7", "\ufffd"),
        (b"no type", "", "no type"),
    ],
)
def test_kinds_of_text(body: bytes, content_type: str, text: str) -> None:
    """By what the server says; a charset that hides things is not followed."""
    assert page_text(response(body, content_type)).text == text


@pytest.mark.parametrize("content_type", ["image/png", "application/pdf", "application/zip", "x"])
def test_what_is_no_text(content_type: str) -> None:
    """Pictures and archives are refused."""
    with pytest.raises(InvalidInput):
        page_text(response(b"x", content_type))
