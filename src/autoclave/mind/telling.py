"""What came of a call, in the words in which a model reads it."""

from __future__ import annotations

import json

from .views import JsonObject, View

_LONGEST_RESULT = 12_000
_LONGEST_TAIL = 3_000
_LONGEST_TRACE = 1_500


def told(view: View, entry: JsonObject, *, is_cleared: bool = False) -> str:
    """What came of one call, as the model reads it: data inside of marks, shortened."""
    intent, result = entry["intent"], entry["result"]
    name = intent.get("capability", intent["kind"])
    if intent["kind"] == "Ask" and result["ok"]:
        value = result["value"]
        return f"{value['by']} answered: {value['answer']}. {value.get('reason', '')}".strip()
    if not result["ok"]:
        return _told_failure(view, name, result["failure"])
    body = body_of(result)
    if is_cleared:
        return f"[{name} gave {len(body)} characters; left out by now. Call it again if needed.]"
    return _fenced(view, name, _origin(result), _shortened(body))


def body_of(result: JsonObject) -> str:
    """All that a call gave, as text: neither marked nor shortened."""
    parts = [_field(name, value) for name, value in result.get("outputs", {}).items()]
    if applied := result.get("applied"):
        parts.append(f"written: {', '.join(applied['paths'])}")
        parts.append(f"diff:\n{applied.get('diff', '')}")
    if "value" in result:
        parts.append(_field("value", result["value"]))
    return "\n".join(parts) or "nothing"


def _field(name: str, value: object) -> str:
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
    text = "\n".join(part for part in parts if part)
    shown = _fenced(view, name, "failure", _shortened(text))
    hint = failure.get("needs", "")
    return f"{failure['error_class']}\n{shown}" + (f"\nWhat would help: {hint}" if hint else "")


def _fenced(view: View, name: str, origin: str, text: str) -> str:
    fence = view["run"]["fence"]
    inside = text.replace(fence, "…")
    return f'<data-{fence} from="{name}" origin="{origin}">\n{inside}\n</data-{fence}>'


def _shortened(text: str) -> str:
    if len(text) <= _LONGEST_RESULT:
        return text
    left_out = len(text) - _LONGEST_RESULT
    head = text[: _LONGEST_RESULT - _LONGEST_TAIL]
    return f"{head}\n[… {left_out} characters left out …]\n{text[-_LONGEST_TAIL:]}"
