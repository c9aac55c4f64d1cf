"""How much a working folder holds while hostile code is writing to it."""

# Starts with every run, and pathlib starts slowly.
# ruff: noqa: PTH116

from __future__ import annotations

import errno
import os
import stat

from .order import BRING_BACK, Order
from .system import StepFailed
from .tree import unlinked_bytes
from .workspace import Copy, TooMuch

_SLACK = os.sysconf("SC_PAGE_SIZE")
_LONGEST_PATH = 3_500
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Disk:
    """Bytes and inodes below a folder, up to the first limit that is passed."""

    def __init__(self, folder: str, *, most_bytes: int, most_inodes: int) -> None:
        self.bytes = 0
        self.inodes = 0
        self.hidden = False
        """Something lies too deep for a path, or in a folder that we may not read."""
        self._most_bytes, self._most_inodes = most_bytes, most_inodes
        pending = [folder]
        while pending and not self.over:
            pending += self._add(pending.pop())

    @property
    def over(self) -> bool:
        return self.hidden or self.bytes > self._most_bytes or self.inodes > self._most_inodes

    def _add(self, folder: str) -> list[str]:
        if len(folder) > _LONGEST_PATH:
            self.hidden = True
            return []
        folders = []
        try:
            handle = os.open(folder, _FOLDER)
        except PermissionError:
            self.hidden = True
            return []
        except OSError:
            # It went away while we looked; the next look counts what is there then.
            return []
        try:
            with os.scandir(handle) as entries:
                for entry in entries:
                    if self._count(entry):
                        folders.append(f"{folder}/{entry.name}")
                    if self.over:
                        break
        finally:
            os.close(handle)
        return folders

    def _count(self, entry: os.DirEntry[str]) -> bool:
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:
            return False
        self.inodes += 1
        self.bytes += status.st_blocks * 512
        return stat.S_ISDIR(status.st_mode)


class HostFolder:
    """A working folder on the disk: nothing limits it but our looks."""

    used_memory = 0

    def __init__(self, order: Order) -> None:
        self._folder = order.folder
        self._limits = order.limits
        self._device = os.stat(order.folder).st_dev

    def has_to_end(self, alive: list[int]) -> bool:
        """Whether it holds too much now, files without a name that `alive` have open included."""
        most = self._limits.disk_bytes - unlinked_bytes(alive, self._device)
        return Disk(self._folder, most_bytes=most, most_inodes=self._limits.inodes).over

    def is_over(self) -> bool:
        """Whether a run that is over left too much."""
        return self.has_to_end([])

    def bring_back(self) -> bool:
        """True: everything is where it belongs."""
        return True


class InMemory:
    """A working folder in a tmpfs of its own: the kernel limits it, we see that it is full."""

    def __init__(self, order: Order, handle: int) -> None:
        self._folder = order.folder
        self._limits = order.limits
        self._handle = handle

    @property
    def used_memory(self) -> int:
        use = os.statvfs(self._handle)
        return (use.f_blocks - use.f_bfree) * use.f_frsize

    def has_to_end(self, _: list[int]) -> bool:
        """Never: the program is told that there is no room, and may make some."""
        return False

    def is_over(self) -> bool:
        use = os.statvfs(self._handle)
        inodes = use.f_files - use.f_ffree - 1
        return self.used_memory > self._limits.disk_bytes or inodes > self._limits.inodes

    def bring_back(self) -> bool:
        """Copy what is left to the folder on the disk; False when that is too much for it."""
        target = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            Copy(self._handle, target, most_bytes=self._limits.disk_bytes + _SLACK)
        except TooMuch:
            return False
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                return False
            raise StepFailed(BRING_BACK, error.errno or errno.EIO, str(error)) from error
        finally:
            os.close(target)
        return True
