"""Filling templates."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from render_text.code import execute


def render(context: Any, template: str, **fields: Any) -> str:
    text: str = asyncio.run(execute(context, {"template": template, "fields": fields}))["text"]
    return text


def test_values_are_not_templates(context: Any) -> None:
    """What is filled in is not read again."""
    assert render(context, "${a}", a="${b} $$") == "${b} $$"


def test_missing_values_are_named(context: Any) -> None:
    """All of them at once, in the order of the template."""
    with pytest.raises(LookupError, match="not given: b, c"):
        render(context, "$a ${b} $c", a=1)


def test_stray_dollar_sign_is_found(context: Any) -> None:
    """The line is named and the way out."""
    with pytest.raises(ValueError, match=r"line 2 .* write \$\$"):
        render(context, "fine\n5 $ each")


@pytest.mark.parametrize(("value", "text"), [(True, "yes"), (False, "no"), (1.5, "1.5"), (3, "3")])
def test_values_read_as_people_write_them(context: Any, value: Any, text: str) -> None:
    """Yes and no, and plain numbers."""
    assert render(context, "$a", a=value) == text
