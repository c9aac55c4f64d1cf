"""Fills a template."""

from __future__ import annotations

from string import Template
from typing import Any


async def execute(context: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    """The template with every place filled; a place without a value is an error."""
    template, fields = Template(inputs["template"]), inputs["fields"]
    check_template(template)
    missing = [name for name in template.get_identifiers() if name not in fields]
    if missing:
        raise LookupError(f"the template asks for what is not given: {', '.join(missing)}")
    return {"text": template.substitute({name: _text(value) for name, value in fields.items()})}


def check_template(template: Template) -> None:
    """Raise ValueError naming the line of a dollar sign that starts no place."""
    if template.is_valid():
        return
    for number, line in enumerate(template.template.splitlines(), start=1):
        if not Template(line).is_valid():
            raise ValueError(
                f"line {number} has a $ that starts no place; write $$ for a dollar sign"
            )


def _text(value: str | float | bool) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
