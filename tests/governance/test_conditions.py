"""Each condition: when it holds, when it does not, and when it cannot tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from autoclave.domain.errors import InvalidInput
from autoclave.domain.risk import Action, ActionKind, Origin
from autoclave.governance.conditions import NAMES, make, make_when
from autoclave.governance.globs import Answer
from autoclave.governance.schema import WhenSection

YES, NO, UNKNOWN = Answer.YES, Answer.NO, Answer.UNKNOWN
MakeAction = Callable[..., Action]
LABELS = {"untrusted": frozenset({Origin.WEB, Origin.FILE})}


def ask(name: str, wanted: Any, action: Action) -> Answer:
    return make(name, wanted, frozenset({action.kind}), LABELS).ask(action)[0]


def test_file_may_use_exactly_the_conditions_that_exist() -> None:
    """The schema and the evaluator name the same closed set."""
    in_files = {each.alias or name for name, each in WhenSection.model_fields.items()}

    assert in_files - {"kind"} == set(NAMES)


@pytest.mark.parametrize(
    ("name", "wanted", "argv", "answer"),
    [
        ("executable", ["curl"], ["curl", "x"], YES),
        ("executable", ["curl"], ["/tmp/curl"], UNKNOWN),
        ("executable", ["curl"], ["CURL"], UNKNOWN),
        ("executable", ["curl"], ["sh", "-c", "curl x"], UNKNOWN),
        ("executable", ["curl"], ["env", "curl"], UNKNOWN),
        ("executable", ["curl"], ["python", "a.py"], NO),
        ("executable", ["curl"], [], UNKNOWN),
        ("executable", ["curl"], [""], UNKNOWN),
        ("executable", ["curl"], "curl x", UNKNOWN),
        ("argv_prefix", ["git", "push"], ["git", "push", "-f"], YES),
        ("argv_prefix", ["git", "push"], ["git", "status"], NO),
        ("argv_prefix", ["git", "push"], ["git"], NO),
        ("argv_prefix", ["git", "push"], ["/opt/git", "push"], UNKNOWN),
    ],
)
def test_command(
    name: str, wanted: list[str], argv: object, answer: Answer, action: MakeAction
) -> None:
    """Programs are compared exactly; a look-alike or a wrapper is no clear answer."""
    assert ask(name, wanted, action("command.run", argv=argv)) is answer


def test_capability_without_a_command_runs_none(action: MakeAction) -> None:
    """The kernel states `argv` of a capability only where there is one."""
    run = action("capability.run", "read_file", network=[])

    assert ask("executable", ["curl"], run) is NO


@pytest.mark.parametrize(
    ("name", "paths", "answer"),
    [
        ("paths_any", ["a.py", "docs/x"], YES),
        ("paths_any", ["a.py"], NO),
        ("paths_any", ["DOCS/x"], UNKNOWN),
        ("paths_any", ["docs/../a"], UNKNOWN),
        ("paths_any", [1], UNKNOWN),
        ("paths_all", ["docs/x", "docs/y/z"], YES),
        ("paths_all", ["docs/x", "a.py"], NO),
        ("paths_all", ["docs/x", "DOCS/y"], UNKNOWN),
        ("paths_all", [], UNKNOWN),
    ],
)
def test_paths(name: str, paths: object, answer: Answer, action: MakeAction) -> None:
    """One bad path is enough for `any`; `all` of nothing is no answer."""
    assert ask(name, ["docs/**"], action("workspace.write", paths=paths)) is answer


def test_target_of_a_write_is_a_path_too(action: MakeAction) -> None:
    """A target beside the list of paths cannot slip past a rule about paths."""
    write = action("workspace.write", "docs/secret", paths=["a.py"])

    assert ask("paths_any", ["docs/**"], write) is YES
    assert ask("paths_all", ["*.py"], write) is NO


@pytest.mark.parametrize(
    ("wanted", "attributes", "answer"),
    [
        (["network"], {"network": ["pypi.org"]}, YES),
        (["network"], {"network": []}, NO),
        (["network"], {}, UNKNOWN),
        (["network"], {"network": "pypi.org"}, UNKNOWN),
        (["model"], {"model": True}, YES),
        (["model"], {}, NO),
        (["model"], {"model": "yes"}, UNKNOWN),
        (["workspace_read"], {"workspace": "write"}, YES),
        (["workspace_write"], {"workspace": "read"}, NO),
        (["commands"], {"commands": ["git"]}, YES),
    ],
)
def test_needs(
    wanted: list[str], attributes: dict[str, object], answer: Answer, action: MakeAction
) -> None:
    """What a capability needs, as its manifest states it."""
    run = action("capability.run", "x", **attributes)

    assert ask("needs_any", wanted, run) is answer
    opposite = {YES: NO, NO: YES, UNKNOWN: UNKNOWN}
    assert ask("needs_none", wanted, run) is opposite[answer]


@pytest.mark.parametrize(
    ("host", "answer"),
    [
        ("example.org", YES),
        ("docs.example.net", YES),
        ("a.b.example.net", NO),
        ("example.net", NO),
        ("evil-example.org", NO),
        ("EXAMPLE.org", UNKNOWN),
        ("example.org.", UNKNOWN),
        ("ex\u0430mple.org", UNKNOWN),
        ("", UNKNOWN),
    ],
)
def test_host(host: str, answer: Answer, action: MakeAction) -> None:
    """A host is exact or one label below a domain; an odd spelling is no clear answer."""
    request = action("network.request", host, host=host)

    assert ask("host", ["example.org", "*.example.net"], request) is answer


@pytest.mark.parametrize(
    ("name", "wanted", "value", "answer"),
    [
        ("over", {"files": 5}, 6, YES),
        ("over", {"files": 5}, 5, NO),
        ("over", {"files": 5}, True, UNKNOWN),
        ("over", {"files": 5}, float("nan"), UNKNOWN),
        ("over", {"files": 5}, "6", UNKNOWN),
        ("at_most", {"files": 5}, 5, YES),
        ("at_most", {"files": 5}, 6, NO),
        ("at_most", {"files": 5, "bytes": 5}, 5, UNKNOWN),
    ],
)
def test_numbers(
    name: str, wanted: dict[str, float], value: object, answer: Answer, action: MakeAction
) -> None:
    """Only real numbers compare."""
    assert ask(name, wanted, action("workspace.write", files=value)) is answer


@pytest.mark.parametrize(
    ("name", "wanted", "attributes", "answer"),
    [
        ("is", {"shell": "true"}, {"shell": True}, YES),
        ("is", {"shell": "true"}, {"shell": False}, NO),
        ("is", {"shell": "true"}, {"shell": 1}, UNKNOWN),
        ("is", {"shell": "false"}, {}, UNKNOWN),
        ("is_not", {"shell": "true"}, {"shell": False}, YES),
        ("is_not", {"shell": "true", "sealed": "true"}, {"shell": True, "sealed": False}, NO),
    ],
)
def test_values(
    name: str,
    wanted: dict[str, str],
    attributes: dict[str, object],
    answer: Answer,
    action: MakeAction,
) -> None:
    """Truth is true or false and nothing that only looks like it."""
    assert ask(name, wanted, action("command.run", **attributes)) is answer


def test_imports_are_taken_with_what_is_below_them(action: MakeAction) -> None:
    """`os` is meant with `os.path` and not with `osmosis`."""

    def importing(*modules: str) -> Answer:
        change = action("self_modification", new_imports=list(modules))
        return ask("imports_any", ["os", "socket"], change)

    assert importing("json", "os.path") is YES
    assert importing("osmosis") is NO
    assert importing() is NO


def test_labels_come_from_origins_and_from_the_kernel(action: MakeAction) -> None:
    """A label is carried when its origin is there or when the kernel states it."""
    untrusted = ["untrusted"]

    assert ask("carries_label_any", untrusted, action("model.call", origin="web")) is YES
    assert ask("carries_label_any", untrusted, action("model.call", labels=["untrusted"])) is YES
    assert ask("carries_label_any", untrusted, action("model.call")) is NO
    assert ask("carries_label_any", untrusted, action("model.call", labels="untrusted")) is UNKNOWN


def test_value_without_an_origin_is_no_clear_answer() -> None:
    """What nothing is known about is not trusted."""
    goal = Action(kind=ActionKind.GOAL_ADD, target="x", origins=frozenset())

    assert ask("origins_only", ["person"], goal) is UNKNOWN
    assert ask("origins_any", ["web"], goal) is UNKNOWN


def test_touches_only_of_nothing_is_no_clear_answer(action: MakeAction) -> None:
    """A change that says it touches nothing is not let through as harmless."""
    assert ask("touches_only", ["docs"], action("self_modification", touches=[])) is UNKNOWN
    assert ask("touches_only", ["docs"], action("self_modification", touches=["docs"])) is YES
    assert ask("touches_any", ["docs"], action("self_modification", touches=["mind"])) is NO


@pytest.mark.parametrize(
    ("name", "wanted", "message"),
    [
        ("touches_any", ["capabilites"], "did you mean `capabilities`"),
        ("paths_any", ["a/../b"], "has an empty part"),
        ("executable", ["x"], "workspace.write does not have"),
        ("is", {"shel": "true"}, "has no attribute `shel`"),
        ("over", {"paths": 3}, "is a list of texts"),
        ("is", {"files": "3"}, "compares texts"),
        ("origins_any", ["wep"], "did you mean `web`"),
        ("carries_label_any", ["untrustd"], "did you mean `untrusted`"),
    ],
)
def test_condition_that_could_never_hold_is_refused(name: str, wanted: Any, message: str) -> None:
    """A mistake in a rule shows when it is made, not when it is needed."""
    kind = ActionKind.SELF_MODIFICATION if "touch" in name else ActionKind.WORKSPACE_WRITE

    with pytest.raises(InvalidInput, match=message):
        make_when([kind], {name: wanted}, labels=LABELS)
