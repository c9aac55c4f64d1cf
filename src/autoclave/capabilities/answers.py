"""Reads what a sealed run answered: strict JSON or a failure, trusted in nothing."""

from __future__ import annotations

import re

from ..domain.canonical import JsonObject
from ..domain.capability import Failure
from ..domain.errors import InvalidInput
from ..domain.sealed import Ended, SealedResult
from ..domain.strict_json import read_object

_LONGEST = {"error_class": 200, "message": 4_000, "where": 500, "traceback": 16_000}
_CLASS = re.compile(r"(?=.{1,80}\Z)[A-Za-z_]\w*(?:\.\w+)*", re.ASCII)
"""Models are told it outside of the marks of data: it has to be a name and no sentence."""


def read_answer(result: SealedResult) -> JsonObject | Failure | None:
    """The outputs (None when `verify` says: not done), or why there are none."""
    if result.ended is not Ended.EXITED:
        return _ended(result)
    if not result.result:
        last = result.stderr[-300:].decode("utf-8", "replace").strip()
        said = f"; it last wrote: {last}" if last else ""
        return failed("NoAnswer", f"no answer; it left with code {result.exit_code}{said}")
    try:
        return _take(parse_strict(result.result))
    except InvalidInput as error:
        return failed("InvalidOutput", error.message)


def failed(error_class: str, message: str) -> Failure:
    """A failure that the kernel itself found."""
    return Failure(error_class=error_class, message=message)


def parse_strict(data: bytes) -> JsonObject:
    """A JSON object without duplicate keys, NaN or broken text. Raises InvalidInput."""
    return read_object(data, what="the answer")


def _take(answer: JsonObject) -> JsonObject | Failure | None:
    if answer.keys() == {"outputs"} and isinstance(answer["outputs"], dict | None):
        outputs: JsonObject | None = answer["outputs"]
        return outputs
    if answer.keys() == {"failure"} and isinstance(answer["failure"], dict):
        return _failure(answer["failure"])
    raise InvalidInput("the answer holds neither outputs nor a failure")


def _failure(data: JsonObject) -> Failure:
    if data.keys() != _LONGEST.keys() or not all(isinstance(v, str) for v in data.values()):
        raise InvalidInput("the failure in the answer does not have the right fields")
    if not _CLASS.fullmatch(data["error_class"]):
        data = {
            **data,
            "error_class": "Exception",
            "message": f"{data['error_class'][: _LONGEST['error_class']]}: {data['message']}",
        }
    return Failure(**{key: value[: _LONGEST[key]] for key, value in data.items()})


_WHY = {
    Ended.SIGNALLED: "it was ended by a signal",
    Ended.WALL_CLOCK: "it took longer than it may",
    Ended.CPU_TIME: "it used more processor time than it may",
    Ended.MEMORY: "it used more memory than it may",
    Ended.DISK: "it wrote more to the disk than it may",
    Ended.OUTPUT: "it gave more output than it may",
    Ended.CALLS: "it misused its line to the kernel",
    Ended.CANCELLED: "it was cancelled",
}


def _ended(result: SealedResult) -> Failure:
    signal = f" ({result.exit_code - 128})" if result.ended is Ended.SIGNALLED else ""
    after = f" after {result.wall_seconds:.1f} s" if result.wall_seconds else ""
    why = f": {result.why}" if result.why else ""
    return failed(str(result.ended), f"{_WHY[result.ended]}{signal}{after}{why}")
