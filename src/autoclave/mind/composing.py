"""Planning by types: capabilities chained so that each one's inputs come from somewhere."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from .reading import Literal, Reading, stem
from .views import JsonObject

_DEEPEST = 4
_MOST_TRIES = 500
"""Steps that are tried out for one plan; what is not found by then is too far-fetched."""
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
        offer.tries.clear()
        chain = _add(_Chain(offer=offer), capability, depth=0)
        if chain is not None:
            chains.append(_extended(chain))
    ranked = sorted(chains, key=_Chain.merit, reverse=True)
    kept: list[_Chain] = []
    for chain in ranked:
        needless = any(chain.only_adds_to(other) for other in kept)
        if not needless and chain.is_another_way_than(ranked[0]):
            kept.append(chain)
    return [chain.plan() for chain in kept]


def does_what_is_asked(
    steps: list[JsonObject], plans: list[JsonObject], capabilities: list[JsonObject], text: Reading
) -> bool:
    """Whether steps that worked for another goal do neither less nor more than this one asks for.

    `plans` is what `compose` makes of the goal, best first.
    """
    if not plans:
        return True
    offer = _Offer.of(capabilities, text)
    best = plans[0]["template"]
    mine, weight = _names(steps), offer.weight_of(_names(steps))
    if weight < _ENOUGH * offer.weight_of(_names(best)) or _slots(steps) < _slots(best):
        return False
    theirs = (_names(plan["template"]) for plan in plans)
    return not any(set(e) < set(mine) and weight <= offer.weight_of(e) for e in theirs)


def _names(steps: list[JsonObject]) -> list[str]:
    return [step["capability"] for step in steps]


def _slots(steps: list[JsonObject]) -> int:
    """How many of the things that the goal names are used."""
    values = [value for step in steps for value in step["inputs"].values()]
    slots = [value for value in values if isinstance(value, dict) and "$slot" in value]
    return len({(slot["$slot"], slot["index"]) for slot in slots})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Offer:
    """What a plan can be made of: the capabilities, and what the goal says."""

    capabilities: dict[str, JsonObject]
    literals: list[Literal]
    served: dict[str, frozenset[str]]
    """By capability: the words of the goal that it serves."""
    weights: dict[str, float]
    """By word: a word that few serve counts more."""
    givers: dict[frozenset[str], list[JsonObject]] = field(default_factory=dict)
    tries: list[str] = field(default_factory=list)
    """What was tried out for the plan in hand, so that the search has an end."""

    @classmethod
    def of(cls, capabilities: list[JsonObject], reading: Reading) -> _Offer:
        asked = set(reading["words"])
        served = {
            each["name"]: frozenset(stem(word) for word in each["serves"]) & asked
            for each in capabilities
        }
        counts = Counter(word for words in served.values() for word in words)
        return cls(
            capabilities={each["name"]: each for each in capabilities},
            literals=reading["literals"],
            served=served,
            weights={word: 1 / count for word, count in sorted(counts.items())},
        )

    def weight_of(self, names: list[str]) -> float:
        """How much of the goal's wording these capabilities serve together."""
        words = frozenset[str]().union(*(self.served[name] for name in names))
        return sum(weight for word, weight in self.weights.items() if word in words)

    def giving(self, types: frozenset[str]) -> list[JsonObject]:
        """The capabilities with such an output, looked up once for each set of types."""
        if types not in self.givers:
            every = self.capabilities.values()
            self.givers[types] = [each for each in every if outputs_of_type(each, types)]
        return self.givers[types]


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

    def is_another_way_than(self, best: _Chain) -> bool:
        """Not if it leaves out much of what was asked for, or a thing that the goal names."""
        weight, used, _ = best.merit()
        return self.merit()[0] >= _ENOUGH * weight and len(self.used) >= used

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
            # A judge that an earlier verdict can make needless has nothing to say then.
            if step is self.steps[-1] and "unless" not in step:
                return {"step": step["name"], "field": verdict}
            if "unless" not in step:
                name = step["capability"]
                return {"capability": name, "inputs": step["inputs"], "field": verdict}
        return {}


def _add(chain: _Chain, capability: JsonObject, *, depth: int) -> _Chain | None:
    """The chain with `capability` at its end and all that it needs before it; None if it can't."""
    tries = chain.offer.tries
    if depth > _DEEPEST or capability["name"] in chain.open or len(tries) >= _MOST_TRIES:
        return None
    tries.append(capability["name"])
    filling = replace(chain, open=(*chain.open, capability["name"]))
    inputs: JsonObject = {}
    required = required_inputs(capability)
    properties = {**required, **capability["inputs"].get("properties", {})}
    for name, schema in properties.items():
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
    """Let something take the last output to a place that the goal names and nothing uses yet.

    Where nothing takes it as it is, one further step may bring it into another form first.
    """
    unused = {e["type"] for i, e in enumerate(chain.offer.literals) if i not in chain.used}
    takers = [e for e in chain.offer.capabilities.values() if _takes(e, frozenset(unused))]
    for between in (None, *chain.offer.capabilities.values()):
        for taker in takers:
            if longer := _carried(chain, between, taker):
                return longer
    return chain


def _carried(chain: _Chain, between: JsonObject | None, taker: JsonObject) -> _Chain | None:
    """The chain whose last output goes to `taker`, perhaps by way of `between`; None if not."""
    longer = chain
    for capability in [each for each in (between, taker) if each is not None]:
        last = longer.steps[-1]
        given = types_given_by(longer.capability_of(last["name"]))
        is_there = any(step["capability"] == capability["name"] for step in longer.steps)
        if is_there or not _takes(capability, given):
            return None
        added = _add(longer, capability, depth=0)
        if added is None or last["name"] not in added.steps[-1]["after"]:
            return None
        longer = added
    return longer if len(longer.used) > len(chain.used) else None


def _takes(capability: JsonObject, types: frozenset[str]) -> bool:
    """Whether it can do nothing without a thing of one of these types."""
    return any(types_of(schema) & types for schema in required_inputs(capability).values())


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


def types_of(schema: JsonObject | bool) -> frozenset[str]:
    """The semantic types of one property."""
    given = schema.get("x-type", ()) if isinstance(schema, dict) else ()
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
