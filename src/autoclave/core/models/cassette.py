"""The file of a cassette: what a model was asked, by digest, and what it answered, line by line."""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...domain.canonical import JsonObject, digest
from ...domain.errors import ConfigurationInvalid, Conflict, InvalidInput, OutOfResources
from ...domain.model import ModelAnswer, ModelLimits
from ...domain.strict_json import read_object
from ..durable import sync_folder

VERSION = 1
_DIGITS = 16
_IN_WORDS = ("purpose", "most_tokens", "effort")
"""Fields of a request that stand as they are; of all others only a digest is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """Whose answers these are."""

    model: str
    limits: ModelLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One question and its answer."""

    call: int
    """The how-manieth call it was; calls at the same time may be written down in another order."""
    parts: JsonObject
    """The request by its fields, so that the one that differs can be named."""
    most_usd: float
    """What the request was priced at."""
    answer: ModelAnswer

    @property
    def request(self) -> str:
        return digest(self.parts)


def parts_of(request: JsonObject) -> JsonObject:
    """A request as it is compared, each message by itself. The key only names the call."""
    parts: JsonObject = {}
    for name, value in request.items():
        if name == "messages":
            parts[name] = [digest(each)[:_DIGITS] for each in value]
        elif name != "key":
            parts[name] = value if name in _IN_WORDS else digest(value)[:_DIGITS]
    return parts


def first_difference(recorded: JsonObject, asked: JsonObject) -> str:
    """Where two requests differ first, for people; empty when they do not."""
    for name in dict.fromkeys((*recorded, *asked)):
        old, new = recorded.get(name), asked.get(name)
        if old == new:
            continue
        if name in _IN_WORDS:
            return f"{name} was {old!r} and is {new!r}"
        if name != "messages" or not isinstance(old, list) or not isinstance(new, list):
            return name
        same = next(
            (n for n, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), None
        )
        if same is not None:
            return f"messages[{same}]"
        return f"messages: {len(old)} were sent, and now {len(new)}"
    return ""


def read_cassette(file: Path) -> tuple[Label, tuple[Recording, ...]]:
    """Whose it is, and what it holds, in the order of the calls. Raises InvalidInput.

    A last line that a kill cut off was never relied on, and is left out.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise InvalidInput(f"the cassette {file} can't be read: {error.strerror}") from error
    lines = data.split(b"\n")[:-1]
    if not lines:
        raise InvalidInput(f"the cassette {file} is empty", hint="record it first")
    label = _label(_object(lines[0], file, 1), file)
    found = [_recording(_object(line, file, n), file, n) for n, line in enumerate(lines[1:], 2)]
    return label, tuple(sorted(found, key=lambda each: each.call))


def begin(file: Path, label: Label) -> int:
    """Make the file, or go on with it; the number of its last call.

    Raises ConfigurationInvalid when it can't be written, Conflict when it holds another model's
    answers, InvalidInput when it is no cassette.
    """
    try:
        with _alone(file) as handle:
            if not _end_of_whole_lines(handle):
                _write(handle, 0, _line(_label_json(label)))
        sync_folder(file.parent)
    except OSError as error:
        raise ConfigurationInvalid(
            f"nothing can be recorded on {file}: {error.strerror}", hint="give another file"
        ) from error
    found, recordings = read_cassette(file)
    if found != label:
        raise Conflict(
            f"the cassette {file} holds answers of {found.model}, with other limits or another "
            f"name than those of {label.model}",
            hint="record on a file of its own",
        )
    return max((each.call for each in recordings), default=0)


def append(file: Path, recording: Recording) -> None:
    """Write one line durably, whole or not at all. Raises OutOfResources."""
    try:
        with _alone(file) as handle:
            _write(handle, _end_of_whole_lines(handle), _line(_recording_json(recording)))
    except OSError as error:
        raise OutOfResources(f"{file} can't be written: {error.strerror}") from error


def _write(handle: int, end: int, data: bytes) -> None:
    try:
        if os.pwrite(handle, data, end) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(handle)
    except OSError:
        os.ftruncate(handle, end)
        raise


@contextmanager
def _alone(file: Path) -> Iterator[int]:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    handle = os.open(file, flags, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        os.fchmod(handle, 0o600)
        yield handle
    finally:
        os.close(handle)


def _end_of_whole_lines(handle: int) -> int:
    """Where to write on; half a line that a kill left behind is cut off."""
    size = os.fstat(handle).st_size
    if not size or os.pread(handle, 1, size - 1) == b"\n":
        return size
    end = os.pread(handle, size, 0).rfind(b"\n") + 1
    os.ftruncate(handle, end)
    return end


def _label_json(label: Label) -> JsonObject:
    return {"cassette": VERSION, "model": label.model, "limits": asdict(label.limits)}


def _recording_json(recording: Recording) -> JsonObject:
    answer = recording.answer.to_json()
    del answer["text"]  # it is in the blocks
    return {
        "call": recording.call,
        "request": recording.request,
        "parts": recording.parts,
        "most_usd": recording.most_usd,
        "answer": answer,
    }


def _line(value: JsonObject) -> bytes:
    # In ASCII, because half a character can be written in no other way.
    return json.dumps(value, sort_keys=True, allow_nan=False).encode("ascii") + b"\n"


def _object(line: bytes, file: Path, number: int) -> JsonObject:
    return read_object(line, what=f"line {number} of {file}", half_characters=True)


def _label(data: Mapping[str, Any], file: Path) -> Label:
    version = data.get("cassette")
    if version != VERSION:
        raise InvalidInput(
            f"{file} is no cassette of version {VERSION} but says {version!r}",
            hint="record it again with this version of Autoclave",
        )
    try:
        return Label(model=str(data["model"]), limits=ModelLimits(**data["limits"]))
    except (KeyError, TypeError) as error:
        raise InvalidInput(f"the first line of {file} is not that of a cassette") from error


def _recording(data: Mapping[str, Any], file: Path, number: int) -> Recording:
    try:
        recording = Recording(
            call=int(data["call"]),
            parts=dict(data["parts"]),
            most_usd=float(data["most_usd"]),
            answer=ModelAnswer.from_json(data["answer"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInput(f"line {number} of {file} is not one of a cassette") from error
    if recording.request != data.get("request"):
        raise InvalidInput(f"line {number} of {file} was changed by hand: its digest is another")
    return recording
