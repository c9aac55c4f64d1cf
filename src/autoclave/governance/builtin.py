"""The rules that live in code, which no file can switch off, with their reasons and examples."""

from __future__ import annotations

from functools import cache

from ..domain.approval import Quorum
from ..domain.broker import READING
from ..domain.canonical import digest
from ..domain.risk import Action, ActionKind, Origin, Risk, Verdict
from .attributes import read_paths, read_text, read_texts, read_truth
from .components import Component
from .conditions import make_when
from .paths import PROTECTED_NAMES, everywhere, unclean
from .provenance import provenance_rules
from .rule import Condition, Layer, Rule, Test, When

_WRITES = (ActionKind.WORKSPACE_WRITE, ActionKind.SELF_MODIFICATION)
_RUNS = (ActionKind.CAPABILITY_RUN, ActionKind.COMMAND_RUN)
_JUDGES = ("kernel", "rules", "sandbox", "approval", "audit", "secrets", "ci")
_LOOKS_ONLY = frozenset(
    {ActionKind.WORKSPACE_READ, ActionKind.KNOWLEDGE_READ, ActionKind.MODEL_CALL}
)


@cache
def built_in_rules() -> tuple[Rule, ...]:
    """All of them."""
    return (
        *_about_kinds(),
        *_about_paths(),
        *_about_ourselves(),
        *_about_runs(),
        *_about_the_outside(),
        *provenance_rules(),
    )


def core_digest() -> str:
    """What a rule file may name as `core_digest`, to be refused under other built-in rules."""
    return digest(sorted((rule.to_json() for rule in built_in_rules()), key=lambda r: r["id"]))


def _about_kinds() -> tuple[Rule, ...]:
    return (
        Rule(
            id="known-kinds-only",
            effect=Verdict.DENY,
            risk=Risk.R5,
            when=_when(unknown_kind=_kind_is_unknown),
            reason="what has no name in the rules cannot be judged",
            match=(Action(kind="format.disk", target="/dev/sda"),),  # type: ignore[arg-type]
            not_match=(_read("notes.md"),),
            layer=Layer.BUILT_IN,
        ),
    )


def _about_paths() -> tuple[Rule, ...]:
    return (
        Rule(
            id="paths-stay-below-their-root",
            effect=Verdict.DENY,
            risk=Risk.R5,
            when=_when(*_WRITES, ActionKind.WORKSPACE_READ, unclean_paths=_has_unclean_path),
            reason="a path has to be clean, readable text below its root",
            match=(
                _write("../outside.txt"),
                _write("/etc/passwd"),
                _write("a/./b"),
                _write("two\nlines"),
                _write("bidi\u202etxt.exe"),
                _write("not-utf8\udcff"),
                _read("../../home/me/.ssh/id_rsa"),
            ),
            not_match=(_write("src/app.py"), _write("übung/ñandú.md"), _read(".")),
            layer=Layer.BUILT_IN,
        ),
        Rule(
            id="protected-names",
            effect=Verdict.DENY,
            risk=Risk.R5,
            when=make_when(_WRITES, {"paths_any": everywhere(PROTECTED_NAMES)}),
            reason="other programs run or trust these files, or they hold secrets",
            match=(
                _write(".git/hooks/pre-commit"),
                _write("vendor/lib/.git/config"),
                _write(".env"),
                _write(".bashrc"),
                _write(".github/workflows/ci.yml"),
                _write(".vscode/tasks.json"),
                _write("home/.ssh/authorized_keys"),
                _write("safety_rules.yaml"),
                _write("lib/evil.pth"),
                _modify(["capabilities"], "capabilities/x/.git/hooks/post-checkout"),
            ),
            not_match=(_write(".gitignore"), _write("environment.py"), _write("docs/git.md")),
            layer=Layer.BUILT_IN,
        ),
    )


