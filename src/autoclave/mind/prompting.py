"""The intent to ask a model: the instructions for a purpose, what is said, what is left."""

from __future__ import annotations

from .views import JsonObject, View

_TELL_AT = (0.9, 0.7)


def think(view: View, purpose: str, said: list[JsonObject], **more: object) -> JsonObject:
    """The intent to ask the model, with the instructions for this purpose."""
    asked = {
        "kind": "Think",
        "purpose": purpose,
        "messages": said,
        "system": view["prompts"][purpose],
        **more,
    }
    if notice := _notice(view):
        asked["notice"] = notice
    return asked


def _notice(view: View) -> str:
    """Told with the question and never kept: how much of the budget is gone."""
    used = view["budget_used"]
    passed = next((share for share in _TELL_AT if used >= share), None)
    if passed is None:
        return ""
    rest = "Finish what is most important now." if passed >= 0.9 else "Come to an end soon."
    return f"[{passed:.0%} of this goal's budget is used up. {rest}]"
