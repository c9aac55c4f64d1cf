"""A server in the foreground, for people: prints how to reach it, and at the end what happened."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.servers.script_file import ScriptError, load_script
from tests.servers.serving import LoopbackServer

_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM})


def serve_by_hand(
    make: Callable[..., LoopbackServer], arguments: Sequence[str], *, keeps_state: bool = False
) -> int:
    """Serves until Ctrl+C; 0 when the script was followed, 1 when not, 2 when unusable."""
    asked = _parser(keeps_state=keeps_state).parse_args(arguments)
    more: dict[str, Any] = {"state": asked.state} if keeps_state else {}
    try:
        script = load_script(asked.script)
    except (OSError, ValueError) as error:
        kind = "script" if isinstance(error, ScriptError) else type(error).__name__
        _say(f"cannot use {asked.script}: {kind}: {error}")
        return 2
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    with make(script, key=asked.key, log=asked.log, port=asked.port, **more) as server:
        _greet(server)
        signal.sigwait(_SIGNALS)
    return _report(server)


def _parser(*, keeps_state: bool) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="A scripted language model on this machine.")
    parser.add_argument("--script", type=Path, required=True, help="turns, as JSON or YAML")
    parser.add_argument("--port", type=int, default=0, help="left out: any free one")
    parser.add_argument("--key", help="the only key that is let in; left out: any")
    parser.add_argument("--log", type=Path, help="write every request here as a JSON line")
    if keeps_state:
        parser.add_argument("--state", type=Path, help="keep batches and the place in the script")
    return parser


def _greet(server: LoopbackServer) -> None:
    _say(f"serving at {server.base_url}")
    for name, value in server.environment().items():
        _say(f"export {name}={value}")


def _report(server: LoopbackServer) -> int:
    try:
        server.check()
    except AssertionError as error:
        _say(str(error))
        return 1
    _say(f"the script was followed: {len(server.requests)} requests")
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
