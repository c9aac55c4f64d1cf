"""What every sealed run may read, and the environment that it gets."""

from __future__ import annotations

import os
import site
import sys
from functools import cache
from pathlib import Path

from ..domain.errors import InvalidInput

TEMPORARY = ".autoclave-tmp"
"""Folder for temporary files inside the working folder; never part of a difference."""

_SYSTEM = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/alternatives",
    "/etc/localtime",
    "/nix/store",
    # Homebrew, where macOS has Python's libraries from.
    "/opt/homebrew/Cellar",
    "/opt/homebrew/opt",
    "/opt/homebrew/lib",
)
_NEVER = ("/", "/proc", "/sys", "/dev", "/run", "/etc", "/root", "/home", "/var", "/tmp")  # noqa: S108


@cache
def standard_trees() -> tuple[Path, ...]:
    """System and interpreter trees, and the folder that this package is imported from."""
    package = Path(__file__).resolve().parents[2]
    wanted = [Path(text) for text in _SYSTEM]
    wanted += [Path(sys.prefix), Path(sys.base_prefix), *_site_folders(), package]
    program = Path(sys.executable)
    if not _inside(program.resolve(), wanted):
        wanted.append(program.resolve())
    narrow = (path for tree in wanted for path in _narrowed(tree))
    found = {path.resolve() for path in narrow if path.exists()}
    return tuple(sorted(path for path in found if found.isdisjoint(path.parents)))


@cache
def standard_links() -> dict[str, str]:
    """Symbolic links that lead to those trees: the interpreter is often found through some."""
    links: dict[str, str] = {}
    system = (Path(text) for text in _SYSTEM)
    for path in (Path(sys.executable), Path(sys.base_prefix), Path(sys.prefix), *system):
        _follow(path, links)
    return links


def further_trees(paths: tuple[Path, ...]) -> tuple[Path, ...]:
    """The trees that one run asks for. InvalidInput for what would open the whole machine."""
    found = []
    for path in paths:
        real = path.resolve()
        if str(real) in _NEVER or str(real).startswith(("/proc/", "/sys/")) or _is_device(real):
            raise InvalidInput(f"{path} cannot be made readable for a sealed run")
        if not real.exists():
            raise InvalidInput(f"{path} cannot be made readable: it does not exist")
        found.append(real)
    return tuple(found)


def _is_device(path: Path) -> bool:
    """Below /dev, except for plain files and folders in memory, which lie in a folder there."""
    return path.is_relative_to("/dev") and Path("/dev/shm") not in path.parents  # noqa: S108


def search_path() -> str:
    """PATH inside: the running interpreter's programs first."""
    folders = [Path(sys.executable).parent, Path(sys.prefix, "bin"), Path(sys.base_prefix, "bin")]
    system = ["/usr/local/bin", "/usr/bin", "/bin"]
    return ":".join(dict.fromkeys([*map(str, folders), *system]))


def environment(folder: Path, extra: dict[str, str]) -> dict[str, str]:
    """The minimal environment. Nothing is inherited; caches go where they are thrown away."""
    temporary = f"{folder}/{TEMPORARY}"
    standard = {
        "PATH": search_path(),
        "HOME": str(folder),
        "TMPDIR": temporary,
        "XDG_CACHE_HOME": f"{temporary}/cache",
        "USER": "sealed",
        "LOGNAME": "sealed",
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPYCACHEPREFIX": f"{temporary}/pycache",
        "PYTHONHASHSEED": "0",
        "PYTHONNOUSERSITE": "1",
        "PYTHONUTF8": "1",
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    for name, value in extra.items():
        if not name or "=" in name or "\0" in name + value:
            raise InvalidInput(f"{name!r} cannot be a variable of the environment")
    return standard | extra


def program(name: str) -> str:
    """The absolute path of a program as the sealed process finds it."""
    if name == "python":
        return sys.executable
    if name.startswith("/"):
        return name
    if "/" in name:
        raise InvalidInput(f"{name!r}: name a program or give its absolute path")
    found = (f"{folder}/{name}" for folder in search_path().split(":"))
    # What is not found is tried as it is, and answered as a shell would: 127.
    return next((path for path in found if os.access(path, os.X_OK)), f"/usr/bin/{name}")


def _site_folders() -> list[Path]:
    return [Path(text) for text in site.getsitepackages()]


def _inside(path: Path, trees: list[Path]) -> bool:
    return any(path.is_relative_to(tree.resolve()) for tree in trees if tree.exists())


def _narrowed(tree: Path) -> list[Path]:
    """A prefix that holds a home or the whole machine is cut down to its program folders."""
    real = tree.resolve()
    home = Path.home().resolve()
    if str(real) not in _NEVER and not home.is_relative_to(real):
        return [tree]
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return [tree / "lib" / version, *tree.glob("lib/libpython*")]


def _follow(path: Path, links: dict[str, str]) -> None:
    """Note every symbolic link on the way from `path` to the real thing."""
    for part in [*reversed(path.parents), path]:
        if part.is_symlink() and str(part) not in links:
            target = part.parent / part.readlink()
            links[str(part)] = str(target)
            _follow(Path(os.path.normpath(target)), links)
