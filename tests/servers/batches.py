"""Message batches: kept in a file when asked to, and further along each time someone looks."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.servers.catalog import page
from tests.servers.model_calls import ModelCalls, Refusal, Spoken
from tests.servers.serving import Clock
from tests.servers.shapes import error_body

_DEFAULT_POLLS = 2
_COUNTS = ("processing", "succeeded", "errored", "canceled", "expired")
Record = dict[str, Any]


class Batches:
    """Every batch ever sent; each one ends after a number of looks at it."""

    def __init__(
        self, calls: ModelCalls, clock: Clock, *, state: Path | None, base_url: Callable[[], str]
    ) -> None:
        self._calls = calls
        self._clock = clock
        self._state = state
        self._base_url = base_url
        self._polls = (calls.script.options.get("batches") or {}).get("polls", _DEFAULT_POLLS)
        self._records: dict[str, Record] = {}
        self._load()

    def create(self, headers: Mapping[str, str], body: Any) -> dict[str, Any] | Refusal:
        requests = body.get("requests") if isinstance(body, Mapping) else None
        if not requests:
            return Refusal(status=400, message="requests: at least one request is required")
        names = [request.get("custom_id") for request in requests]
        if len(set(names)) < len(names):
            return Refusal(
                status=400, message="requests: custom_id must be unique within the batch"
            )
        name = self._calls.new_id("msgbatch")
        self._records[name] = {
            "id": name,
            "created": self._clock(),
            "headers": dict(headers),
            "requests": list(requests),
            "looks": 0,
            "canceled": None,
            "ended": None,
            "results": [],
        }
        return self._saved(name)

    def retrieve(self, name: str, number: int) -> dict[str, Any] | Refusal:
        """Looking at a batch is what moves it on."""
        record = self._records.get(name)
        if record is None:
            return _unknown(name)
        record["looks"] += 1
        if record["ended"] is None and (record["canceled"] or record["looks"] >= self._polls):
            self._end(record, number)
        return self._saved(name)

    def list(self, query: Mapping[str, list[str]]) -> dict[str, Any]:
        return page([self._shown(record) for record in reversed(self._records.values())], query)

    def cancel(self, name: str) -> dict[str, Any] | Refusal:
        record = self._records.get(name)
        if record is None:
            return _unknown(name)
        if record["ended"] is None:
            record["canceled"] = self._clock()
        return self._saved(name)

    def delete(self, name: str) -> dict[str, Any] | Refusal:
        record = self._records.get(name)
        if record is None:
            return _unknown(name)
        if record["ended"] is None:
            return Refusal(status=400, message="a batch can only be deleted once it has ended")
        del self._records[name]
        self.save()
        return {"id": name, "type": "message_batch_deleted"}

    def results(self, name: str) -> bytes | Refusal:
        record = self._records.get(name)
        if record is None or record["ended"] is None:
            return _unknown(f"{name}/results")
        lines = [json.dumps(result, ensure_ascii=False) for result in reversed(record["results"])]
        return "".join(f"{line}\n" for line in lines).encode()

    def save(self) -> None:
        """The batches, the place in the script and the ids given, for the next process."""
        if self._state is None:
            return
        value = {
            "batches": self._records,
            "script": self._calls.script.position(),
            "counters": self._calls.counters,
        }
        beside = self._state.with_suffix(".new")
        beside.write_text(json.dumps(value), encoding="utf-8")
        beside.replace(self._state)

    def _load(self) -> None:
        if self._state is None or not self._state.exists():
            return
        value = json.loads(self._state.read_text(encoding="utf-8"))
        self._records = value["batches"]
        self._calls.script.resume(value["script"])
        self._calls.counters = value["counters"]

    def _end(self, record: Record, number: int) -> None:
        for request in record["requests"]:
            result = {"type": "canceled"}
            if record["canceled"] is None:
                result = self._result(number, record["headers"], request["params"])
            record["results"].append({"custom_id": request["custom_id"], "result": result})
        record["ended"] = self._clock()

    def _result(self, number: int, headers: Mapping[str, str], params: Any) -> dict[str, Any]:
        spoken = self._calls.ask(number, headers, params)
        if isinstance(spoken, Refusal):
            return {"type": "errored", "error": error_body(spoken, None)}
        return _result_of(spoken)

    def _saved(self, name: str) -> dict[str, Any]:
        self.save()
        return self._shown(self._records[name])

    def _shown(self, record: Record) -> dict[str, Any]:
        ended, canceled = record["ended"], record["canceled"]
        status = "ended" if ended else "canceling" if canceled else "in_progress"
        counts = dict.fromkeys(_COUNTS, 0)
        for line in record["results"]:
            counts[line["result"]["type"]] += 1
        counts["processing"] = 0 if ended else len(record["requests"])
        expires = datetime.fromtimestamp(record["created"], UTC) + timedelta(hours=24)
        url = f"{self._base_url()}/v1/messages/batches/{record['id']}/results"
        return {
            "id": record["id"],
            "type": "message_batch",
            "processing_status": status,
            "request_counts": counts,
            "created_at": _date(record["created"]),
            "expires_at": expires.isoformat(),
            "ended_at": _date(ended),
            "cancel_initiated_at": _date(canceled),
            "archived_at": None,
            "results_url": url if ended else None,
        }


def _result_of(spoken: Spoken) -> dict[str, Any]:
    fault = spoken.fault
    if fault is not None and fault.expired:
        return {"type": "expired"}
    if fault is not None and fault.status is not None:
        refusal = Refusal(
            status=fault.status, type=fault.type, message=fault.message or "as the script says"
        )
        return {"type": "errored", "error": error_body(refusal, None)}
    message = spoken.composed.message
    usage = {**message["usage"], "service_tier": "batch"}
    return {"type": "succeeded", "message": {**message, "usage": usage}}


def _unknown(name: str) -> Refusal:
    return Refusal(status=404, message=f"message batch not found: {name}")


def _date(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()
