"""Our agent under a cap, killed once in the middle; and a loop that looks after it has spent."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

from tests.servers.messages import MessagesServer

from autoclave.core.models.choosing import DEFAULT_CLAUDE
from autoclave.core.models.claude import Claude
from autoclave.core.models.prices import Price
from autoclave.domain.model import ModelRequest
from autoclave.service.goals import GoalSpec
from autoclave.service.home import Home, init_home
from autoclave.settings import Settings
from autoclave.wiring import open_control

from .seller import GOAL, seller, sold

_ROOT = Path(__file__).parents[2]
_PER_DAY = "{{usd: {cap}, tokens: 1000000000, model_calls: 100000}}"
_POLL_SECONDS = 0.02
_MOST_SECONDS = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is asked of one run."""

    cap: float
    """US dollars for all goals of the day."""
    each: float
    """US dollars for one goal."""
    workers: int
    rounds: int
    delay: float
    kill_after: int | None
    """Requests, or None to let it live."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was sold and what was written down, in US dollars."""

    sold: float
    journal: float
    most_of_one: float
    """Sold to the goal that took most."""
    goals_over: int
    """Goals that were sold more than their own budget, or more than their journal says."""
    requests: int
    kills: int
    in_flight: int
    """Calls without a result when the process was killed."""
    ends: dict[str, int]


def run_capped(folder: Path, case: Case, price: Price) -> Outcome:
    """All goals at once in a process that is killed once, then to the end in another."""
    home = _home(folder, case)
    with seller(rounds=case.rounds, delay=case.delay) as server:
        environment = {**os.environ, **server.environment(), "PYTHONPATH": str(_ROOT)}
        killed = _life(home, case, environment, server, kill_after=case.kill_after)
        open_calls = asyncio.run(_open_calls(home)) if killed else 0
        if killed:
            _life(home, case, environment, server)
        bought = sold(server, price)
        requests = len(server.bodies)
    journal, ends = asyncio.run(_journal(home))
    over = [n for n, usd in bought.items() if usd > min(case.each, journal.get(n, 0.0)) + 1e-9]
    return Outcome(
        sold=sum(bought.values()),
        journal=sum(journal.values()),
        most_of_one=max(bought.values(), default=0.0),
        goals_over=len(over),
        requests=requests,
        kills=int(killed),
        in_flight=open_calls,
        ends=ends,
    )


def run_naive(case: Case, price: Price) -> float:
    """What is sold to workers that look at what was spent before each call; no kill, same model."""
    with seller(rounds=case.rounds, delay=case.delay) as server:
        os.environ |= server.environment()
        asyncio.run(_naive(server, case, price))
        return sum(sold(server, price).values())


async def _naive(server: MessagesServer, case: Case, price: Price) -> None:
    model = Claude(price, model=DEFAULT_CLAUDE, base_url=server.base_url)
    spent = 0.0

    async def work(number: int) -> None:
        nonlocal spent
        said: list[dict[str, object]] = [{"role": "user", "content": GOAL.format(number=number)}]
        for _ in range(case.rounds):
            if spent >= case.cap:
                return
            request = ModelRequest(purpose="work", messages=tuple(said), key=f"{number}-1")
            answer = await model.complete(request)
            spent += answer.usd
            results = [
                {"type": "tool_result", "tool_use_id": call["id"], "content": "nothing is known"}
                for call in answer.tool_calls
            ]
            said += [{"role": "assistant", "content": list(answer.blocks)}]
            said += [{"role": "user", "content": results}]

    try:
        await asyncio.gather(*(work(number) for number in range(case.workers)))
    finally:
        await model.aclose()


def _home(folder: Path, case: Case) -> Home:
    home = init_home(folder / "home").home
    text = home.rules.read_text()
    start = text.index("  per_day: ")
    rest = text[text.index("\n", start) :]
    home.rules.write_text(text[:start] + f"  per_day: {_PER_DAY.format(cap=case.cap)}" + rest)
    asyncio.run(_add_goals(home, case))
    return home


async def _add_goals(home: Home, case: Case) -> None:
    control = open_control(home, settings=Settings(model="claude"))
    for number in range(case.workers):
        spec = GoalSpec(text=GOAL.format(number=number), budget_usd=case.each)
        await control.add_goal(spec, by="person:eval")
    await control.aclose()


def _life(
    home: Home,
    case: Case,
    environment: dict[str, str],
    server: MessagesServer,
    *,
    kill_after: int | None = None,
) -> bool:
    """Whether it had to be killed. Raises RuntimeError when it fails by itself."""
    command = [sys.executable, "-m", "evals.budget.life", str(home.root), str(case.workers)]
    child = subprocess.Popen(command, cwd=_ROOT, env=environment, stderr=subprocess.PIPE)
    until = time.monotonic() + _MOST_SECONDS
    try:
        while child.poll() is None and time.monotonic() < until:
            if kill_after is not None and len(server.bodies) >= kill_after:
                child.send_signal(signal.SIGKILL)
                child.wait()
                return True
            time.sleep(_POLL_SECONDS)
    finally:
        if child.poll() is None:
            child.kill()
        _, said = child.communicate()
    if child.returncode != 0:
        raise RuntimeError(f"a life ended with {child.returncode}: {said.decode()[-2000:]}")
    return False


async def _open_calls(home: Home) -> int:
    control = open_control(home, settings=Settings(model="offline"))
    ledger = control._parts.ledger
    runs = [await ledger.load(each["id"]) for each in await control.goals()]
    await control.aclose()
    return sum(run.open_intent is not None for run in runs)


async def _journal(home: Home) -> tuple[dict[str, float], dict[str, int]]:
    """US dollars by the number of the goal, and how many goals ended in which way."""
    control = open_control(home, settings=Settings(model="offline"))
    ledger = control._parts.ledger
    spent: dict[str, float] = defaultdict(float)
    ends: Counter[str] = Counter()
    for each in await control.goals():
        run = await ledger.load(each["id"])
        spent[run.text.split()[3]] += run.spend.usd
        ends[str(run.status)] += 1
    await control.aclose()
    return dict(spent), dict(ends)
