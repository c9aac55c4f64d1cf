"""Planning by types: capabilities chained so that each one's inputs come from somewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from .reading import Literal, Reading, stem
from .views import JsonObject

_DEEPEST = 5


def compose(capabilities: list[JsonObject], reading: Reading) -> Iterator[JsonObject]:
    """Plans that fit the goal, best first, each as steps with `$slot` for what the goal names."""
    seen: set[str] = set()
    for goal_capability in _serving(capabilities, reading["words"]):
        chain = _Chain(capabilities, reading["literals"])
        if chain.add(goal_capability, depth=0) is None:
            continue
        chain.extend_with_unused_literals()
        plan = chain.plan()
        if plan["signature"] not in seen:
            seen.add(plan["signature"])
            yield plan


def types_of(schema: JsonObject) -> frozenset[str]:
    """The semantic types of one property."""
    given = schema.get("x-type", ())
    return frozenset({given} if isinstance(given, str) else given)


def _serving(capabilities: list[JsonObject], words: list[str]) -> list[JsonObject]:
    """Capabilities that serve words of the goal; a word that few others serve counts more."""
    stems = {each["name"]: {stem(word) for word in each["serves"]} for each in capabilities}
    asked = set(words)

    def score(name: str) -> float:
        hit = stems[name] & asked
        return sum(1 / sum(word in other for other in stems.values()) for word in hit)

    ranked = sorted(capabilities, key=lambda each: (-score(each["name"]), each["name"]))
    return [each for each in ranked if score(each["name"]) > 0]


@dataclass(slots=True)
class _Chain:
    """A plan in the making. Mutable on purpose: it lives inside one call of `compose`."""

    capabilities: list[JsonObject]
    literals: list[Literal]
    steps: list[JsonObject] = field(default_factory=list)
    used: set[int] = field(default_factory=set)
    building: list[str] = field(default_factory=list)

    def add(self, capability: JsonObject, *, depth: int) -> str | None:
        """Add the steps that `capability` needs and itself; its step name, or None if it can't."""
        name = capability["name"]
        if depth > _DEEPEST or name in self.building:
            return None
        before = (list(self.steps), set(self.used))
        self.building.append(name)
        inputs = self._fill(capability, depth=depth)
        self.building.pop()
        if inputs is None:
            self.steps, self.used = before
            return None
        return self._append(capability, inputs)

    def extend_with_unused_literals(self) -> None:
        """Let something take the last step's output to a place that the goal names."""
        unused = {each["type"] for i, each in enumerate(self.literals) if i not in self.used}
        last = self.steps[-1]["capability"]
        given = self._types_given_by(self.steps[-1]["name"])
        for capability in self.capabilities:
            wanted = [types_of(schema) for schema in _required(capability).values()]
            takes_literal = any(types & unused for types in wanted)
            takes_output = any(types & given for types in wanted)
            if capability["name"] != last and takes_literal and takes_output:
                self.add(capability, depth=0)
                return

    def plan(self) -> JsonObject:
        signature = ">".join(step["capability"] for step in self.steps)
        return {"signature": signature, "template": self.steps, "done": self._done()}

    def _fill(self, capability: JsonObject, *, depth: int) -> JsonObject | None:
        required = _required(capability)
        inputs: JsonObject = {}
        for name, schema in capability["inputs"].get("properties", {}).items():
            source = self._source(types_of(schema), needed=name in required, depth=depth)
            if source is not None:
                inputs[name] = source
            elif name in required:
                return None
        return inputs

    def _source(self, types: frozenset[str], *, needed: bool, depth: int) -> JsonObject | None:
        """A literal of the goal, an earlier step's output, or (when needed) a new step's."""
        for index, literal in enumerate(self.literals):
            if literal["type"] in types and index not in self.used:
                self.used.add(index)
                return {"$slot": literal["type"], "index": self._rank(index)}
        for step in reversed(self.steps):
            if reference := self._reference(step["name"], types):
                return reference
        if not needed:
            return None
        for provider in self._providers(types):
            name = self.add(provider, depth=depth + 1)
            if name is not None and (reference := self._reference(name, types)):
                return reference
        return None

    def _rank(self, index: int) -> int:
        kind = self.literals[index]["type"]
        return sum(each["type"] == kind for each in self.literals[:index])

    def _providers(self, types: frozenset[str]) -> list[JsonObject]:
        able = [each for each in self.capabilities if _outputs_of_type(each, types)]
        return sorted(able, key=lambda each: (len(_required(each)), each["name"]))

    def _reference(self, step: str, types: frozenset[str]) -> JsonObject | None:
        outputs = _outputs_of_type(self._capability_of(step), types)
        return {"$ref": f"{step}.{outputs[0]}"} if outputs else None

    def _types_given_by(self, step: str) -> frozenset[str]:
        schemas = self._capability_of(step)["outputs"].get("properties", {}).values()
        return frozenset().union(*(types_of(schema) for schema in schemas))

    def _capability_of(self, step: str) -> JsonObject:
        name = next(each["capability"] for each in self.steps if each["name"] == step)
        return next(each for each in self.capabilities if each["name"] == name)

    def _append(self, capability: JsonObject, inputs: JsonObject) -> str:
        taken = sum(step["capability"] == capability["name"] for step in self.steps)
        name: str = capability["name"] + (f"_{taken + 1}" if taken else "")
        after = sorted({each["$ref"].split(".")[0] for each in inputs.values() if "$ref" in each})
        step: JsonObject = {"name": name, "capability": capability["name"], "inputs": inputs}
        step["after"] = after
        judged = [each for each in after if _verdict_field(self._capability_of(each))]
        if judged:
            field_name = _verdict_field(self._capability_of(judged[0]))
            step["unless"] = {"step": judged[0], "field": field_name}
        self.steps.append(step)
        return name

    def _done(self) -> JsonObject:
        """The last judging capability of the chain, run again, is the done-test."""
        for step in reversed(self.steps):
            capability = self._capability_of(step["name"])
            if verdict := _verdict_field(capability):
                return {"capability": step["capability"], "inputs": {}, "field": verdict}
        return {}


def _required(capability: JsonObject) -> JsonObject:
    properties = capability["inputs"].get("properties", {})
    return {name: properties.get(name, {}) for name in capability["inputs"].get("required", ())}


def _outputs_of_type(capability: JsonObject, types: frozenset[str]) -> list[str]:
    properties = capability["outputs"].get("properties", {})
    return [name for name, schema in properties.items() if types_of(schema) & types]


def _verdict_field(capability: JsonObject) -> str:
    found = _outputs_of_type(capability, frozenset({"verdict"}))
    return found[0] if found else ""
