"""Changes that the agent asks to make to itself, their evidence, and permission as a value."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum

from .approval import Approval as Approval
from .canonical import JsonObject, digest
from .changes import ChangeSet, check_relative
from .errors import InvalidInput
from .risk import Risk


class EditOperation(StrEnum):
    """What an edit does to the node that it names."""

    REPLACE = "replace"
    INSERT_BEFORE = "insert_before"
    INSERT_AFTER = "insert_after"
    APPEND = "append"
    """Add `source` at the end of the body of the named class, function or module."""
    REMOVE = "remove"
    RENAME = "rename"
    """Rename the definition and its uses inside the file; `source` is the new name."""
    WRAP = "wrap"
    """Replace a function by one that calls the old body: `source` is a decorator expression."""
    SET_DEFAULT = "set_default"
    """`argument` gets `source` as its default value."""
    ADD_IMPORT = "add_import"
    """`source` is one import statement; the target is the module (empty qualified name)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One LibCST operation, addressed by file, qualified name and hash of the target node."""

    operation: EditOperation
    file: str
    """POSIX path relative to the home's root, such as `capabilities/describe_csv/code.py`."""
    target: str
    """Qualified name (`Class.method`), empty for the module itself."""
    target_hash: str
    """SHA-256 of the UTF-8 source of the target node, `Module.code_for_node(node)` in LibCST."""
    source: str = ""
    argument: str = ""

    def __post_init__(self) -> None:
        check_relative(self.file)

    def to_json(self) -> JsonObject:
        return {**asdict(self), "operation": str(self.operation)}

    @classmethod
    def from_json(cls, data: JsonObject) -> Edit:
        known = {"operation", "file", "target", "target_hash", "source", "argument"}
        if not (isinstance(data, dict) and all(isinstance(each, str) for each in data.values())):
            raise InvalidInput("an edit is an object whose fields are all text")
        if unknown := sorted(data.keys() - known):
            raise InvalidInput(f"an edit has no field {unknown[0]!r}")
        try:
            return cls(**{**data, "operation": EditOperation(data["operation"])})
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput(f"not an edit: {error}") from error


class GateVerdict(StrEnum):
    PASS = "pass"
    FAIL = "fail"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """What one gate found."""

    name: str
    verdict: GateVerdict
    seconds: float
    summary: str
    """One line for the reviewer."""
    facts: JsonObject = field(default_factory=dict)

    def to_json(self) -> JsonObject:
        return {**asdict(self), "verdict": str(self.verdict)}

    @classmethod
    def from_json(cls, data: JsonObject) -> GateResult:
        return cls(**{**data, "verdict": GateVerdict(data["verdict"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """The falsifiable promise that a proposal makes."""

    cause: tuple[int, ...]
    """Ids of the events that show the problem."""
    expected_fixes: tuple[str, ...]
    """Goals that will succeed when they are run again."""
    at_risk: tuple[str, ...] = ()
    undo: str = "autoclave proposal undo ID"
    alternatives: int = 0
    """How many other patches passed the same tests."""

    def to_json(self) -> JsonObject:
        return asdict(self)


class ProposalStatus(StrEnum):
    DRAFT = "draft"
    WAITING = "waiting"
    SIGNED = "signed"
    """One owner said yes; a second one, or the end of the cooling-off, is still missing."""
    FAILED = "failed"
    """A gate said no; kept for learning, cannot be approved."""
    APPROVED = "approved"
    REJECTED = "rejected"
    RETURNED = "returned"
    EXPIRED = "expired"
    APPLIED = "applied"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Edits turned into exact bytes on top of an exact base, before any gate."""

    edits: tuple[Edit, ...]
    changes: ChangeSet
    base_tree: str
    """Digest of the body (mind and capabilities) that the edits were made for."""
    candidate_tree: str
    """Digest of the body with the changes in it."""
    diff: str
    risk: Risk


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was found out about a draft, by whom and where."""

    gates: tuple[GateResult, ...]
    tier: str
    self_test: str
    """Digest of the sandbox's self-test."""

    @property
    def passed(self) -> bool:
        """Not checked counts as fail: every proposal is above the lowest tier."""
        return bool(self.gates) and all(g.verdict is GateVerdict.PASS for g in self.gates)

    @property
    def digest(self) -> str:
        return digest([[g.to_json() for g in self.gates], self.tier, self.self_test])


def approval_digest(draft: Draft, evidence: Evidence, *, rules_digest: str) -> str:
    """The digest that a person approves: base, candidate, shown diff, rules, tier, evidence."""
    return digest(
        {
            "base": draft.base_tree,
            "candidate": draft.candidate_tree,
            "changes": draft.changes.digest,
            "diff": draft.diff,
            "rules": rules_digest,
            "tier": evidence.tier,
            "evidence": evidence.digest,
        }
    )
