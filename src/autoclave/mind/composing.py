"""Planning by types: capabilities chained so that each one's inputs come from somewhere."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from .reading import Literal, Reading, stem
from .views import JsonObject

_DEEPEST = 4
_ENOUGH = 0.75


def compose(capabilities: list[JsonObject], reading: Reading) -> list[JsonObject]:
    """Plans that fit the goal, best first, each as steps with `$slot` for what the goal names.

    A plan is better when its capabilities serve more of the goal's words (a word that few serve
    counts more), then when it uses more of what the goal names, then when it is shorter.
    """
    offer = _Offer.of(capabilities, reading)
    chains = []
    for capability in capabilities:
        if not offer.weight_of([capability["name"]]):
            continue
        chain = _add(_Chain(offer=offer), capability, depth=0)
        if chain is not None:
            chains.append(_extended(chain))
    ranked = sorted(chains, key=_Chain.merit, reverse=True)
    # A plan that leaves out much of what was asked for is not another way to the same goal.
    enough = _ENOUGH * ranked[0].merit()[0] if ranked else 0.0
    kept: list[_Chain] = []
    for chain in ranked:
        if chain.merit()[0] >= enough and not any(chain.only_adds_to(other) for other in kept):
            kept.append(chain)
    return [chain.plan() for chain in kept]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Offer:
    """What a plan can be made of: the capabilities, and what the goal says."""

    capabilities: dict[str, JsonObject]
    literals: list[Literal]
    served: dict[str, frozenset[str]]
    """By capability: the words of the goal that it serves."""

    @classmethod
    def of(cls, capabilities: list[JsonObject], reading: Reading) -> _Offer:
        asked = set(reading["words"])
        return cls(
            capabilities={each["name"]: each for each in capabilities},
            literals=reading["literals"],
            served={
                each["name"]: frozenset(stem(word) for word in each["serves"]) & asked
                for each in capabilities
            },
        )

    def weight_of(self, names: list[str]) -> float:
        """How much of the goal's wording these capabilities serve together."""
        words = frozenset[str]().union(*(self.served[name] for name in names))
        return sum(1 / sum(word in each for each in self.served.values()) for word in words)

    def giving(self, types: frozenset[str]) -> list[JsonObject]:
        return [each for each in self.capabilities.values() if outputs_of_type(each, types)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chain:
    """A plan in the making."""

    offer: _Offer
    steps: tuple[JsonObject, ...] = ()
    used: frozenset[int] = frozenset()
    """Indexes of the literals that are used."""
    open: tuple[str, ...] = field(default=())
    """Capabilities whose inputs are being filled; none of them may come again."""

    @property
    def signature(self) -> str:
        return ">".join(step["capability"] for step in self.steps)

    def merit(self) -> tuple[float, int, int]:
        names = [step["capability"] for step in self.steps]
        return (self.offer.weight_of(names), len(self.used), -len(self.steps))

    def only_adds_to(self, other: _Chain) -> bool:
        """Whether it does what `other` does and more, and nothing that was asked for besides."""
        mine = {step["capability"] for step in self.steps}
        theirs = {step["capability"] for step in other.steps}
        return theirs <= mine and self.merit()[0] <= other.merit()[0]

    def capability_of(self, step: str) -> JsonObject:
        name = next(each["capability"] for each in self.steps if each["name"] == step)
        return self.offer.capabilities[name]

    def plan(self) -> JsonObject:
        steps = list(self.steps)
        return {"signature": self.signature, "template": steps, "done": self._done()}

    def _done(self) -> JsonObject:
        """The done-test: what the last step says, or the last judge asked again."""
        for step in reversed(self.steps):
            verdict = verdict_field(self.capability_of(step["name"]))
            if not verdict:
                continue
            if step is self.steps[-1]:
                return {"step": step["name"], "field": verdict}
            return {"capability": step["capability"], "inputs": {}, "field": verdict}
        return {}


def _add(chain: _Chain, capability: JsonObject, *, depth: int) -> _Chain | None:
    """The chain with `capability` at its end and all that it needs before it; None if it can't."""
    if depth > _DEEPEST or capability["name"] in chain.open:
        return None
    filling = replace(chain, open=(*chain.open, capability["name"]))
    inputs: JsonObject = {}
    required = required_inputs(capability)
    for name, schema in capability["inputs"].get("properties", {}).items():
        types = types_of(schema)
        found = _from_goal(filling, types) or _from_steps(filling, types)
        if found is None:
            found = _from_new_step(filling, types, needed=name in required, depth=depth)
        if found is None and name in required:
            return None
        if found is not None:
            filling, inputs[name] = found
    return replace(
        filling, steps=(*filling.steps, _step(filling, capability, inputs)), open=chain.open
    )


def _from_goal(chain: _Chain, types: frozenset[str]) -> tuple[_Chain, JsonObject] | None:
    """A thing that the goal names and that nothing uses yet."""
    for index, literal in enumerate(chain.offer.literals):
        if literal["type"] in types and index not in chain.used:
            kind = literal["type"]
            rank = sum(each["type"] == kind for each in chain.offer.literals[:index])
            return replace(chain, used=chain.used | {index}), {"$slot": kind, "index": rank}
    return None


def _from_steps(chain: _Chain, types: frozenset[str]) -> tuple[_Chain, JsonObject] | None:
    """The output of the latest step that gives such a thing."""
    for step in reversed(chain.steps):
        if outputs := outputs_of_type(chain.capability_of(step["name"]), types):
            return chain, {"$ref": f"{step['name']}.{outputs[0]}"}
    return None


def _from_new_step(
    chain: _Chain, types: frozenset[str], *, needed: bool, depth: int
) -> tuple[_Chain, JsonObject] | None:
    """The output of a further step: of all that give such a thing, the best that can be had.

    What is not needed is worth a step only if that step serves the goal's own words.
    """
    givers = [e for e in chain.offer.giving(types) if needed or chain.offer.served[e["name"]]]
    options = (_add(chain, each, depth=depth + 1) for each in givers)
    best = max((each for each in options if each), key=_Chain.merit, default=None)
    return _from_steps(best, types) if best else None


def _extended(chain: _Chain) -> _Chain:
    """Let something take the last output to a place that the goal names and nothing uses yet."""
    offer, last = chain.offer, chain.steps[-1]["name"]
    unused = {each["type"] for i, each in enumerate(offer.literals) if i not in chain.used}
    given = types_given_by(chain.capability_of(last))
    for capability in offer.capabilities.values():
        wanted = [types_of(schema) for schema in required_inputs(capability).values()]
        fits = any(types & unused for types in wanted) and any(types & given for types in wanted)
        if fits and capability["name"] != chain.capability_of(last)["name"]:
            return _add(chain, capability, depth=0) or chain
    return chain


def _step(chain: _Chain, capability: JsonObject, inputs: JsonObject) -> JsonObject:
    taken = sum(step["capability"] == capability["name"] for step in chain.steps)
    after = sorted({each["$ref"].split(".")[0] for each in inputs.values() if "$ref" in each})
    step: JsonObject = {
        "name": capability["name"] + (f"_{taken + 1}" if taken else ""),
        "capability": capability["name"],
        "inputs": inputs,
        "after": after,
    }
    for earlier in after:
        if verdict := verdict_field(chain.capability_of(earlier)):
            step["unless"] = {"step": earlier, "field": verdict}
    return step


def types_of(schema: JsonObject) -> frozenset[str]:
    """The semantic types of one property."""
    given = schema.get("x-type", ())
    return frozenset({given} if isinstance(given, str) else given)


def required_inputs(capability: JsonObject) -> JsonObject:
    properties = capability["inputs"].get("properties", {})
    return {name: properties.get(name, {}) for name in capability["inputs"].get("required", ())}


def outputs_of_type(capability: JsonObject, types: frozenset[str]) -> list[str]:
    properties = capability["outputs"].get("properties", {})
    return [name for name, schema in properties.items() if types_of(schema) & types]


def types_given_by(capability: JsonObject) -> frozenset[str]:
    properties = capability["outputs"].get("properties", {})
    return frozenset[str]().union(*(types_of(schema) for schema in properties.values()))


def verdict_field(capability: JsonObject) -> str:
    """The output in which a judging capability says yes or no; empty for all others."""
    found = outputs_of_type(capability, frozenset({"verdict"}))
    return found[0] if found else ""
