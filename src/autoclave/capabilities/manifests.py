"""Reads `capability.toml`: text from outside becomes a Manifest, or an error that says where."""

from __future__ import annotations

import difflib
import keyword
import re
import sys
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from packaging.requirements import InvalidRequirement, Requirement
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..domain.broker import SECRET_NAME, TOKEN, kind_of, parse_call
from ..domain.canonical import canonical
from ..domain.capability import Access, Example, Manifest, Needs, SecretNeed, host_fits
from ..domain.changes import check_relative
from ..domain.errors import ConfigurationInvalid, InvalidInput
from ..domain.intents import Effect
from ..domain.sealed import Limits
from ..domain.text import show_line
from .broker import is_declared
from .schemas import check_schema, misfit, semantic_types
from .trees import Tree, read_tree

FILE = "capability.toml"
CODE = "code.py"
_LONGEST_FILE = 256 << 10
_NAME = re.compile(r"[a-z][a-z0-9_]{1,39}")
_VERSION = re.compile(r"(0|[1-9]\d{0,5})(\.(0|[1-9]\d{0,5})){2}")
_HOST = re.compile(r"[a-z0-9*]([a-z0-9.-]*[a-z0-9])?")
_COMMAND = re.compile(r"\*|[A-Za-z0-9][A-Za-z0-9._+-]*")
_TAKEN = frozenset({"autoclave", "host", "host_tests", "conftest", "pytest", "tests"})


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Secret(_Table):
    name: str
    host: str
    header: str = "Authorization"


class _Needs(_Table):
    workspace: Access = "none"
    network: list[str] = []
    commands: list[str] = []
    model: bool = False
    knowledge: bool = False
    secrets: list[_Secret] = []


class _Limits(_Table):
    wall_seconds: Annotated[float, Field(gt=0, le=3600)] = 60.0
    cpu_seconds: Annotated[int, Field(gt=0, le=7200)] = 60
    memory_bytes: Annotated[int, Field(ge=64 << 20, le=64 << 30)] = Limits().memory_bytes
    total_memory_bytes: Annotated[int, Field(ge=32 << 20, le=16 << 30)] = 2 << 30
    processes: Annotated[int, Field(gt=0, le=1024)] = 64
    open_files: Annotated[int, Field(ge=16, le=4096)] = 256
    file_bytes: Annotated[int, Field(ge=4096, le=1 << 30)] = 64 << 20
    disk_bytes: Annotated[int, Field(ge=4096, le=4 << 30)] = 256 << 20
    inodes: Annotated[int, Field(ge=16, le=500_000)] = 20_000
    output_bytes: Annotated[int, Field(ge=1024, le=64 << 20)] = 4 << 20
    result_bytes: Annotated[int, Field(ge=1024, le=64 << 20)] = 8 << 20


class _Answer(_Table):
    call: dict[str, Any]
    answer: dict[str, Any]


class _Example(_Table):
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    files: dict[str, str] = {}
    changes: dict[str, str] = {}
    answers: list[_Answer] = []


class _File(_Table):
    name: str
    version: str
    purpose: Annotated[str, Field(min_length=1, max_length=200)]
    effect: Literal["pure", "idempotent", "verifiable", "once"]
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    serves: list[str] = []
    provides: list[str] = []
    depends_on: list[str] = []
    needs: _Needs = _Needs()
    limits: _Limits = _Limits()
    examples: list[_Example] = []


_FIELDS = {
    "": tuple(_File.model_fields),
    "needs": tuple(_Needs.model_fields),
    "limits": tuple(_Limits.model_fields),
    "examples": tuple(_Example.model_fields),
    "secrets": tuple(_Secret.model_fields),
}


def read_manifest(folder: Path) -> Manifest:
    """The manifest of one folder; none of its code is imported.

    Raises ConfigurationInvalid, InvalidInput or NotFound: what is wrong, and in which file.
    """
    tree = read_tree(folder)
    if FILE not in tree.files:
        raise ConfigurationInvalid(f"{folder.name} has no {FILE}")
    if CODE not in tree.files:
        raise ConfigurationInvalid(f"{folder.name} has no {CODE}")
    try:
        return _manifest(folder, tree)
    except InvalidInput as error:
        file = f"{folder.name}/{FILE}"
        raise ConfigurationInvalid(f"{file}: {error.message}", hint=error.hint) from error


def _manifest(folder: Path, tree: Tree) -> Manifest:
    given = _parse(tree.files[FILE])
    _check_name(given.name, folder)
    _check_words(given)
    _check_schemas(given)
    _check_effect(given)
    return Manifest(
        name=given.name,
        version=given.version,
        purpose=given.purpose,
        inputs=given.inputs,
        outputs=given.outputs,
        effect=Effect(given.effect),
        needs=_needs(given.needs),
        limits=Limits(**given.limits.model_dump()),
        serves=tuple(given.serves),
        provides=tuple(sorted({*given.provides, *semantic_types(given.outputs)})),
        depends_on=tuple(given.depends_on),
        examples=tuple(Example(**example.model_dump()) for example in given.examples),
        folder=folder,
        tree=tree.digest,
    )


