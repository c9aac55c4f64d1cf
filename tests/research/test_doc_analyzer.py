"""Documents become passages with their source and heading."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoclave.research.doc_analyzer import LONGEST, Passage, sentences, split


def test_markdown_paragraphs_stand_under_their_headings() -> None:
    """Each paragraph is a passage; a heading is not one."""
    found = split("docs/a.md", "# Start\n\nFirst thing.\n\n## Details ##\nSecond\nthing.\n")

    assert found == [
        Passage(text="First thing.", source="docs/a.md", heading="Start"),
        Passage(text="Second\nthing.", source="docs/a.md", heading="Details"),
    ]


def test_a_code_block_stays_whole() -> None:
    """Blank lines and comments inside a fence neither split it nor make headings."""
    [found] = split("a.md", "```\nx = 1\n\n# not a heading\ny = 2\n```\n")

    assert "# not a heading" in found.text
    assert found.heading == ""


def test_html_gives_its_visible_text() -> None:
    """Scripts and styles are left out, entities are read, headings kept."""
    page = "<h2>A &amp; B</h2><p>Use <b>this</b>.</p><script>alert(1)</script><p>Then that.</p>"

    found = split("page.html", page)

    assert [(p.heading, p.text) for p in found] == [("A & B", "Use this."), ("A & B", "Then that.")]


def test_docstrings_carry_their_qualified_names() -> None:
    """Module, class and method docstrings are passages of a Python file."""
    method = '    def f(self):\n        """Does f."""\n'
    code = f'"""The module."""\nclass A:\n    """The class."""\n{method}'

    found = split("a.py", code)

    assert [(p.heading, p.text) for p in found] == [
        ("", "The module."),
        ("A", "The class."),
        ("A.f", "Does f."),
    ]


@pytest.mark.parametrize("code", ["def (", "x = \0", "(" * 5_000, "\ud800"])
def test_a_broken_python_file_says_nothing(code: str) -> None:
    """A file that does not parse is passed over."""
    assert split("a.py", code) == []


def test_long_text_is_cut_between_sentences() -> None:
    """No passage is longer than the limit, and nothing is lost."""
    text = "This is a sentence. " * 200

    found = split("a.txt", text)

    assert all(len(p.text) <= LONGEST for p in found)
    assert all(p.text.endswith(".") for p in found)
    assert sum(len(sentences(p.text)) for p in found) == 200


@given(
    name=st.sampled_from(["a.md", "a.html", "a.py", "a.txt", "a"]),
    content=st.text(alphabet=st.sampled_from("#<>/p`~\n !-x\"'()\x00é&;"), max_size=200),
)
def test_any_text_can_be_split(name: str, content: str) -> None:
    """No content makes it fail."""
    assert all(p.source == name and p.text.strip() for p in split(name, content))
