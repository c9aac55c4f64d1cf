"""What a model may call: the capabilities of its plan, and a few words to the kernel."""

from __future__ import annotations

from typing import Any

from .views import JsonObject, View

FINISH, ASK, GIVE_UP, SEARCH, PROPOSE = (
    "complete_task",
    "request_human_input",
    "give_up",
    "search_knowledge",
    "propose_change",
)

_TEXT: JsonObject = {"type": "string", "minLength": 1}

_ANSWERS: JsonObject = {
    "type": "array",
    "description": "One for each comment of the person: what you did about it, or why not.",
    "items": {
        "type": "object",
        "required": ["comment", "answer"],
        "additionalProperties": False,
        "properties": {"comment": {"type": "integer", "minimum": 1}, "answer": _TEXT},
    },
}

_OWN: dict[str, JsonObject] = {
    FINISH: {
        "description": "Say that the goal is reached. The done-test is run; if it fails, you "
        "hear why and go on.",
        "properties": {"summary": {**_TEXT, "description": "What was done, and how checked."}},
        "required": ["summary"],
    },
    ASK: {
        "description": "Ask the person one question that only they can answer; work goes on when "
        "the answer is there.",
        "properties": {
            "question": _TEXT,
            "choices": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["question"],
    },
    GIVE_UP: {
        "description": "Say that the goal can't be reached. What was written is taken back.",
        "properties": {
            "reason": {**_TEXT, "description": "What was tried and why it does not work."},
            "needs": {"type": "string", "description": "What would help."},
        },
        "required": ["reason"],
    },
    SEARCH: {
        "description": "Search the documents and lessons that are stored here.",
        "properties": {"query": _TEXT},
        "required": ["query"],
    },
    PROPOSE: {
        "description": "Propose a change of the capability to the person. It is judged by gates "
        "first; what they say comes back.",
        "properties": {
            "title": {**_TEXT, "description": "One line: what changes."},
            "reason": {**_TEXT, "description": "What was wrong and why this mends it."},
            "at_risk": {
                "type": "array",
                "items": {"type": "string"},
                "description": "What could go worse; empty if nothing.",
            },
            "edits": {
                "type": "array",
                "minItems": 1,
                "maxItems": 20,
                "items": {
                    "type": "object",
                    "required": ["operation", "file", "target", "source"],
                    "additionalProperties": False,
                    "properties": {
                        "operation": {
                            "enum": [
                                "replace",
                                "insert_before",
                                "insert_after",
                                "append",
                                "remove",
                                "rename",
                                "wrap",
                                "set_default",
                                "add_import",
                            ]
                        },
                        "file": {
                            "type": "string",
                            "description": "Such as `capabilities/NAME/code.py`.",
                        },
                        "target": {
                            "type": "string",
                            "description": "Qualified name (`Class.method`); empty for the module.",
                        },
                        "source": {
                            "type": "string",
                            "description": "The whole new definition, statement, name, decorator "
                            "or default; empty for `remove`.",
                        },
                        "argument": {"type": "string", "description": "Only for `set_default`."},
                    },
                },
            },
        },
        "required": ["title", "reason", "at_risk", "edits"],
    },
}


def tools(view: View) -> list[JsonObject]:
    """What is offered under the present plan: always the same for one plan, sorted by name."""
    plan = view["plan"] or {}
    offered = [_tool_of(each) for each in view["capabilities"] if each["name"] in plan["uses"]]
    own = [_answering(view, _own(name)) for name in _own_names(view)]
    return sorted(offered, key=lambda tool: str(tool["name"])) + own


def names(view: View) -> list[str]:
    """The names of `tools`, without making them."""
    plan = view["plan"] or {"uses": []}
    there = {each["name"] for each in view["capabilities"]}
    return sorted(there & set(plan["uses"])) + _own_names(view)


def unknown_tool(name: str, known: list[str]) -> str:
    """What to say to a model that calls what does not exist."""
    return f"there is no tool `{name}`; the tools are {', '.join(known)}"


def _own_names(view: View) -> list[str]:
    if view["run"]["kind"] == "improvement":
        return [ASK, GIVE_UP, PROPOSE]
    return [FINISH, GIVE_UP, ASK, SEARCH]


def _answering(view: View, tool: JsonObject) -> JsonObject:
    """A proposal after one that was sent back says something to each of the person's comments."""
    if tool["name"] != PROPOSE or not view["run"]["facts"].get("comments"):
        return tool
    schema = tool["input_schema"]
    properties = {**schema["properties"], "answers": _ANSWERS}
    required = [*schema["required"], "answers"]
    return {**tool, "input_schema": {**schema, "properties": properties, "required": required}}


def _own(name: str) -> JsonObject:
    own = _OWN[name]
    schema = {
        "type": "object",
        "properties": own["properties"],
        "required": own["required"],
        "additionalProperties": False,
    }
    return {"name": name, "description": own["description"], "input_schema": schema}


def _tool_of(offered: JsonObject) -> JsonObject:
    writes = " It writes to the workspace; the person may be asked." if offered["writes"] else ""
    return {
        "name": offered["name"],
        "description": offered["purpose"] + writes,
        "input_schema": _plain(offered["inputs"]),
    }


def _plain(schema: Any) -> Any:
    """The schema without our own keywords, which mean nothing to a model."""
    if isinstance(schema, dict):
        return {key: _plain(each) for key, each in schema.items() if not key.startswith("x-")}
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    return schema
