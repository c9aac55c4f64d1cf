"""Carrying out an open plan: the model says what comes next, call by call."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from .model_plans import ask_for_plan, declined
from .prompting import think
from .talking import Talk, messages, pending, read_talk
from .telling import fenced
from .toolbelt import ASK, FINISH, GIVE_UP, PROPOSE, SEARCH, names, tools
from .views import JsonObject, Reply, View, reply

_MOST_TOKENS = 8_192
_MOST_PLANS = 2
_MOST_OVERFLOWS = 4
_SHALL_I = "I keep repeating myself. Shall I go on? A hint would help."
_MOST_SILENT = 2
"""Answers in a row without a call, before what the model says is taken for its claim."""
_MOST_AWAY = 20
"""Times in a row that nothing came from the model, before the run ends."""
_COME_BACK = frozenset(
    {"ModelUnavailable", "Interrupted", "CredentialMissing", "ConfigurationInvalid", "TooLong"}
)
"""Failures of a call after which the same question is asked again, once whatever it was is over."""


def converse(view: View) -> Reply:
    """The next call that the model asked for, or the next question to it."""
    view = {**view, "tools": names(view)}
    if failed := _failed_in_row(view):
        return _after_failure(view, failed)
    talk = read_talk(view)
    if (call := pending(talk, view["tools"])) is not None:
        return _make(view, call)
    last = talk.turns[-1].answer if talk.turns else None
    if last and last["stop"] == "refusal":
        return _refused(last)
    if talk.overflows > _MOST_OVERFLOWS:
        return _ended("the conversation does not fit into the model's window", "a smaller goal")
    if talk.was_stopped:
        return _ended("a person said not to go on", "")
    if talk.nudges > 1:
        return _out_of_the_circle(view)
    if _silent(talk) > _MOST_SILENT:
        return reply({"kind": "Finish", "summary": _said(talk)}, why="the model says it is done")
    if talk.wants_summary:
        return reply(_summarise(view, talk), why="the conversation outgrows the model's window")
    return reply(_ask_on(view, talk), why="ask the model what comes next")


def _ask_on(view: View, talk: Talk) -> JsonObject:
    cut = sum(turn.answer["stop"] == "max_tokens" for turn in talk.turns[-2:])
    most = min(_MOST_TOKENS * 2**cut, view["model_limits"]["output"])
    said = messages(view, talk, _opening(view))
    return think(view, _purpose(view), said, tools=tools(view), most_tokens=most)


def _summarise(view: View, talk: Talk) -> JsonObject:
    """The same conversation with one more word, so that all of it is read from the cache."""
    said = messages(view, talk, _opening(view))
    question = {"type": "text", "text": view["prompts"]["compact"]}
    if said[-1]["role"] == "user":
        said = [*said[:-1], {"role": "user", "content": [*said[-1]["content"], question]}]
    else:
        said = [*said, {"role": "user", "content": [question]}]
    asked = think(view, _purpose(view), said, tools=tools(view), most_tokens=4_096)
    return {**asked, "purpose": "compact"}


def _opening(view: View) -> str:
    """The first message: all that is known at the start, so it never changes."""
    run, plan = view["run"], view["plan"] or {}
    parts = [f"Goal: {run['text']}"]
    if run["kind"] == "improvement":
        facts = run["facts"]
        parts = [
            f"Capability: {facts['capability']}, in capabilities/{facts['capability']}/ of the "
            "workspace",
            f"What keeps failing: {fenced(view, 'cases', 'capability', facts['title'])}",
            *_comments(view),
        ]
    elif run["has_workspace"]:
        parts.append("There is a workspace; paths are relative to it.")
    else:
        parts.append("There is no workspace.")
    if run["done"]:
        parts.append(f"Done-test, run when you call `complete_task`: {' '.join(run['done'])}")
    if plan.get("approach"):
        parts.append(f"Your plan: {plan['approach']}")
    if lessons := _lessons(view):
        known = "\n".join(f"- {lesson}" for lesson in lessons)
        parts.append(
            f"From earlier goals like this one:\n{fenced(view, 'lessons', 'capability', known)}"
        )
    return "\n\n".join(parts)


def _comments(view: View) -> list[str]:
    """What a person said to the last draft: their words, each to be answered."""
    facts = view["run"]["facts"]
    if not (comments := facts.get("comments")):
        return []
    listed = "\n".join(f"{number}. {each}" for number, each in enumerate(comments, start=1))
    fence = view["run"]["fence"]
    return [
        f"Your last draft, {facts['returned']}, was read by the person and sent back. Their words "
        f"stand between the marks. Heed each one and answer each one in `answers`, by its number.\n"
        f"<person-{fence}>\n{listed.replace(fence, '…')}\n</person-{fence}>"
    ]


def _lessons(view: View) -> list[str]:
    """Of goals like this one, then of patterns about them; whose words they are is said."""
    recalled = view["recalled"] or {}
    lived = [each["lesson"][:300] for each in recalled.get("experiences", []) if each.get("lesson")]
    told = [
        f"(a model's words for {each['uses']} goals) {each['lesson'][:600]}"
        for each in recalled.get("patterns", [])
        if each.get("lesson")
    ]
    return lived[:5] + told[:3]


def _make(view: View, call: JsonObject) -> Reply:
    """The intent behind a call. The kernel holds its inputs against the schema and the rules."""
    if own := _OWN.get(call["name"]):
        return own(view, call["input"])
    intent = {
        "kind": "Act",
        "step": call["step"],
        "capability": call["name"],
        "inputs": call["input"],
    }
    return reply(intent, why=f"the model calls {call['name']}")


def _finish(view: View, given: JsonObject) -> Reply:
    return reply({"kind": "Finish", "summary": _str(given, "summary")}, why="the model is done")


def _ask(view: View, given: JsonObject) -> Reply:
    choices = given.get("choices")
    intent = {
        "kind": "Ask",
        "question": _str(given, "question") or "May I go on?",
        "choices": [str(each) for each in _list(choices)],
    }
    return reply(intent, why="the model needs a person")


def _give_up(view: View, given: JsonObject) -> Reply:
    return _ended(_str(given, "reason") or "the model gave up", _str(given, "needs"))


def _search(view: View, given: JsonObject) -> Reply:
    return reply({"kind": "Search", "query": _str(given, "query")}, why="the model looks it up")


def _propose(view: View, given: JsonObject) -> Reply:
    facts, edits = view["run"]["facts"], given.get("edits")
    at_risk = given.get("at_risk")
    intent = {
        "kind": "Propose",
        "title": f"{facts['capability']}: {_str(given, 'title')}",
        "reason": _str(given, "reason"),
        "edits": [_edit(e) for e in edits if isinstance(e, dict)]
        if isinstance(edits, list)
        else [],
        "contract": {
            "cause": facts["cases"],
            "expected_fixes": facts["goals"],
            "at_risk": [str(each) for each in _list(at_risk)],
            "drafted_by": "model",
            "answers": _list(given.get("answers")),
        },
    }
    return reply(intent, path=("LEARNING", "MODIFYING"), why="the model proposes a change")


def _edit(given: JsonObject) -> JsonObject:
    """As text, with an empty hash: the kernel anchors it to what the model was shown."""
    return {"target_hash": "", **{str(k): str(v) for k, v in given.items()}}


_OWN: Mapping[str, Callable[[View, JsonObject], Reply]] = {
    FINISH: _finish,
    ASK: _ask,
    GIVE_UP: _give_up,
    SEARCH: _search,
    PROPOSE: _propose,
}


def _failed_in_row(view: View) -> list[JsonObject]:
    """The failures of the last questions to the model, newest first, since it last answered."""
    found = []
    for entry in reversed(view["transcript"]):
        if entry["intent"]["kind"] != "Think" or entry["result"]["ok"]:
            break
        found.append(entry["result"]["failure"])
    return found


def _after_failure(view: View, failed: list[JsonObject]) -> Reply:
    """Ask again when that can help; what was wrong with the question itself ends the run."""
    newest = failed[0]
    if newest["error_class"] in _COME_BACK and len(failed) <= _MOST_AWAY:
        talk = read_talk(view)
        return reply(_ask_on(view, talk), why=f"ask again after {newest['error_class']}")
    reason = f"the model can't be asked: {newest['error_class']}: {newest['message']}"
    return _ended(reason, newest.get("needs", ""))


def _refused(answer: JsonObject) -> Reply:
    return _ended(*declined(answer))


def _out_of_the_circle(view: View) -> Reply:
    """A nudge did not help: plan anew, then ask the person, then stop."""
    plans = sum(signature.startswith("model:open:") for signature in view["plans_tried"])
    if plans + 1 < _MOST_PLANS and view["run"]["kind"] != "improvement":
        return ask_for_plan(view, path=("PLANNING",), why="the work goes round in circles")
    asked = sum(e["intent"].get("question") == _SHALL_I for e in view["transcript"])
    if asked < _MOST_PLANS:
        why = "the work goes round in circles"
        return reply({"kind": "Ask", "question": _SHALL_I}, why=why)
    return _ended("the work goes round in circles", "a hint")


def _ended(reason: str, needs: str) -> Reply:
    intent = {"kind": "GiveUp", "reason": reason, "needs": needs}
    return reply(intent, path=("ERROR", "RECOVERING"), why=reason)


def _silent(talk: Talk) -> int:
    """Answers without a call at the end of the talk."""
    count = 0
    for turn in reversed(talk.turns):
        if turn.calls or turn.answer["stop"] in ("pause_turn", "max_tokens"):
            break
        count += 1
    return count


def _said(talk: Talk) -> str:
    return str(talk.turns[-1].answer["text"])[:2000] or "the model says nothing more"


def _purpose(view: View) -> str:
    return "draft" if view["run"]["kind"] == "improvement" else "work"


def _str(given: JsonObject, name: str) -> str:
    value = given.get(name, "")
    return value if isinstance(value, str) else json.dumps(value)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
