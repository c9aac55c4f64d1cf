"""Which homes are one's own: found upwards, a folder from somewhere else must not be believed."""

from __future__ import annotations

import os
from pathlib import Path

from ..domain.errors import NotAllowed

_PACKAGE = Path(__file__).resolve().parent.parent


def trust(root: Path) -> None:
    """Remember that a person made this folder a home here."""
    root = root.resolve()
    known = _remembered()
    if root in known:
        return
    file = _file()
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = file.with_suffix(f".{os.getpid()}")
    lines = [os.fsencode(each) for each in (*known, root)]
    beside.write_bytes(b"\0".join(lines))
    beside.chmod(0o600)
    beside.replace(file)


def check_trusted(root: Path, *, data_folder: Path) -> None:
    """Raise NotAllowed for a folder that calls itself a home and was never made one here.

    Its mind, rules and capabilities would run for whoever steps into it: a downloaded project
    could bring its own. The user's own data folder, and the checkout that this very program was
    started from, need no word.
    """
    real = root.resolve()
    own_checkout = _PACKAGE.parent.parent
    if real in (own_checkout, data_folder.resolve()) or real in _remembered():
        return
    raise NotAllowed(
        f"{root} calls itself a home, but nobody made it one here: its mind and rules may be"
        " somebody else's",
        rules=("homes-are-made-by-people",),
        hint=f"if it is yours: autoclave init {root}   (or name your home with --home)",
    )


def _remembered() -> tuple[Path, ...]:
    try:
        stored = _file().read_bytes()
    except FileNotFoundError:
        return ()
    return tuple(Path(os.fsdecode(each)) for each in stored.split(b"\0") if each)


def _file() -> Path:
    from platformdirs import user_state_path

    return user_state_path("autoclave", appauthor=False) / "homes"
