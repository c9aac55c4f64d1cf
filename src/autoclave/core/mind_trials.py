"""Trying minds on recorded views and on made-up runs, sealed, many at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ..domain.canonical import JsonObject, canonical
from ..domain.capability import Manifest
from ..domain.errors import AutoclaveError, InvalidInput, Refused
from ..domain.events import Event, EventKind
from ..domain.golden import Golden, Sources
from ..domain.intents import to_json
from ..domain.knowledge import Case
from ..domain.ports import LanguageModel, Mind, Sandbox
from ..domain.sealed import Ended, Limits, SealedResult, SealedRun
from ..domain.state import State, check_transition
from ..domain.strict_json import read_object
from . import mind_laws
from .golden import decisions, sample, shipped
from .ledger import Ledger
from .mind_answer import MindAnswer, read_answer
from .mind_loader import HOST, LIMITS, prompts_of, sources_of, tree_of, with_prompts
from .mind_replay import pursue
from .parts import Parts

_LAWS = Path(mind_laws.__file__)
_MOST_DECISIONS = 60
_NEWEST_EVENTS = 20_000
_LIMITS: Limits = replace(LIMITS, result_bytes=32 << 20)


class SealedTrials:
    """Port MindTrials over the journal and a sandbox."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        manifests: Callable[[], tuple[Manifest, ...]],
        sandbox: Sandbox,
        parts: Callable[[], Parts],
        shipped: Callable[[], Sequence[Golden]] = shipped,
    ) -> None:
        self._ledger = ledger
        self._manifests = manifests
        self._sandbox = sandbox
        self._parts = parts
        self._shipped = shipped

    def tree(self, mind: Sources) -> str:
        return tree_of(mind)

    async def recorded(self) -> Sequence[Golden]:
        """The newest runs among the latest events, and what ships with the program."""
        after = max(0, self._ledger.journal.last_id() - _NEWEST_EVENTS)
        latest = await self._ledger.events_after(after, "goal/")
        ended = [each.stream for each in latest if each.kind is EventKind.GOAL_ENDED]
        newest_first = dict.fromkeys(reversed(ended))
        runs = [await self._decisions(stream) for stream in newest_first]
        return [*sample(runs, most=_MOST_DECISIONS), *self._shipped()]

    async def of_goal(self, goal_id: str) -> Sequence[Golden]:
        return await self._decisions(f"goal/{goal_id}")

    async def _decisions(self, stream: str) -> list[Golden]:
        events = await self._ledger.events(stream)
        return decisions(events, self._manifests(), self._model_for(events))

    def _model_for(self, events: Sequence[Event]) -> LanguageModel | None:
        """The model that its goal would be given today."""
        asked = events[0].payload.get("model", "auto") if events else "offline"
        try:
            return self._parts().models(asked)
        except AutoclaveError:  # what can't be had has decided nothing that could be rebuilt
            return None

    async def ask(
        self, mind: Sources, views: Sequence[JsonObject], *, chance: int = 0
    ) -> list[JsonObject]:
        result = await self._run(mind, views=list(views), starts=[], chance=chance)
        lines = _lines(result, len(views))
        states = [(view["run"]["state"], line) for view, line in zip(views, lines, strict=True)]
        return [_checked(state, line) for state, line in states]

    async def live(self, mind: Sources, starts: Sequence[JsonObject]) -> list[JsonObject]:
        result = await self._run(mind, views=[], starts=list(starts))
        wanted = [(start, law) for start in starts for law in mind_laws.LAWS]
        lines = _lines(result, len(wanted))
        return [
            {"law": law["name"], "can": law.keys() == {"name"}, "run": start["run"]["text"]}
            | _lived(line)
            for (start, law), line in zip(wanted, lines, strict=True)
        ]

    async def pursue(self, mind: Sources, case: Case) -> JsonObject:
        return await pursue(self._parts(), self.ask, mind, case)

    async def _run(
        self,
        mind: Sources,
        *,
        views: list[JsonObject],
        starts: list[JsonObject],
        chance: int = 0,
    ) -> SealedResult:
        try:
            sources, prompts = sources_of(mind), prompts_of(mind)
        except UnicodeDecodeError as error:
            raise InvalidInput(f"the mind is no text: {error}") from error
        seen = {"views": views, "starts": starts}
        shown = {name: [with_prompts(v, prompts) for v in each] for name, each in seen.items()}
        request = canonical({"sources": sources, **shown})
        with self._sandbox.scratch() as folder:
            return await self._sandbox.run(
                SealedRun(
                    # With -I Python would not hear of the order in which sets are to stand.
                    argv=("python", *(("-s", "-P") if chance else ("-I",)), "-S", "-B", str(HOST)),
                    environment={"PYTHONHASHSEED": str(chance)} if chance else {},
                    folder=folder,
                    readable=(HOST, _LAWS),
                    stdin=request.encode("utf-8", "surrogatepass"),
                    limits=_LIMITS,
                )
            )


async def health_of(mind: Mind) -> str:
    """Why a mind can't be left in force; empty when it answers a recorded view as a mind has to."""
    first = next(each for each in shipped() if each.view["run"]["state"] == State.PLANNING)
    try:
        given = await mind.decide(first.view)
    except AutoclaveError as error:
        return error.message
    return str(_checked(State.PLANNING, {"answer": given}).get("error", ""))


def _lines(result: SealedResult, count: int) -> list[JsonObject]:
    """One value for each thing that was asked, in order; the first missing one says why."""
    found: list[JsonObject] = []
    for line in result.result.splitlines(keepends=True)[:count]:
        try:
            value = read_object(line, what="a line", half_characters=True)
        except InvalidInput:
            break
        if not line.endswith(b"\n"):
            break
        found.append(value)
    if len(found) < count:
        said = result.stderr[-300:].decode("utf-8", "backslashreplace").strip()
        ended = "it ended its process" if result.ended is Ended.EXITED else f"{result.ended}"
        found.append({"error": f"no answer: {ended} {said}".strip()})
    return found + [{"error": "not reached"}] * (count - len(found))


def _checked(state: str, line: JsonObject) -> JsonObject:
    """The answer as the kernel reads it, or what is wrong with it."""
    if "error" in line:
        return {"error": str(line["error"])}
    given = line.get("answer")
    if not isinstance(given, dict) or "intent" not in given:
        return {"error": "a mind answers with an object that has an intent"}
    try:
        answer = read_answer(given)
        _check_way(State(state), answer)
    except (Refused, ValueError) as error:
        return {"error": error.message if isinstance(error, Refused) else str(error)}
    return {"answer": _to_json(answer)}


def _check_way(state: State, answer: MindAnswer) -> None:
    for following in answer.path:
        check_transition(state, following)
        state = following


def _to_json(answer: MindAnswer) -> JsonObject:
    return {
        "path": [str(each) for each in answer.path],
        "plan": answer.plan,
        "intent": to_json(answer.intent),
        "remedy": answer.remedy,
        "why": answer.why,
    }


def _lived(line: JsonObject) -> JsonObject:
    """How a run ended, with every answer of it read as the kernel would."""
    if "error" in line:
        return {"end": "", "acts": 0, "kinds": [], "problem": str(line["error"])}
    acts, kinds, problem = 0, set(), str(line["problem"])
    for each in line["seen"]:
        checked = _checked(each["state"], each)
        if "error" in checked:
            problem = f"in {each['state']}: {checked['error']}"
            break
        kind = checked["answer"]["intent"]["kind"]
        kinds.add(kind)
        acts += kind == "Act"
    return {"end": line["end"], "acts": acts, "kinds": sorted(kinds), "problem": problem}
