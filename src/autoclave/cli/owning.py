"""Making an owner's key and having a home take it in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..domain.canonical import JsonObject
from .signing import VARIABLE, KeyFile, create_key, key_file, key_files, login_name

if TYPE_CHECKING:
    from ..service.control import Control


async def make_owner(
    control: Control, *, by: str, name: str = "", passphrase: str = ""
) -> JsonObject:
    """The person's key, made if it is missing; it becomes the owner of a home that has none."""
    file = own_key(name)
    made = not file.path.exists()
    key = create_key(file, passphrase=passphrase) if made else file.public()
    found = await control.owners()
    enrolled = bool(key) and not found["home"]
    if enrolled:
        found = await control.enrol_first_owner(file.name, key, by=by)
    owns = key in {each["key"] for each in found["owners"]}
    return {
        "name": file.name,
        "key": key,
        "file": str(file.path),
        "made": made,
        "enrolled": enrolled,
        "owns": owns,
    }


def own_key(name: str) -> KeyFile:
    """The key of that name, else that of the environment, else the one there is, else a new one."""
    if name:
        return key_file(name)
    if named := os.environ.get(VARIABLE):
        return KeyFile(path=Path(named).expanduser().absolute())
    login = key_file(login_name())
    there = key_files()
    return there[0] if there and not login.path.exists() else login
