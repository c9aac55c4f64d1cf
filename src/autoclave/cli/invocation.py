"""One call of the command line: its options, its home, and the door to everything else."""

from __future__ import annotations

import getpass
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from ..domain.errors import InvalidInput, NotFound
from ..service.home import VARIABLE, Home, data_folder, find_home, init_home
from .output import Output
from .remote_token import read_token
from .signals import run_stoppable

if TYPE_CHECKING:
    from ..service.control import Control

T = TypeVar("T")


def _open_control(home: Home) -> Control:
    from ..wiring import open_control

    return open_control(home)


@dataclass(slots=True, kw_only=True)
class Invocation:
    """What click hands to every command."""

    output: Output = field(default_factory=Output)
    home_option: Path | None = None
    url: str = ""
    """Of an agent elsewhere, that commands are to reach instead of a home here."""
    token_file: Path | None = None
    opener: Callable[[Home], Control] = _open_control

    def home(self) -> Home:
        """The home to work on. Raises InvalidInput where an agent elsewhere is meant."""
        if self.url:
            raise InvalidInput(
                "this works only where the home is, not over a URL",
                hint="do it on that machine, without --url",
            )
        return find_home(self.home_option)

    def signed_home(self) -> Path | None:
        """The home that keys must not lie in; None when it is elsewhere."""
        return None if self.url else self.home().root

    def call(self, work: Callable[[Control], Awaitable[T]]) -> T:
        """What `work` gives when it is done through Control, here or elsewhere.

        A signal can stop it.
        """
        if self.url:
            return run_stoppable(lambda: self._elsewhere(work), self.output.note)
        with self.control() as control:
            return run_stoppable(lambda: work(control), self.output.note)

    async def _elsewhere(self, work: Callable[[Control], Awaitable[T]]) -> T:
        from ..service.remote import RemoteControl

        remote = RemoteControl(self.url, read_token(self.token_file))
        try:
            # It has the methods of `service.door.Door`, and says of each other one that it works
            # only where the home is. So no command has to know which of the two it talks to.
            return await work(cast("Control", remote))
        finally:
            await remote.aclose()

    @contextmanager
    def control(self) -> Iterator[Control]:
        """Control over the home. The user's own home is made when it is first needed."""
        control = self.opener(self._home_to_use())
        try:
            yield control
        finally:
            control.close()

    def _home_to_use(self) -> Home:
        if self.url:
            return self.home()  # which says that there is none
        try:
            return self.home()
        except NotFound:
            folder = data_folder()
            if self.home_option is not None or _said_where() or folder.exists():
                raise
        made = init_home(folder).home
        self.output.note(f"made a home for Autoclave at {made.root}")
        return made


def person() -> str:
    """Who gives this command, for the record."""
    try:
        return f"person:{getpass.getuser()}"
    except (OSError, KeyError):  # a uid without a name, as in some containers
        return "person:unknown"


def _said_where() -> bool:
    return bool(os.environ.get(VARIABLE))
