"""How much a folder holds, counted while hostile code is writing to it."""

from __future__ import annotations

import os
import stat

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
