"""Runs one capability inside the sandbox: a request on standard input, the answer on descriptor 3.

Started as `python -I -B host.py`; standard library only, and nothing of the kernel is imported.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import importlib
import importlib.util
import json
import linecache
import os
import struct
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import FileFinder, ModuleSpec, SourceFileLoader
from pathlib import Path
from types import FrameType, ModuleType, TracebackType
from typing import Any

ANSWER = 3
ANSWERS, CALLS = 4, 5
"""Descriptors of the line to the kernel, where this run has one."""
_LONGEST_MESSAGE = 4_000
_MOST_FRAMES = 20


class NotAllowed(PermissionError):
    """A rule, a person or the manifest says no to a call."""


class CallFailed(OSError):
    """A call could not be served; the text begins with the kind of the error."""


class Answer(dict[str, Any]):
    """What the kernel answered. It is there already, and may be awaited all the same."""

    def __await__(self) -> Generator[None, None, Answer]:
        return self
        yield


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a capability may use while it runs."""

    workspace: Path
    """A writable copy of the user's files; the current directory."""
    scratch: Path
    """For anything that is no change to the workspace."""
    key: str
    """Names this one intent; the same when it is tried again."""
    deadline: float
    """On the monotonic clock."""
    site_packages: tuple[Path, ...] = ()
    """Where the workspace's own installed packages are, if it has any that fit this Python."""

    ask: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    """Puts one call to the kernel; None where no kernel listens, as in a capability's tests."""

    def recall(self, query: str, limit: int = 5) -> Answer:
        """What is known about something: `experiences`, `plans`, `patterns`, best first."""
        return self._call({"call": "knowledge.recall", "query": query, "limit": limit})

    def ask_model(
        self,
        messages: Sequence[Mapping[str, str]],
        schema: Mapping[str, Any] | None = None,
        *,
        system: str = "",
        most_tokens: int = 1024,
    ) -> Answer:
        """One answer of a language model: `text`, `stop`, `tokens`, `usd`."""
        call = {"call": "model.complete", "messages": [dict(each) for each in messages]}
        more = {"schema": dict(schema or {}), "system": system, "most_tokens": most_tokens}
        return self._call({**call, **more})

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | str = b"",
        secret: str = "",
    ) -> Answer:
        """One request: `status`, `url`, `headers`, and `body` as bytes.

        `secret` names one of the manifest; the kernel puts it in.
        """
        data = body.encode() if isinstance(body, str) else body
        call = {"call": "network.request", "method": method, "url": url, "secret": secret}
        more = {"headers": dict(headers or {}), "body": base64.b64encode(data).decode()}
        answer = self._call({**call, **more})
        return Answer({**answer, "body": base64.b64decode(answer["body"])})

    def _call(self, call: dict[str, Any]) -> Answer:
        if self.ask is None:
            raise CallFailed(f"NoBroker: nobody answers {call['call']} here")
        said = self.ask(call)
        if "ok" in said:
            return Answer(said["ok"])
        kind, message = said["refused"]["error_class"], said["refused"]["message"]
        raise NotAllowed(message) if kind == "NotAllowed" else CallFailed(f"{kind}: {message}")

    @property
    def seconds(self) -> float:
        """Wall clock that is left."""
        return max(0.0, self.deadline - time.monotonic())

    def path(self, name: str) -> Path:
        """The path of `name` in the workspace. Raises when it leads out of it."""
        if not name or "\0" in name:
            raise ValueError(f"{name!r} is not a path")
        path = (self.workspace / name).resolve()
        if not path.is_relative_to(self.workspace.resolve()):
            raise PermissionError(f"{name!r} leads out of the workspace")
        return path


class Packages(MetaPathFinder):
    """Finds the capability and those it depends on by name, from source files only."""

    def __init__(self, folders: Mapping[str, str]) -> None:
        self._folders = folders

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        name, _, rest = fullname.partition(".")
        if name not in self._folders:
            return None
        if rest and path:
            return FileFinder(next(iter(path)), (SourceFileLoader, [".py"])).find_spec(fullname)
        return _package(name, Path(self._folders[name]))


def _package(name: str, folder: Path) -> ModuleSpec | None:
    init = folder / "__init__.py"
    if init.exists():
        return importlib.util.spec_from_file_location(
            name, init, submodule_search_locations=[str(folder)]
        )
    spec = ModuleSpec(name, None, is_package=True)
    spec.submodule_search_locations = [str(folder)]
    return spec


def main() -> None:
    """Answer the one request and end the process, whatever threads are left behind."""
    os.set_inheritable(ANSWER, False)
    request = json.loads(sys.stdin.buffer.read())
    for descriptor in (ANSWERS, CALLS) if request.get("calls") else ():
        os.set_inheritable(descriptor, False)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    try:
        reply = _serve(request)
    except BaseException as error:  # noqa: BLE001
        # The edge of the process: even a SystemExit of the capability is an answer.
        reply = {"failure": describe(error, request["packages"][request["name"]])}
    _write(_encode(reply))
    for stream in (sys.stdout, sys.stderr):
        # The capability may have closed it or put something else in its place.
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(0)


