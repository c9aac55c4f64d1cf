"""The same steps in a LangGraph graph, durability sync, SQLite saver; runs in the peers' venv."""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from pathlib import Path
from typing import TypedDict

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph

FOLDER, STEPS, SIZE = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])


class State(TypedDict):
    number: int
    payload: str


def step(state: State) -> State:
    return {"number": state["number"] + 1, "payload": json.dumps({"text": "x" * (SIZE - 12)})}


def more(state: State) -> str:
    return END if state["number"] >= STEPS else "step"


def main() -> None:
    path = FOLDER / "langgraph.db"
    link = sqlite3.connect(path, check_same_thread=False)
    link.execute("PRAGMA journal_mode = WAL")
    link.execute("PRAGMA synchronous = FULL")
    graph = StateGraph(State)
    graph.add_node("step", step)
    graph.add_edge(START, "step")
    graph.add_conditional_edges("step", more, {END: END, "step": "step"})
    app = graph.compile(checkpointer=SqliteSaver(link))
    config = {"configurable": {"thread_id": "t"}, "recursion_limit": STEPS + 10}
    cpu, wall = time.process_time(), time.perf_counter()
    app.invoke({"number": 0, "payload": ""}, config, durability="sync")
    spent = {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall}
    link.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    link.close()
    print(json.dumps({**spent, "bytes": path.stat().st_size}))


if __name__ == "__main__":
    main()
