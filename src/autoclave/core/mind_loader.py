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
from ..domain.strict_json import read_object

HOST = Path(__file__).resolve().with_name("mind_host.py")
LIMITS = Limits(
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
_LONGEST_ERROR = 2_000


class SealedMind:
    """Port Mind: every decision is a sealed run without files, keys or network.

    The source that was digested goes in with the view, so what answers is what was recorded, and
    nothing of one decision is left for the next.
    """

    def __init__(self, files: Mapping[str, bytes], *, sandbox: Sandbox) -> None:
        """`files` are its modules and prompts by their names; UnicodeDecodeError if no text."""
        self.tree = tree_of(files)
        self.prompts = prompts_of(files)
        self._sources = sources_of(files)
        self._sandbox = sandbox

    @property
    def has_code(self) -> bool:
        return "__init__" in self._sources

    async def decide(self, view: JsonObject) -> JsonObject:
        """Raises InvalidInput with what the mind raised, or how its process ended."""
        request = canonical({"sources": self._sources, "view": with_prompts(view, self.prompts)})
        with self._sandbox.scratch() as folder:
            run = SealedRun(
                argv=("python", "-I", "-S", "-B", str(HOST)),
                folder=folder,
                readable=(HOST,),
                stdin=request.encode("utf-8", "surrogatepass"),
                limits=LIMITS,
            )
            result = await self._sandbox.run(run)
        if result.ended is not Ended.EXITED or not result.result:
            said = result.stderr[-300:].decode("utf-8", "backslashreplace").strip()
            raise InvalidInput(f"its process ended without an answer: {result.ended} {said}")
        return _answer(result.result)


class LoadedMind:
    """Port Mind in this process: for tests and trials of a mind that is trusted."""

    def __init__(
        self, tree: str, decide: Callable[[Any], Any], *, prompts: Mapping[str, str] | None = None
    ) -> None:
        self.tree = tree
        self._decide = decide
        self._prompts = dict(prompts or {})

    async def decide(self, view: JsonObject) -> JsonObject:
        """What it answers to a view of its own: it can change nothing that is the kernel's."""
        try:
            answer = self._decide(json.loads(canonical({**view, "prompts": self._prompts})))
            text = canonical({"answer": answer})
        except Exception as error:  # whatever a mind raises, as the sealed one would say it
            raise InvalidInput(f"{type(error).__name__}: {error}") from error
        return _answer(text.encode("utf-8", "surrogatepass"))


def load_mind(folder: Path, sandbox: Sandbox) -> SealedMind:
    """The mind below `folder`, as its source is now. Raises ConfigurationInvalid."""
    try:
        mind = SealedMind(read_mind(folder), sandbox=sandbox)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationInvalid(f"the mind at {folder} can't be read: {error}") from error
    if not mind.has_code:
        raise ConfigurationInvalid(
            f"there is no mind at {folder}", hint="make a home with one: `autoclave init DIR`"
        )
    return mind


def read_mind(folder: Path) -> dict[str, bytes]:
    """The files that make a mind: its modules, and its prompts in a folder of their own."""
    paths = [*sorted(folder.glob("*.py")), *sorted(folder.glob("prompts/*.md"))]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def sources_of(files: Mapping[str, bytes]) -> dict[str, str]:
    """The source of each module. UnicodeDecodeError."""
    modules = (name for name in files if name.endswith(".py") and "/" not in name)
    return {name.removesuffix(".py"): files[name].decode("utf-8") for name in modules}


def prompts_of(files: Mapping[str, bytes]) -> dict[str, str]:
    """The text of each prompt by its name. UnicodeDecodeError."""
    names = (name for name in files if name.startswith("prompts/") and name.endswith(".md"))
    return {Path(name).stem: files[name].decode("utf-8") for name in names}


def with_prompts(view: JsonObject, prompts: Mapping[str, str]) -> JsonObject:
    """The view as the mind of these prompts sees it: they come with it, as its code does."""
    return {**view, "prompts": dict(prompts)} if prompts else view


def tree_of(files: Mapping[str, bytes]) -> str:
    """The digest by which a mind is named in the journal."""
    return digest_of({name.removesuffix(".py"): digest_bytes(files[name]) for name in files})


class HomeMind:
    """Port Mind over a home's folder: its source is read again when it was changed.

    A mind that cannot be read does not keep the home from opening, so that the change that broke
    it can be taken back.
    """

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self._folder = folder
        self._sandbox = sandbox
        self._mind: SealedMind | None = None
        self._problem: ConfigurationInvalid | None = None
        self.reload()

    @property
    def tree(self) -> str:
        """Digest of what decides now; empty when there is nothing that could."""
        return self._mind.tree if self._mind else ""

    def prompts(self) -> Mapping[str, str]:
        """Its instructions for models, by purpose."""
        return self._mind.prompts if self._mind else {}

    def reload(self) -> None:
        """Take the source as it stands on disk; the next decision is its."""
        try:
            self._mind, self._problem = load_mind(self._folder, self._sandbox), None
        except ConfigurationInvalid as problem:
            self._mind, self._problem = None, problem

    async def decide(self, view: JsonObject) -> JsonObject:
        """As SealedMind. Raises ConfigurationInvalid when there is no mind to ask."""
        if self._mind is None:
            problem = self._problem or ConfigurationInvalid("there is no mind")
            raise ConfigurationInvalid(
                problem.message,
                hint="take its last change back: `autoclave proposal undo P-…`; else "
                "bring its files back",
            )
        return await self._mind.decide(view)


def _answer(data: bytes) -> JsonObject:
    reply = read_object(data, what="its answer", half_characters=True)
    if "error" in reply:
        raise InvalidInput(str(reply["error"])[:_LONGEST_ERROR])
    answer = reply.get("answer")
    if not isinstance(answer, dict) or "intent" not in answer:
        raise InvalidInput("a mind answers with an object that has an intent")
    return answer