def _serve(request: dict[str, Any]) -> dict[str, Any]:
    packages = request["packages"]
    # Compiled code beside the sources could say something else than they do.
    sys.pycache_prefix = str(Path(request["scratch"]) / "no-cache")
    sys.meta_path.insert(0, Packages(packages))
    sys.path.extend(request["site_packages"])
    os.chdir(request["workspace"])
    if request["mode"] == "test":
        return {"outputs": _beside("host_tests").run(request, fresh_context)}
    module = importlib.import_module(f"{request['name']}.code")
    outputs = _call(module, context_of(request), request)
    if not isinstance(outputs, dict) and not (outputs is None and request["mode"] == "verify"):
        kind = type(outputs).__name__
        return _invalid(f"{request['mode']} gave a {kind}, not a dict of outputs")
    return {"outputs": outputs}


def context_of(request: Mapping[str, Any]) -> Context:
    """The context that a request describes; its time starts now."""
    return Context(
        workspace=Path(request["workspace"]),
        scratch=Path(request["scratch"]),
        key=request["key"],
        deadline=time.monotonic() + request["seconds"],
        site_packages=tuple(Path(folder) for folder in request["site_packages"]),
        ask=_ask_kernel if request.get("calls") else None,
    )


def fresh_context(folder: Path) -> Context:
    """What a capability gets over an empty workspace below `folder`, for its tests."""
    workspace, scratch = folder / "workspace", folder / "scratch"
    workspace.mkdir()
    scratch.mkdir()
    return Context(
        workspace=workspace, scratch=scratch, key="test", deadline=time.monotonic() + 30.0
    )


def _call(module: ModuleType, context: Context, request: Mapping[str, Any]) -> object:
    inputs = request["inputs"]
    if request["mode"] == "verify":
        return asyncio.run(module.verify(context, inputs, request["key"]))
    validate = getattr(module, "validate_input", None)
    if validate is not None and validate(inputs) is False:
        raise ValueError("the capability's own validate_input refuses these inputs")
    return asyncio.run(module.execute(context, inputs))


def _beside(name: str) -> ModuleType:
    """A module next to this file; isolated mode keeps this folder off the path."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    if spec is None or spec.loader is None:
        raise ImportError(f"{name}.py is missing beside {__file__}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def describe(error: BaseException, folder: str) -> dict[str, str]:
    """An exception as data: its class, message, place and the capability's own frames."""
    kind = type(error).__name__
    frames = list(_own_frames(error.__traceback__, folder))
    message = _message(error)
    where = _place(*frames[-1], folder=folder) if frames else _place_of_syntax(error, folder)
    left_out = len(frames) - _MOST_FRAMES
    lines = [f"  … {left_out} more frames\n"] if left_out > 0 else []
    lines += [_frame_text(frame, line, folder) for frame, line in frames[-_MOST_FRAMES:]]
    return {
        "error_class": kind,
        "message": message,
        "where": where,
        "traceback": "".join(lines) + f"{kind}: {message}",
    }


def _message(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception as broken:  # noqa: BLE001  (an error that can't even be printed)
        text = f"(its text can't be had: {type(broken).__name__})"
    return text[:_LONGEST_MESSAGE]


def _own_frames(trace: TracebackType | None, folder: str) -> Iterator[tuple[FrameType, int]]:
    while trace is not None:
        if trace.tb_frame.f_code.co_filename.startswith(folder + os.sep):
            yield trace.tb_frame, trace.tb_lineno
        trace = trace.tb_next


def _place(frame: FrameType, line: int, *, folder: str) -> str:
    file = os.path.relpath(frame.f_code.co_filename, folder)
    return f"{file}:{_function(frame)}"


def _function(frame: FrameType) -> str:
    """The qualified name of the function, comprehensions and lambdas counted as part of it."""
    return frame.f_code.co_qualname.split(".<locals>.<", maxsplit=1)[0]


def _place_of_syntax(error: BaseException, folder: str) -> str:
    file = getattr(error, "filename", None)
    inside = isinstance(error, SyntaxError) and file and file.startswith(folder + os.sep)
    return f"{os.path.relpath(file, folder)}:<module>" if inside and file else ""


def _frame_text(frame: FrameType, line: int, folder: str) -> str:
    file = frame.f_code.co_filename
    source = linecache.getline(file, line).strip()
    return (
        f'  File "{os.path.relpath(file, folder)}", line {line}, in {_function(frame)}\n'
        f"    {source}\n"
    )


def _invalid(message: str) -> dict[str, Any]:
    failure = {"error_class": "InvalidOutput", "message": message, "where": "code.py:execute"}
    return {"failure": {**failure, "traceback": ""}}


def _encode(reply: dict[str, Any]) -> bytes:
    try:
        return json.dumps(reply, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        return json.dumps(_invalid(f"the outputs are not JSON: {error}")).encode()


def _ask_kernel(call: dict[str, Any]) -> dict[str, Any]:
    """One call at a time: its length, then itself; the answer comes back in the same way."""
    data = json.dumps(call).encode()
    data = struct.pack("!I", len(data)) + data
    while data:
        data = data[os.write(CALLS, data) :]
    (length,) = struct.unpack("!I", _receive(4))
    answer: dict[str, Any] = json.loads(_receive(length))
    return answer


def _receive(length: int) -> bytes:
    data = b""
    while len(data) < length:
        chunk = os.read(ANSWERS, length - len(data))
        if not chunk:
            raise CallFailed("NoBroker: the kernel has closed the line")
        data += chunk
    return data


def _write(data: bytes) -> None:
    with open(ANSWER, "wb") as channel:
        channel.write(data)


if __name__ == "__main__":
    main()