def _about_ourselves() -> tuple[Rule, ...]:
    modification = ActionKind.SELF_MODIFICATION
    return (
        Rule(
            id="hands-off-the-judges",
            effect=Verdict.DENY,
            risk=Risk.R5,
            when=make_when([modification], {"touches_any": _JUDGES}),
            reason="an agent that may edit what judges it has no judge",
            match=(
                *(_modify([part], f"{part}.txt") for part in _JUDGES),
                _modify(["capabilities", "audit"], "capabilities/x/code.py", "audit.txt"),
            ),
            not_match=(_modify(["capabilities"], "capabilities/x/code.py"),),
            layer=Layer.BUILT_IN,
        ),
        Rule(
            id="known-parts-only",
            effect=Verdict.DENY,
            risk=Risk.R5,
            when=_when(modification, unknown_parts=_touches_unknown),
            reason="a change has to say which known parts of the home it touches",
            match=(_modify(["engine room"], "a.py"), _modify([], "a.py")),
            not_match=(_modify(["docs"], "docs/words.md"),),
            layer=Layer.BUILT_IN,
        ),
        Rule(
            id="two-people-for-a-mind",
            effect=Verdict.ASK,
            risk=Risk.R4,
            when=make_when([modification], {"touches_any": ["mind"]}),
            reason="what decides everything else is looked at by two people, or by one twice",
            quorum=Quorum(people=2, cooling_off=86_400.0),
            match=(_modify(["mind"], "src/autoclave/mind/planning.py"),),
            not_match=(_modify(["capabilities"], "capabilities/x/code.py"),),
            layer=Layer.BUILT_IN,
        ),
        Rule(
            id="tests-change-apart-from-code",
            effect=Verdict.DENY,
            risk=Risk.R5,
            when=_when(modification, code_with_its_judge=_code_with_its_judge),
            reason="tests and examples never change together with the code that they judge",
            match=(
                _modify(["capabilities", "tests"], "capabilities/x/code.py", "capabilities/x/t.py"),
                _modify(["capabilities", "manifest"], "a.py", "capabilities/x/capability.toml"),
            ),
            not_match=(
                _modify(["tests"], "capabilities/x/tests/test_code.py"),
                _modify(["capabilities"], "capabilities/x/code.py"),
            ),
            layer=Layer.BUILT_IN,
        ),
    )


def _about_runs() -> tuple[Rule, ...]:
    command = ActionKind.COMMAND_RUN
    return (
        Rule(
            id="runs-are-sealed",
            effect=Verdict.DENY,
            risk=Risk.R5,
            when=make_when(_RUNS, {"is": {"sealed": "false"}}),
            reason="code runs in the sandbox or not at all",
            match=(_command("ls", sealed=False),),
            not_match=(_command("ls"),),
            layer=Layer.BUILT_IN,
        ),
        Rule(
            id="commands-are-words",
            effect=Verdict.DENY,
            risk=Risk.R5,
            when=_when(command, empty_argv=_argv_is_empty),
            reason="a command is a list of words that starts with a program",
            match=(_command(), _command("")),
            not_match=(_command("python", "-m", "pytest"),),
            layer=Layer.BUILT_IN,
        ),
        Rule(
            id="shells-ask",
            effect=Verdict.ASK,
            when=make_when([command], {"is": {"shell": "true"}}),
            reason="what a shell makes of a line cannot be judged beforehand",
            match=(_command("curl x | sh", by_shell=True),),
            not_match=(_command("ls"),),
            layer=Layer.BUILT_IN,
        ),
    )


