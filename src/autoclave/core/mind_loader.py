"""Minds: the one of a home, run sealed from exactly the bytes whose digest is recorded."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..domain.canonical import JsonObject, canonical, digest_bytes
from ..domain.canonical import digest as digest_of
from ..domain.errors import ConfigurationInvalid, InvalidInput
from ..domain.ports import Sandbox
from ..domain.sealed import Ended, Limits, SealedRun

_HOST = Path(__file__).resolve().with_name("mind_host.py")
_LIMITS = Limits(
    wall_seconds=20.0,
    cpu_seconds=10,
    memory_bytes=1 << 30,
    total_memory_bytes=512 << 20,
    processes=4,
    disk_bytes=1 << 20,
    inodes=100,
    output_bytes=64 << 10,
    result_bytes=4 << 20,
)


class SealedMind:
    """Port Mind: every decision is a sealed run without files, keys or network.

    The source that was digested goes in with the view, so what answers is what was recorded, and
    nothing of one decision is left for the next.
    """

    def __init__(self, sources: Mapping[str, str], *, tree: str, sandbox: Sandbox) -> None:
        self.tree = tree
        self._sources = dict(sources)
        self._sandbox = sandbox

    async def decide(self, view: JsonObject) -> JsonObject:
        """Raises InvalidInput with what the mind raised, or how its process ended."""
        request = canonical({"sources": self._sources, "view": view})
        with self._sandbox.scratch() as folder:
            run = SealedRun(
                argv=("python", "-I", "-S", "-B", str(_HOST)),
                folder=folder,
                readable=(_HOST,),
                stdin=request.encode("utf-8", "surrogatepass"),
                limits=_LIMITS,
            )
            result = await self._sandbox.run(run)
        if result.ended is not Ended.EXITED or not result.result:
            said = result.stderr[-300:].decode("utf-8", "backslashreplace").strip()
            raise InvalidInput(f"its process ended without an answer: {result.ended} {said}")
        return _answer(result.result)


class LoadedMind:
    """Port Mind in this process: for tests and trials of a mind that is trusted."""

    def __init__(self, tree: str, decide: Callable[[Any], Any]) -> None:
        self.tree = tree
        self._decide = decide

    async def decide(self, view: JsonObject) -> JsonObject:
        """What it answers to a view of its own: it can change nothing that is the kernel's."""
        try:
            answer = self._decide(json.loads(canonical(view)))
            text = canonical({"answer": answer})
        except Exception as error:  # whatever a mind raises, as the sealed one would say it
            raise InvalidInput(f"{type(error).__name__}: {error}") from error
        return _answer(text.encode("utf-8", "surrogatepass"))


def load_mind(folder: Path, sandbox: Sandbox) -> SealedMind:
    """The mind below `folder`, as its source is now. Raises ConfigurationInvalid."""
    try:
        sources = {path.stem: path.read_bytes() for path in sorted(folder.glob("*.py"))}
        texts = {name: data.decode("utf-8") for name, data in sources.items()}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationInvalid(f"the mind at {folder} can't be read: {error}") from error
    if "__init__" not in sources:
        raise ConfigurationInvalid(
            f"there is no mind at {folder}", hint="make a home with one: `autoclave init DIR`"
        )
    tree = digest_of({name: digest_bytes(data) for name, data in sources.items()})
    return SealedMind(texts, tree=tree, sandbox=sandbox)


def _answer(data: bytes) -> JsonObject:
    try:
        reply = json.loads(data)
    except ValueError as error:
        raise InvalidInput(f"its answer is not JSON: {error}") from error
    if not isinstance(reply, dict):
        raise InvalidInput("its answer is no object")
    if "error" in reply:
        raise InvalidInput(str(reply["error"]))
    answer = reply.get("answer")
    if not isinstance(answer, dict) or "intent" not in answer:
        raise InvalidInput("a mind answers with an object that has an intent")
    return answer
