"""A worker that has only pytest loaded: every request imports the project anew in a child."""

from __future__ import annotations

import random
import time

import pytest
from _repair_fork import Send, messages
from _repair_pipes import Pipes, Reply, Request
from _repair_suite import ColdRun, arguments
from _repair_swap import override_import


def bare(pipes: Pipes, setup: Request) -> None:
    """Every request imports the project anew in a child."""
    pipes.reply({"ok": True})
    while (request := pipes.read()) is not None:

        def work(send: Send, request: Request = request) -> None:
            pipes.close()
            random.seed(0)
            override_import(request["sources"])
            plugin = ColdRun(
                send,
                first=request["first"],
                allowed=request["allowed"],
                seconds=request["each"],
            )
            paths = request["tests"] or setup["paths"]
            pytest.main(arguments(setup["root"], paths, plain=setup["plain"]), plugins=[plugin])

        reply: Reply = {"tests": [], "collected": [], "done": False}
        deadline = time.monotonic() + request["seconds"]
        for message in messages(work, quiet_seconds=request["each"] * 5 + 5):
            if "collected" in message:
                reply["collected"] = message["collected"]
            elif "done" in message:
                reply["done"] = True
            else:
                reply["tests"].append(message)
            if time.monotonic() > deadline:
                break
        pipes.reply(reply)