def _needs(given: _Needs) -> Needs:
    return Needs(
        workspace=given.workspace,
        network=tuple(given.network),
        commands=tuple(given.commands),
        model=given.model,
        knowledge=given.knowledge,
        secrets=tuple(SecretNeed(**each.model_dump()) for each in given.secrets),
    )


def _parse(data: bytes) -> _File:
    if len(data) > _LONGEST_FILE:
        raise InvalidInput(f"it has {len(data):,} bytes; the most is {_LONGEST_FILE:,}")
    try:
        return _File.model_validate(tomllib.loads(data.decode("utf-8")))
    except UnicodeDecodeError as error:
        raise InvalidInput(f"it is not UTF-8 (byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"it is not TOML: {error}") from error
    except RecursionError as error:
        raise InvalidInput("it is nested too deeply") from error
    except ValidationError as error:
        raise InvalidInput("; ".join(map(_sentence, error.errors()[:5]))) from error


def _sentence(error: Any) -> str:
    place = ".".join(map(str, error["loc"]))
    if error["type"] != "extra_forbidden":
        return f"{place}: {error['msg'][:1].lower()}{error['msg'][1:]}"
    parent = str(error["loc"][0]) if len(error["loc"]) > 1 else ""
    near = difflib.get_close_matches(str(error["loc"][-1]), _FIELDS.get(parent, ()), n=1)
    return f"{place}: unknown key" + (f", did you mean {near[0]!r}?" if near else "")


def _check_name(name: str, folder: Path) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidInput(f"the name {name!r} is not 2 to 40 of a-z, 0-9 and _")
    if name in sys.stdlib_module_names or name in _TAKEN or keyword.iskeyword(name):
        raise InvalidInput(f"the name {name!r} is taken by Python or Autoclave itself")
    if name != folder.name:
        raise InvalidInput(f"it names {name!r} but lies in the folder {folder.name!r}")


def _check_words(given: _File) -> None:
    if not _VERSION.fullmatch(given.version):
        raise InvalidInput(f"the version {given.version!r} is not MAJOR.MINOR.PATCH")
    for text in (given.purpose, *given.serves, *given.provides):
        if not text.strip() or len(text) > 200 or show_line(text) != text:
            raise InvalidInput(f"{text!r} is not one line of plain text")
    for host in given.needs.network:
        if not _HOST.fullmatch(host):
            raise InvalidInput(f"needs.network: {host!r} is not a host name")
    for command in given.needs.commands:
        if not _COMMAND.fullmatch(command):
            raise InvalidInput(f"needs.commands: {command!r} is not the name of a program")
    _check_secrets(given.needs)
    for text in given.depends_on:
        _check_requirement(text)


def _check_secrets(needs: _Needs) -> None:
    """One name is one secret: for one host that is named whole, in one header."""
    if len({each.name for each in needs.secrets}) != len(needs.secrets):
        raise InvalidInput("needs.secrets: a name twice")
    for each in needs.secrets:
        if not SECRET_NAME.fullmatch(each.name):
            raise InvalidInput(f"needs.secrets: {each.name!r} is not the name of a secret")
        if not TOKEN.fullmatch(each.header):
            raise InvalidInput(f"needs.secrets: {each.header!r} is not the name of a header")
        if not any(host_fits(pattern, each.host) for pattern in needs.network):
            raise InvalidInput(f"needs.secrets: {each.host!r} is no host of needs.network")


def _check_requirement(text: str) -> None:
    try:
        wanted = Requirement(text)
    except InvalidRequirement as error:
        raise InvalidInput(f"depends_on: {text!r} is not `name` or `name>=1.2`") from error
    if wanted.url or wanted.extras or wanted.marker or not _NAME.fullmatch(wanted.name):
        raise InvalidInput(f"depends_on: {text!r} is not `name` or `name>=1.2`")


def _check_schemas(given: _File) -> None:
    for place, schema in (("inputs", given.inputs), ("outputs", given.outputs)):
        try:
            check_schema(schema)
        except InvalidInput as error:
            raise InvalidInput(f"{place}: {error.message}", hint=error.hint) from error
    for number, example in enumerate(given.examples, start=1):
        _check_example(given, example, place=f"example {number}")


def _check_example(given: _File, example: _Example, *, place: str) -> None:
    try:
        canonical([example.inputs, example.outputs])
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{place}: not JSON: {error}") from error
    if why := misfit(given.inputs, example.inputs):
        raise InvalidInput(f"{place}: inputs do not fit: {why}")
    for answer in example.answers:
        _check_answer(given, answer, place=place)
    for path in (*example.files, *example.changes):
        check_relative(path)
    if example.changes and given.needs.workspace != "write":
        raise InvalidInput(f'{place}: it changes files, which needs workspace = "write"')


def _check_answer(given: _File, answer: _Answer, *, place: str) -> None:
    try:
        canonical(answer.answer)
        call = parse_call(canonical(answer.call).encode("utf-8"))
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{place}: not JSON: {error}") from error
    except InvalidInput as error:
        raise InvalidInput(f"{place}: {error.message}", hint=error.hint) from error
    if not is_declared(_needs(given.needs), call):
        raise InvalidInput(f"{place}: {kind_of(call)} is not among the needs")


def _check_effect(given: _File) -> None:
    if given.effect == "pure" and given.needs.workspace == "write":
        raise InvalidInput("effect: what writes to the workspace is not pure")
