"""The gates that ask ruff and mypy, sealed, for findings that are new."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections import Counter
from pathlib import Path, PurePosixPath

from ..domain.canonical import JsonObject
from ..domain.errors import InvalidInput
from ..domain.sealed import Ended, Limits, SealedResult, SealedRun
from .body import is_test
from .gate import Bench, Finding, failed, not_checked, passed

Findings = Counter[tuple[str, str, str]]
"""File, rule and message, with counts: lines may move."""

_RULES = "E4,E7,E9,F,W,B,S,BLE,ASYNC,PLE"
_ERROR = re.compile(r"^(?P<file>[^:\n]+):\d+: error: (?P<what>.*?)(?:  \[(?P<rule>[\w-]+)\])?$")
_IGNORE = re.compile(rb"#\s*(type:\s*ignore|mypy:|pyright:)")
_LIMITS = Limits(wall_seconds=120.0, cpu_seconds=120)


class LintGate:
    """No finding of ruff that the base did not have; what is silenced by comment counts."""

    name = "lint"

    async def check(self, bench: Bench) -> Finding:
        if not bench.changed_code:
            return passed("no Python changed")
        before, after = await asyncio.gather(
            _lint(bench, bench.base_root), _lint(bench, bench.candidate_root)
        )
        return _compare(before, after, "lint")


class TypesGate:
    """No finding of mypy that the base did not have, and no new comment that silences one."""

    name = "types"

    async def check(self, bench: Bench) -> Finding:
        code = [path for path in bench.changed_code if not is_test(path)]
        if not code:
            return passed("no code changed")
        if more := _silencers(bench):
            return failed(f"{more} new comments silence the type checker", ignores=more)
        where, names = _packages(bench)
        request = {
            "base": str(bench.base_root / where),
            "candidate": str(bench.candidate_root / where),
            "names": names,
            "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        }
        result = await _sealed(bench, _beside("sealed_types.py"), json.dumps(request).encode())
        reply = _reply(result)
        if reply is None:
            return not_checked(f"not checked: mypy did not run ({_why(result)})")
        return _compare(_errors(reply["base"]), _errors(reply["candidate"]), "type")


def _packages(bench: Bench) -> tuple[str, list[str]]:
    """The folder and the packages in it that mypy looks at."""
    if bench.changed_mind is not None:
        mind = PurePosixPath(bench.changed_mind.folder)
        return str(mind.parent), [mind.name]
    return "capabilities", list(bench.changed_capabilities)


async def _lint(bench: Bench, root: Path) -> Findings:
    files = [str(root / path) for path in bench.changed_code if (root / path).exists()]
    if not files:
        return Findings()
    argv = ["-m", "ruff", "check", "--isolated", "--no-cache", "--ignore-noqa", "--exit-zero"]
    argv += ["--select", _RULES, "--ignore", "S101,S404,S603", "--line-length", "100"]
    argv += ["--output-format", "json", "--", *files]
    with bench.sandbox.scratch() as work:
        result = await bench.sandbox.run(
            SealedRun(
                argv=("python", "-I", *argv),
                folder=work,
                readable=(bench.trees,),
                environment={"RAYON_NUM_THREADS": "1"},
                limits=_LIMITS,
                tier=bench.tier,
            )
        )
    try:
        found = json.loads(result.stdout)
        return Findings(
            (_below(item["filename"], root), str(item["code"]), item["message"]) for item in found
        )
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput(f"ruff did not run ({_why(result)})") from error


def _below(file: str, root: Path) -> str:
    path = Path(file)
    real = root.resolve()
    return str(path.relative_to(real)) if path.is_relative_to(real) else path.name


def _errors(text: str) -> Findings:
    matches = (_ERROR.match(line) for line in text.splitlines())
    return Findings((m["file"], m["rule"] or "", m["what"]) for m in matches if m)


def _compare(before: Findings, after: Findings, kind: str) -> Finding:
    new = after - before
    listed = [f"{file}: {rule} {message}" for file, rule, message in sorted(new)]
    facts: JsonObject = {"before": before.total(), "after": after.total(), "new": listed[:20]}
    if new:
        return failed(f"{new.total()} new {kind} findings, first {listed[0]}", **facts)
    return passed(f"no new {kind} findings", **facts)


def _silencers(bench: Bench) -> int:
    return sum(
        len(_IGNORE.findall(bench.candidate.files[path]))
        - len(_IGNORE.findall(bench.base.files.get(path, b"")))
        for path in bench.changed_code
    )


async def _sealed(bench: Bench, script: Path, stdin: bytes) -> SealedResult:
    with bench.sandbox.scratch() as work:
        return await bench.sandbox.run(
            SealedRun(
                argv=("python", "-I", "-B", str(bench.trees / script.name)),
                folder=work,
                readable=(bench.trees,),
                stdin=stdin,
                limits=_LIMITS,
                tier=bench.tier,
            )
        )


def _reply(result: SealedResult) -> JsonObject | None:
    try:
        reply = json.loads(result.result)
    except ValueError:
        return None
    whole = isinstance(reply, dict) and all(
        isinstance(reply.get(side), str) for side in ("base", "candidate")
    )
    return reply if whole else None


def _why(result: SealedResult) -> str:
    if result.ended is not Ended.EXITED:
        return f"ended by {result.ended}"
    last = result.stderr.decode("utf-8", "backslashreplace").strip().splitlines()[-1:]
    return last[0] if last else f"exit status {result.exit_code}"


def _beside(name: str) -> Path:
    return Path(__file__).with_name(name)
