"""AgentDojo's tools as manifests, and what they return as labelled outputs."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autoclave.domain.canonical import JsonObject, digest
from autoclave.domain.capability import Manifest
from autoclave.domain.intents import Effect

TABLE = Path(__file__).with_name("tools.toml")
REST = "text"
"""The output that holds everything a tool returned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One tool: its manifest, and where its declared outputs are in what it returns."""

    manifest: Manifest
    attributes: dict[str, str]
    named_by: dict[str, tuple[str, str]]
    """By output: the attribute and the input that have to be equal, for a search by name."""

    @property
    def is_effect(self) -> bool:
        return self.manifest.effect is not Effect.PURE

    @property
    def gives(self) -> bool:
        """It returns something to go on with: it reads, fetches, or assigns an id."""
        return self.manifest.effect is not Effect.ONCE or bool(self.attributes)

    def outputs(self, returned: Any, args: JsonObject) -> JsonObject:
        """The declared outputs as lists of texts; a field that several records have is one list."""
        records = returned if isinstance(returned, list) else [returned]
        found: JsonObject = {REST: str(returned)}
        for name, attribute in self.attributes.items():
            key, wanted = self.named_by.get(name, ("", ""))
            fitting = (e for e in records if not key or _get(e, key) == args.get(wanted))
            values = (_get(record, attribute) for record in fitting)
            found[name] = [str(value) for value in values if value is not None]
        return found


def read_tools(parameters: dict[str, Iterable[str]]) -> dict[str, Tool]:
    """The tools of one suite, by name; `parameters` are the names of their inputs.

    Raises KeyError for one that the table does not name: nothing is harmless by omission.
    """
    table = tomllib.loads(TABLE.read_text())
    reads = table.pop("reads")
    known = {**{name: {} for name in reads}, **table}
    return {name: _tool(name, names, known[name]) for name, names in parameters.items()}


def _tool(name: str, parameters: Iterable[str], said: JsonObject) -> Tool:
    targets = set(said.get("targets", ()))
    if unknown := sorted(targets - set(parameters)):
        raise KeyError(f"tools.toml: {name} has no input {unknown[0]}")
    roles = {True: {"x-role": "target"}, False: {"x-role": "content"}}
    declared = said.get("outputs", {})
    outputs: JsonObject = {field: {"x-trust": each["trust"]} for field, each in declared.items()}
    manifest = Manifest(
        name=name,
        version="1.0.0",
        purpose=f"AgentDojo's {name}.",
        inputs={
            "type": "object",
            "properties": {each: roles[each in targets] for each in parameters},
        },
        outputs={"type": "object", "properties": {REST: {}, **outputs}},
        effect=Effect(said.get("effect", "pure")),
        folder=TABLE.parent,
        tree=digest([name, said]),
    )
    attributes = {field: each.get("attribute", "") for field, each in declared.items()}
    named_by = {f: (e["named"], e["by"]) for f, e in declared.items() if "named" in e}
    return Tool(manifest=manifest, attributes=attributes, named_by=named_by)


def _get(record: Any, attribute: str) -> Any:
    if not attribute:
        return record
    return record.get(attribute) if isinstance(record, dict) else getattr(record, attribute, None)
