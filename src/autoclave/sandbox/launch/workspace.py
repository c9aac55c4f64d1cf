"""Copying a workspace in and out: nothing is followed; only files, folders and links.

What comes out was left by hostile code, so the sum is capped and every folder is opened beneath.
"""

from __future__ import annotations

import errno
import os
import stat
import struct

from .system import StepFailed, call

_OPENAT2 = 437
_BENEATH_WITHOUT_LINKS = 0x08 | 0x04 | 0x02
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_CHUNK = 1 << 20
_LONGEST_PATH = 3_500
_KEPT_RIGHTS = 0o777


class TooMuch(Exception):
    """More bytes than allowed, or folders too deep inside one another."""


class Copy:
    """Makes one folder hold exactly what another holds. OSError, TooMuch.

    Of modes only the rights to read, write and execute are kept; owners are not.
    """

    def __init__(self, source: int, target: int, *, most_bytes: int) -> None:
        self._source, self._target = source, target
        self._bytes_left = most_bytes
        pending = [""]
        while pending:
            folder = pending.pop()
            if len(folder) > _LONGEST_PATH:
                raise TooMuch
            pending += self._copy_entries(folder)

    def _copy_entries(self, folder: str) -> list[str]:
        """Everything in one folder; the folders in it are made, and named to be filled next."""
        source, target = _open(self._source, folder), _open(self._target, folder)
        try:
            wanted, present = _entries(source), _entries(target)
            kept = {name for name in present if _may_stay(present[name], wanted.get(name))}
            for name in present.keys() - kept:
                _remove(name, target)
            for name, status in wanted.items():
                self._copy_entry(name, source, target, status, is_there=name in kept)
        finally:
            os.close(source)
            os.close(target)
        inner = [name for name, status in wanted.items() if stat.S_ISDIR(status.st_mode)]
        return [f"{folder}/{name}" if folder else name for name in inner]

    def _copy_entry(
        self, name: str, source: int, target: int, status: os.stat_result, *, is_there: bool
    ) -> None:
        kind = stat.S_IFMT(status.st_mode)
        if kind == stat.S_IFREG:
            self._copy_file(name, source, target, is_there=is_there)
        elif kind == stat.S_IFLNK:
            os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=target)
        elif kind == stat.S_IFDIR:
            if not is_there:
                os.mkdir(name, dir_fd=target)
            _copy_rights(name, source, target, status)

    def _copy_file(self, name: str, source: int, target: int, *, is_there: bool) -> None:
        reading = _open_file(name, source)
        try:
            status = os.fstat(reading)
            self._bytes_left -= min(status.st_size, status.st_blocks * 512)
            if self._bytes_left < 0:
                raise TooMuch
            if is_there and _is_same_file(reading, name, target, status):
                return
            if is_there:
                # Not written to: it may have other names.
                os.unlink(name, dir_fd=target)
            _write_file(reading, name, target, status)
        finally:
            os.close(reading)


def _entries(folder: int) -> dict[str, os.stat_result]:
    with os.scandir(folder) as entries:
        return {entry.name: entry.stat(follow_symlinks=False) for entry in entries}


def _may_stay(old: os.stat_result, new: os.stat_result | None) -> bool:
    """Files may turn out to be the same, and folders are gone into."""
    kind = stat.S_IFMT(old.st_mode)
    same = new is not None and stat.S_IFMT(new.st_mode) == kind
    return same and kind in (stat.S_IFREG, stat.S_IFDIR)


def _copy_rights(name: str, source: int, target: int, status: os.stat_result) -> None:
    """Of a folder, which may even be closed to its own owner."""
    os.close(_opened_up(name, source))
    handle = _opened_up(name, target)
    os.fchmod(handle, (status.st_mode & _KEPT_RIGHTS) | stat.S_IRWXU)
    os.close(handle)


def _opened_up(name: str, parent: int) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=parent)
    except PermissionError:
        os.chmod(name, stat.S_IRWXU, dir_fd=parent)
        return os.open(name, _FOLDER, dir_fd=parent)


def _open_file(name: str, folder: int) -> int:
    try:
        handle = os.open(name, _READ, dir_fd=folder)
    except PermissionError:
        os.chmod(name, stat.S_IRUSR | stat.S_IWUSR, dir_fd=folder)
        handle = os.open(name, _READ, dir_fd=folder)
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return handle
    os.close(handle)
    raise OSError(errno.EINVAL, "not a regular file", name)


def _is_same_file(reading: int, name: str, target: int, wanted: os.stat_result) -> bool:
    """Whether the file is there already with these bytes and rights. Sparse files never are."""
    if wanted.st_blocks * 512 < wanted.st_size:
        return False
    try:
        other = os.open(name, _READ, dir_fd=target)
    except OSError:
        return False
    try:
        there = os.fstat(other)
        alike = (there.st_mode ^ _rights(wanted)) & _KEPT_RIGHTS == 0 and there.st_nlink == 1
        if not alike or there.st_size != wanted.st_size:
            return False
        at = 0
        while chunk := os.pread(reading, _CHUNK, at):
            if os.pread(other, _CHUNK, at) != chunk:
                return False
            at += len(chunk)
        return True
    finally:
        os.close(other)


def _write_file(reading: int, name: str, target: int, wanted: os.stat_result) -> None:
    writing = os.open(name, _MAKE, 0o600, dir_fd=target)
    try:
        os.ftruncate(writing, wanted.st_size)
        _copy_data(reading, writing, wanted.st_size)
        os.fchmod(writing, _rights(wanted))
        os.utime(writing, ns=(wanted.st_atime_ns, wanted.st_mtime_ns))
    finally:
        os.close(writing)


def _copy_data(reading: int, writing: int, size: int) -> None:
    """Only what is there: a huge hole costs nothing to make and must cost nothing to copy."""
    at = 0
    while at < size:
        try:
            at = os.lseek(reading, at, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return
            raise
        end = os.lseek(reading, at, os.SEEK_HOLE)
        while at < end and (chunk := os.pread(reading, min(_CHUNK, end - at), at)):
            at += os.pwrite(writing, chunk, at)


def _rights(status: os.stat_result) -> int:
    return (status.st_mode & _KEPT_RIGHTS) | stat.S_IRUSR | stat.S_IWUSR


def _remove(name: str, parent: int) -> None:
    """A file, or a folder with all that is in it, of any depth."""
    if not stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
        os.unlink(name, dir_fd=parent)
        return
    folders, pending = [], [name]
    while pending:
        folder = pending.pop()
        folders.append(folder)
        pending += _empty(folder, parent)
    for folder in reversed(folders):
        os.rmdir(folder, dir_fd=parent)


def _empty(folder: str, parent: int) -> list[str]:
    """Delete the files of one folder; the folders in it."""
    handle = _open(parent, folder)
    try:
        inner = []
        for name, status in _entries(handle).items():
            if stat.S_ISDIR(status.st_mode):
                os.close(_opened_up(name, handle))
                inner.append(f"{folder}/{name}")
            else:
                os.unlink(name, dir_fd=handle)
        return inner
    finally:
        os.close(handle)


def _open(root: int, folder: str) -> int:
    """A handle on a folder beneath `root`, reached through no link."""
    how = struct.pack("=QQQ", _FOLDER, 0, _BENEATH_WITHOUT_LINKS)
    try:
        return call("openat2", _OPENAT2, root, os.fsencode(folder or "."), how, len(how))
    except StepFailed as failure:
        raise OSError(failure.errno, os.strerror(failure.errno), folder) from None
