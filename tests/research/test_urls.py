"""URLs have one spelling, or none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoclave.domain.errors import InvalidInput
from autoclave.research.urls import Url, follow, parse_url

labels = st.from_regex(r"[a-zA-Z]([a-zA-Z0-9-]{0,8}[a-zA-Z0-9])?", fullmatch=True)
hosts = st.lists(labels, min_size=1, max_size=5).map(".".join)
paths = st.text("abcXYZ012/.%-_~:@!$&'()*+,;=[]", max_size=30)
ports = st.sampled_from(["", ":1", ":80", ":443", ":65535"])
spelled = st.builds(
    lambda scheme, host, port, path, query: f"{scheme}://{host}{port}/{path}?{query}#x",
    st.sampled_from(["https", "HTTP", "Https"]),
    hosts,
    ports,
    paths,
    paths,
)
pieces = st.sampled_from(
    [
        *("https://", "http:", "//", "@", "\\", "\t", "\n", "[", "]", "::1", "%2e", "%", "..", "/"),
        *("?", "#", ".", "a", "A.b", "127.1", "0x7f", "①", "\uff0e", "\udcff", "\0", ":", ":99999"),
        *("xn--", " "),
    ]
)
texts = st.one_of(st.text(max_size=40), st.lists(pieces, max_size=12).map("".join), spelled)


def parsed(text: str) -> Url | None:
    try:
        return parse_url(text)
    except InvalidInput:
        return None


@given(texts)
def test_one_spelling(text: str) -> None:
    """Whatever is read at all has a spelling that reads the same; nothing else is ever raised."""
    url = parsed(text)

    if url is not None:
        assert parse_url(url.text) == url
        assert parse_url(url.text).text == url.text


@given(spelled, texts)
def test_redirects_have_one_spelling(text: str, location: str) -> None:
    """Where a redirect leads is read as strictly."""
    base = parsed(text)
    if base is None:
        return

    try:
        target = follow(base, location)
    except InvalidInput:
        return

    assert parse_url(target.text) == target


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("HTTPS://Example.COM", "https://example.com/"),
        ("https://example.com:443/a/../b/./c", "https://example.com/b/c"),
        ("http://example.com:80?q=%7e%2f", "http://example.com/?q=~%2F"),
        ("https://example.com/%2e%2E/%61#part", "https://example.com/a"),
        ("https://[2606:4700:0:0::1111]:8443/", "https://[2606:4700::1111]:8443/"),
        ("https://1.1.1.1/", "https://1.1.1.1/"),
        ("https://example.com/%2541", "https://example.com/%2541"),
    ],
)
def test_spellings(text: str, canonical: str) -> None:
    """Small letters, no usual port, no dots, no needless escapes, no fragment."""
    assert parse_url(text).text == canonical


@pytest.mark.parametrize(
    "text",
    [
        *("", "example.com", "//example.com", "ftp://example.com", "file:///etc/passwd"),
        *("https:example.com", "https:/example.com", "https:///example.com", "javascript:1"),
        *("https://user@example.com", "https://user:pass@example.com", "https://a.com\\@b.com"),
        *("https://a.com\\b", "https://a.com\t.b.com", "https://a.com\n", " https://a.com"),
        *("https://a.com.", "https://a..com", "https://.a.com", "https://a\uff0ecom"),
        *(
            "https://①②⑦.0.0.1",
            "https://\uff45xample.com",
            "https://bücher.de",
            "https://a\u00ad.com",
        ),
        *("https://2130706433", "https://0x7f.1", "https://127.1", "https://0177.0.0.1"),
        *("https://0", "https://0x7f000001", "https://127.0.0.1.", "https://1.2.3.4.5"),
        *("https://256.1.1.1", "https://a.com.0x", "https://127.0.0.01", "https://[::1%25lo]"),
        *("https://[::1%lo]", "https://[::1", "https://::1", "https://[::1]x", "https://[]"),
        *("https://a.com:", "https://a.com:0", "https://a.com:99999", "https://a.com:+1"),
        *("https://a.com:080", "https://a.com:8 0", "https://a.com:80:80", "https://-a.com"),
        *("https://a_b.com", "https://a%2ecom", "https://a.com/%", "https://a.com/%zz"),
        "https://" + "a" * 64 + ".com",
        "https://" + ".".join("a" * 11) + ".com",
        "https://" + ".".join(["a" * 60] * 5),
        "https://a.com/" + "x" * 3000,
    ],
)
def test_what_could_be_read_in_two_ways(text: str) -> None:
    """Users, backslashes, blanks, look-alike dots, odd numbers and endless names are refused."""
    with pytest.raises(InvalidInput):
        parse_url(text)


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/x", "https://a.com/x"),
        ("x?y", "https://a.com/b/x?y"),
        ("//c.com", "https://c.com/"),
        ("http://c.com/#f", "http://c.com/"),
        ("../../x", "https://a.com/x"),
    ],
)
def test_where_a_redirect_leads(location: str, target: str) -> None:
    """As a browser would read it."""
    assert follow(parse_url("https://a.com/b/c"), location).text == target