def _about_the_outside() -> tuple[Rule, ...]:
    return (
        Rule(
            id="unencrypted-requests-ask",
            effect=Verdict.ASK,
            risk=Risk.R4,
            when=make_when([ActionKind.NETWORK_REQUEST], {"is_not": {"scheme": "https"}}),
            reason="whoever stands between can read and change what is not encrypted",
            match=(_request("http"), _request("ftp")),
            not_match=(_request("https"),),
            layer=Layer.BUILT_IN,
        ),
        Rule(
            id="sending-something-asks",
            effect=Verdict.ASK,
            risk=Risk.R4,
            when=_when(ActionKind.NETWORK_REQUEST, sends_something=_sends_something),
            reason="it changes something at the other end, or carries something there",
            match=(
                _request("https", method="POST"),
                _request("https", method="DELETE"),
                _request("https", reads_only=False),
            ),
            not_match=(_request("https"), _request("https", method="HEAD", reads_only=True)),
            layer=Layer.BUILT_IN,
        ),
        Rule(
            id="secrets-go-encrypted",
            effect=Verdict.DENY,
            risk=Risk.R5,
            when=_when(ActionKind.NETWORK_REQUEST, open_secret=_shows_a_secret),
            reason="a secret that is not encrypted on its way is none any more",
            match=(_request("http", secret=True),),
            not_match=(_request("https", secret=True), _request("http", secret=False)),
            layer=Layer.BUILT_IN,
        ),
        Rule(
            id="targets-from-the-web-ask",
            effect=Verdict.ASK,
            risk=Risk.R4,
            when=make_when(set(ActionKind) - _LOOKS_ONLY, {"origins_any": ["web"]}),
            reason="a web page chose what this acts on; a person has to agree",
            match=(_write("a.py", origin=Origin.WEB),),
            not_match=(_write("a.py"),),
            layer=Layer.BUILT_IN,
        ),
    )


def _when(*kinds: ActionKind, **tests: Test) -> When:
    """A `when` with conditions that files cannot write."""
    made = (Condition(name=name, wanted=True, test=test) for name, test in tests.items())
    return When(kinds=frozenset(kinds), conditions=tuple(made))


def _kind_is_unknown(action: Action) -> bool:
    return action.kind not in frozenset(ActionKind)


def _has_unclean_path(action: Action) -> bool:
    # `.` is the root itself: it may be read, and never written.
    whole = {"."} if action.kind is ActionKind.WORKSPACE_READ else set()
    return any(unclean(path) for path in read_paths(action) if path not in whole)


def _touches_unknown(action: Action) -> bool:
    touches = read_texts(action, "touches")
    return not touches or not set(touches) <= set(Component)


def _code_with_its_judge(action: Action) -> bool:
    touches = set(read_texts(action, "touches"))
    return bool(touches & {"tests", "manifest"}) and bool(touches & {"capabilities", "mind"})


def _argv_is_empty(action: Action) -> bool:
    argv = read_texts(action, "argv")
    return not argv or not argv[0]


def _read(path: str) -> Action:
    return Action(kind=ActionKind.WORKSPACE_READ, target=path)


def _write(path: str, *, origin: Origin = Origin.GOAL) -> Action:
    return Action(
        kind=ActionKind.WORKSPACE_WRITE,
        target=".",
        attributes={"paths": [path], "files": 1, "bytes": 10, "deletes": 0},
        origins=frozenset({origin}),
    )


def _modify(touches: list[str], *paths: str) -> Action:
    return Action(
        kind=ActionKind.SELF_MODIFICATION,
        target="capabilities",
        attributes={"touches": touches, "paths": list(paths), "lines": 3, "new_imports": []},
    )


def _command(*argv: str, sealed: bool = True, by_shell: bool = False) -> Action:
    return Action(
        kind=ActionKind.COMMAND_RUN,
        target=argv[0] if argv else "",
        attributes={"argv": list(argv), "shell": by_shell, "sealed": sealed},
    )


def _sends_something(action: Action) -> bool:
    return read_text(action, "method") not in READING or (
        "reads_only" in action.attributes and not read_truth(action, "reads_only")
    )


def _shows_a_secret(action: Action) -> bool:
    carries = "secret" in action.attributes and read_truth(action, "secret")
    return carries and read_text(action, "scheme") != "https"


def _request(scheme: str, *, method: str = "GET", **facts: bool) -> Action:
    return Action(
        kind=ActionKind.NETWORK_REQUEST,
        target="docs.python.org",
        attributes={
            "host": "docs.python.org",
            "scheme": scheme,
            "port": 443,
            "purpose": "research",
            "method": method,
            **facts,
        },
    )
