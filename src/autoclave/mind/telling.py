"""What came of a call, in the words in which a model reads it."""

from __future__ import annotations

import json

from .plain_text import as_table, changes
from .views import JsonObject, View

_LONGEST_RESULT = 12_000
_LONGEST_TAIL = 3_000
_LONGEST_TRACE = 1_500
_SHORT = 500
"""What is no longer is told in full each time: a remark would hardly be shorter."""


def told(view: View, entry: JsonObject, *, is_cleared: bool = False) -> str:
    """What came of one call, as the model reads it: data inside of marks, shortened."""
    intent, result = entry["intent"], entry["result"]
    name = _name(entry)
    if intent["kind"] == "Ask" and result["ok"]:
        value = result["value"]
        return f"{value['by']} answered: {value['answer']}. {value.get('reason', '')}".strip()
    if not result["ok"]:
        return _told_failure(view, name, result["failure"])
    body = body_of(result)
    if is_cleared and len(body) > _SHORT:
        return f"[{name} gave {len(body)} characters; left out by now. Call it again if needed.]"
    return fenced(view, name, _origin(result), _shortened(body))


def told_again(view: View, entry: JsonObject, before: JsonObject) -> str | None:
    """By what is different from what the same call gave before; None when that is too much."""
    body, old = body_of(entry["result"]), body_of(before["result"])
    if len(body) <= _SHORT:
        return None
    name = _name(entry)
    if body == old:
        return f"[{name} gave exactly what the same call gave further up.]"
    changed = "\n".join(changes(old.split("\n"), body.split("\n")))
    if len(changed) > len(body) // 2:
        return None
    remark = f"[{name} gave what the same call gave further up, but for these lines:]"
    return f"{remark}\n{fenced(view, name, _origin(entry['result']), _shortened(changed))}"


def call_of(entry: JsonObject) -> str:
    """Names a call by what is asked of which capability; empty for what is no such call."""
    intent = entry["intent"]
    if intent["kind"] != "Act" or not entry["result"]["ok"]:
        return ""
    return json.dumps([intent["capability"], intent["inputs"]], sort_keys=True)


def body_of(result: JsonObject) -> str:
    """All that a call gave, as text: neither marked nor shortened."""
    parts = [_field(name, value) for name, value in result.get("outputs", {}).items()]
    if applied := result.get("applied"):
        parts.append(f"written: {', '.join(applied['paths'])}")
        parts.append(f"diff:\n{applied.get('diff', '')}")
    if "value" in result:
        parts.append(_field("value", result["value"]))
    return "\n".join(parts) or "nothing"


def _name(entry: JsonObject) -> str:
    intent = entry["intent"]
    return str(intent.get("capability", intent["kind"]))


def _field(name: str, value: object) -> str:
    if table := as_table(value):
        return f"{name}:\n{table}"
    if isinstance(value, str) and "\n" in value:
        return f"{name}:\n{value}"
    return f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"


def _origin(result: JsonObject) -> str:
    labels = result.get("labels", {}).values()
    return "/".join(sorted({each["origin"] for each in labels})) or "capability"


def _told_failure(view: View, name: str, failure: JsonObject) -> str:
    parts = [failure["message"], failure.get("where", "")]
    if trace := failure.get("traceback", ""):
        parts.append(trace[-_LONGEST_TRACE:])
    if hint := failure.get("needs", ""):
        parts.append(f"What would help: {hint}")  # it may name files, and so repeat their words
    text = "\n".join(part for part in parts if part)
    return f"{failure['error_class']}\n{fenced(view, name, 'failure', _shortened(text))}"


def fenced(view: View, name: str, origin: str, text: str) -> str:
    """Text that nobody vouches for, between marks that it cannot know."""
    fence = view["run"]["fence"]
    inside = text.replace(fence, "…")
    return f'<data-{fence} from="{name}" origin="{origin}">\n{inside}\n</data-{fence}>'


def _shortened(text: str) -> str:
    if len(text) <= _LONGEST_RESULT:
        return text
    left_out = len(text) - _LONGEST_RESULT
    head = text[: _LONGEST_RESULT - _LONGEST_TAIL]
    return f"{head}\n[… {left_out} characters left out …]\n{text[-_LONGEST_TAIL:]}"
