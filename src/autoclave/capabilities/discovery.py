"""Finds capabilities: folders with a manifest, in the home, the user's folders and plug-ins."""

from __future__ import annotations

import importlib.machinery
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..domain.capability import Manifest
from ..domain.errors import AutoclaveError
from ..domain.text import show_line
from .trees import is_ignored

GROUP = "autoclave.capabilities"
_LOOKS_LIKE = str.maketrans({"1": "l", "0": "o", "i": "l", "5": "s", "_": None})


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A folder that should be a capability and is none."""

    name: str
    """Of the folder, safe to show."""
    folder: Path
    error: str
    """What is wrong, in which file, and what to do about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """What a scan found."""

    manifests: tuple[Manifest, ...] = ()
    broken: tuple[Broken, ...] = ()


def discover(roots: Sequence[Path], *, plugins: bool = False) -> Discovery:
    """Every capability below the roots, earlier roots first; no code is imported.

    A root that does not exist holds nothing. One broken folder never hides another.
    """
    found: list[Manifest] = []
    broken: list[Broken] = []
    if plugins:
        more, unusable = plugin_folders()
        roots = (*roots, *more)
        broken.extend(unusable)
    for folder in _candidates(roots):
        result = _read(folder)
        if isinstance(result, Manifest):
            result = _look_alike(result, found) or result
        found.extend([result] if isinstance(result, Manifest) else [])
        broken.extend([result] if isinstance(result, Broken) else [])
    return Discovery(manifests=tuple(found), broken=tuple(broken))


def plugin_folders() -> tuple[list[Path], list[Broken]]:
    """Folders that installed packages offer, found without importing the packages.

    An entry point in the group `autoclave.capabilities` has the dotted path of a folder as value.
    """
    from importlib.metadata import entry_points

    folders, broken = [], []
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        folder = _folder_of(point.module) if not point.attr else None
        if folder is not None:
            folders.append(folder)
        else:
            why = f"the entry point {point.name} = {point.value!r} is not a folder of a package"
            broken.append(Broken(name=show_line(point.name), folder=Path(), error=why))
    return folders, broken


def _folder_of(dotted: str) -> Path | None:
    package, *below = dotted.split(".")
    spec = importlib.machinery.PathFinder.find_spec(package)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(place).joinpath(*below)
        if folder.is_dir():
            return folder
    return None


def _candidates(roots: Sequence[Path]) -> Iterable[Path]:
    for root in roots:
        if root.is_dir():
            yield from sorted(
                entry
                for entry in root.iterdir()
                if not is_ignored(entry.name) and (entry.is_dir() or entry.is_symlink())
            )


def _read(folder: Path) -> Manifest | Broken:
    # Pydantic and jsonschema come in here, not when the command line starts.
    from .manifests import read_manifest

    try:
        return read_manifest(folder)
    except AutoclaveError as error:
        return _broken(folder, f"{error.message} ({error.hint})" if error.hint else error.message)
    except OSError as error:
        return _broken(folder, f"{folder.name} can't be read: {error.strerror}")


def _broken(folder: Path, error: str) -> Broken:
    return Broken(name=show_line(folder.name), folder=folder, error=show_line(error))


def _look_alike(manifest: Manifest, found: Sequence[Manifest]) -> Broken | None:
    for other in found:
        if other.name != manifest.name and _shape(other.name) == _shape(manifest.name):
            why = f"the name {manifest.name!r} is too like {other.name!r} ({other.folder})"
            return _broken(manifest.folder, why)
    return None


def _shape(name: str) -> str:
    return name.translate(_LOOKS_LIKE)
