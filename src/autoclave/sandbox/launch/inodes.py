"""A limit of files for a workspace that has none of its own: the kernel asks before each new one.

bubblewrap's tmpfs takes a size and no count. The filter stops every call that may make a file until
the supervisor has looked how many there are; nothing in the call's memory is looked at.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct

_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_QUESTION, _ANSWER = 80, "=QqiI"
_CONTINUE = 1


class Inodes:
    """The supervisor's end. Calls under way at once can each go one over."""

    def __init__(self, listener: int, workspace: int, most: int) -> None:
        self.fd = listener
        self._workspace = workspace
        self._most = most

    def answer(self) -> bool:
        """Answer one call; False when nobody is left who could ask."""
        question = bytearray(_QUESTION)
        try:
            fcntl.ioctl(self.fd, _RECEIVE, question)
            (identity,) = struct.unpack_from("=Q", question)
            fcntl.ioctl(self.fd, _SEND, struct.pack(_ANSWER, identity, 0, *self._verdict()))
        except OSError as error:
            # Who asked is gone, or was interrupted and asks again.
            return error.errno in (errno.ENOENT, errno.EINTR)
        return True

    def _verdict(self) -> tuple[int, int]:
        """An error number and flags. One more than allowed fits, so that going over shows."""
        use = os.statvfs(self._workspace)
        used = use.f_files - use.f_ffree - 1
        return (0, _CONTINUE) if used <= self._most else (-errno.ENOSPC, 0)
