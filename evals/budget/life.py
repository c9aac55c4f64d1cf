"""One life of the agent, to be killed: works on every goal of a home until none can go on."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from autoclave.service.home import Home
from autoclave.settings import Settings
from autoclave.wiring import open_control

_GOES_ON = frozenset({"queued", "running", "waiting"})
_LOOK_SECONDS = 0.1


async def live(root: Path, *, workers: int) -> None:
    """Serve as `autoclave serve` does, with the model that the environment names."""
    settings = Settings(model="claude", goals_at_once=workers, model_calls_at_once=workers)
    control = open_control(Home(root=root), settings=settings)
    stop = asyncio.Event()
    serving = asyncio.create_task(control.serve(stop))
    try:
        while not serving.done():
            if not any(each["status"] in _GOES_ON for each in await control.goals()):
                break
            await asyncio.sleep(_LOOK_SECONDS)
    finally:
        stop.set()
        await serving
        await control.aclose()


if __name__ == "__main__":
    asyncio.run(live(Path(sys.argv[1]), workers=int(sys.argv[2])))
