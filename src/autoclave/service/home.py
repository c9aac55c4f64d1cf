"""The home: one folder with the rules, the body that may change, and what the agent remembers."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..domain.errors import ConfigurationInvalid, Conflict, InvalidInput, NotFound, OutOfResources
from .trust import check_trusted

RULES = "safety_rules.yaml"
VARIABLE = "AUTOCLAVE_HOME"

_PACKAGE = Path(__file__).resolve().parent.parent
_MIND_IN_CHECKOUT = Path("src", "autoclave", "mind")
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", ".*_cache", ".hypothesis")
_GIT_IGNORE = "/.autoclave/\n/knowledge/*.db*\n/checkpoints/*/\n/sandbox/scratch/\n__pycache__/\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Where everything is. Making this value touches nothing."""

    root: Path

    @property
    def is_checkout(self) -> bool:
        """A source checkout is a home whose body is the source itself."""
        return (self.root / _MIND_IN_CHECKOUT).is_dir()

    @property
    def rules(self) -> Path:
        return self.root / RULES

    @property
    def mind(self) -> Path:
        return self.root / (_MIND_IN_CHECKOUT if self.is_checkout else "mind")

    @property
    def mind_folder(self) -> str:
        """The same below the root, as paths of a change name it."""
        return self.mind.relative_to(self.root).as_posix()

    @property
    def capabilities(self) -> Path:
        return self.root / "capabilities"

    @property
    def runtime(self) -> Path:
        return self.root / ".autoclave"

    @property
    def key(self) -> Path:
        return self.runtime / "key"

    @property
    def secrets(self) -> Path:
        return self.runtime / "secrets.json"

    @property
    def anchor(self) -> Path:
        return self.runtime / "anchor"

    @property
    def lock(self) -> Path:
        return self.runtime / "lock"

    @property
    def vault(self) -> Path:
        return self.runtime / "vault"

    @property
    def lineage(self) -> Path:
        return self.runtime / "lineage.git"

    @property
    def log(self) -> Path:
        return self.runtime / "log"

    @property
    def database(self) -> Path:
        return self.root / "knowledge" / "autoclave.db"

    @property
    def checkpoints(self) -> Path:
        return self.root / "checkpoints"

    @property
    def scratch(self) -> Path:
        return self.root / "sandbox" / "scratch"

    def prepare(self) -> None:
        """Make the folders that a running agent writes to, for the owner's eyes only."""
        try:
            _make_private(self.runtime)
            for folder in (self.log, self.database.parent, self.checkpoints, self.scratch.parent):
                folder.mkdir(mode=0o700, exist_ok=True)
            self.scratch.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise _explain(error, self.root) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Initialised:
    """What `init_home` did."""

    home: Home
    added: tuple[str, ...]
    kept: tuple[str, ...]
    """What was there already and was left as it is."""


def find_home(explicit: Path | None = None, *, start: Path | None = None) -> Home:
    """The home to work on.

    `explicit` wins; else the nearest folder with rules from `start` (the current one) upwards, else
    $AUTOCLAVE_HOME, else the user's data folder. Raises NotFound with the way to make one, and
    NotAllowed for a folder on the way up that was never made a home here.
    """
    if explicit is not None:
        return _existing(explicit, "--home")
    for folder in _upwards(start or Path.cwd()):
        if (folder / RULES).is_file():
            check_trusted(folder, data_folder=data_folder())
            return Home(root=folder)
    if named := os.environ.get(VARIABLE):
        return _existing(Path(named), f"${VARIABLE}")
    folder = data_folder()
    if not (folder / RULES).is_file():
        raise NotFound(
            f"there is no home here: no {RULES} in this folder or above it, ${VARIABLE} is not"
            f" set, and {folder} is none either",
            hint=f"autoclave init {folder}",
        )
    return Home(root=folder)


def data_folder() -> Path:
    """Where the home of someone who never said where it should be is."""
    from platformdirs import user_data_path

    return user_data_path("autoclave", appauthor=False)


def owners_folder() -> Path:
    """Where people keep the keys that they own homes with. Nothing below the CLI opens one."""
    from platformdirs import user_config_path

    return user_config_path("autoclave", appauthor=False) / "owners"


def init_home(folder: Path) -> Initialised:
    """Make `folder` a home, or add what an existing home lacks; nothing is ever overwritten."""
    root = folder.expanduser().absolute()
    _check_can_become_home(root)
    home = Home(root=root)
    wanted = [RULES] if home.is_checkout else [RULES, "capabilities", "mind", ".gitignore"]
    present = [name for name in wanted if (root / name).exists()]
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in wanted:
            if name not in present:
                _add(root, name)
    except OSError as error:
        raise _explain(error, root) from error
    home.prepare()
    added = tuple(name for name in wanted if name not in present)
    return Initialised(home=home, added=added, kept=tuple(present))


def _existing(folder: Path, said_by: str) -> Home:
    root = folder.expanduser().absolute()
    if root.exists() and not root.is_dir():
        raise InvalidInput(f"{said_by} is {root}, which is not a folder")
    if not (root / RULES).is_file():
        why = f"it has no {RULES}" if root.exists() else "it does not exist"
        raise NotFound(
            f"{said_by} is {root}, which is not a home: {why}", hint=f"autoclave init {root}"
        )
    return Home(root=root)


def _upwards(start: Path) -> Iterator[Path]:
    here = start.absolute()
    yield here
    yield from here.parents


def _check_can_become_home(root: Path) -> None:
    if root.exists() and not root.is_dir():
        raise InvalidInput(f"{root} is not a folder")
    if not root.is_dir() or (root / RULES).is_file():
        return
    try:
        first = next(iter(sorted(root.iterdir())), None)
    except OSError as error:
        raise _explain(error, root) from error
    if first is not None:
        raise Conflict(
            f"{root} is neither empty nor a home (it holds {first.name!r})",
            hint="name a new or empty folder",
        )


def _add(root: Path, name: str) -> None:
    """Write one part beside its place and rename it, so that a part is there wholly or not."""
    if name == ".gitignore":
        (root / name).write_text(_GIT_IGNORE, encoding="utf-8")
        return
    source, beside = _shipped(name), root / f".new-{name}"
    if source.is_dir():
        shutil.rmtree(beside, ignore_errors=True)
        shutil.copytree(source, beside, ignore=_LEFT_OUT)
    else:
        shutil.copyfile(source, beside)
    beside.rename(root / name)


def _shipped(name: str) -> Path:
    """A part of the body as this installation brought it."""
    if name == "mind":
        return _PACKAGE / "mind"
    for folder in (_PACKAGE / "_home", _PACKAGE.parent.parent):
        if (folder / name).exists():
            return folder / name
    raise ConfigurationInvalid(
        f"this installation of Autoclave lacks {name!r}", hint="install it again"
    )


def _make_private(folder: Path) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_mode & 0o077 and folder.stat().st_uid == os.geteuid():
        folder.chmod(0o700)


def _explain(error: OSError, root: Path) -> Exception:
    where = f"cannot write to {error.filename or root}: {error.strerror}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return OutOfResources(where, hint="free some space")
    return ConfigurationInvalid(where, hint="choose another place")
