"""The self-test's probes: a program that runs inside the sandbox and tries to get out.

It reads its targets as JSON from standard input and writes one JSON list to descriptor 3:
name, whether it must fail, whether it succeeded, detail. Standard library only.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
from collections.abc import Callable
from typing import Any

Targets = dict[str, Any]


def read_secret(targets: Targets) -> str:
    with open(targets["secret"]) as file:  # noqa: PTH123 - as an attacker would
        return file.read()


def write_outside(targets: Targets) -> str:
    with open(targets["secret"] + ".planted", "w") as file:  # noqa: PTH123
        return str(file.write("x"))


def list_home(targets: Targets) -> str:
    return str(len(os.listdir(targets["home"])))  # noqa: PTH208


def connect_tcp(targets: Targets) -> str:
    import socket

    with socket.create_connection(("127.0.0.1", targets["port"]), timeout=2):
        return "connected"


def connect_unix(targets: Targets) -> str:
    return _connect(targets["socket"])


def connect_abstract(targets: Targets) -> str:
    return _connect("\0" + targets["abstract"])


def datagram_to_socket(targets: Targets) -> str:
    import socket

    left, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    return str(left.sendto(b"x", targets["datagram"]))


def signal_parent(_: Targets) -> str:
    os.kill(os.getppid(), 0)
    return "signalled"


def signal_caller(targets: Targets) -> str:
    os.kill(_caller(targets), 0)
    return "signalled"


def trace(targets: Targets) -> str:
    return _call(targets, "ptrace", 16, targets["caller"], 0, 0)


def io_uring(targets: Targets) -> str:
    return _call(targets, "io_uring_setup", 1, _buffer(120))


def new_user_namespace(targets: Targets) -> str:
    return _call(targets, "unshare", 0x10000000)


def anonymous_program(_: Targets) -> str:
    return str(os.memfd_create("program"))


def parent_environment(_: Targets) -> str:
    with open(f"/proc/{os.getppid()}/environ", "rb") as file:  # noqa: PTH123
        return f"{len(file.read())} bytes"


def too_many_processes(targets: Targets) -> str:
    """Fork past the limit; every child waits until it is told to go."""
    reading, writing = os.pipe()
    forked: list[int] = []
    try:
        # Many more: where the user's other processes count too, some may end meanwhile.
        for _ in range(3 * targets["processes"] + 20):
            pid = os.fork()
            if pid == 0:
                os.close(writing)
                os.read(reading, 1)
                os._exit(0)
            forked.append(pid)
    finally:
        os.close(writing)
        os.close(reading)
        for pid in forked:
            os.waitpid(pid, 0)
    return f"{len(forked)} processes"


def stat_outside(targets: Targets) -> str:
    return f"{os.stat(targets['secret']).st_size} bytes"  # noqa: PTH116


def see_processes(targets: Targets) -> str:
    """A process that may not be signalled exists; one that is not there is another answer."""
    with contextlib.suppress(PermissionError):
        os.kill(_caller(targets), 0)
    return "seen"


def too_many_files(targets: Targets) -> str:
    return _until_full("inodes", targets["inodes"] + 20, lambda name: _write(name, 0))


def too_much_disk(targets: Targets) -> str:
    return _until_full(
        "bytes", (targets["disk_bytes"] >> 20) + 1, lambda name: _write(name, 1 << 20)
    )


def attach_to_caller(targets: Targets) -> str:
    """What a debugger does first on macOS."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(14, targets["caller"], None, 0) < 0:
        raise _last_error(ctypes.get_errno())
    return "attached"


def environment_of_caller(targets: Targets) -> str:
    """macOS gives the arguments and the environment of a user's processes by `sysctl`."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    name = (ctypes.c_int * 3)(1, 49, targets["caller"])
    size = ctypes.c_size_t(1 << 18)
    if libc.sysctl(name, 3, _buffer(size.value), ctypes.byref(size), None, 0) < 0:
        raise _last_error(ctypes.get_errno())
    return f"{size.value} bytes"


def system_service(_: Targets) -> str:
    """The service behind the clipboard: who may look it up may ask it."""
    import ctypes

    system = ctypes.CDLL("/usr/lib/libSystem.dylib")
    port = ctypes.c_uint.in_dll(system, "bootstrap_port")
    found = ctypes.c_uint()
    code = system.bootstrap_look_up(port, b"com.apple.pasteboard.1", ctypes.byref(found))
    if code == 1100:
        raise PermissionError(errno.EPERM, "not privileged")
    return f"answer {code}"


def run_away(_: Targets) -> str:
    """A process without a parent and in a session of its own; whoever started us has to end it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()
        if os.fork() == 0:
            os.write(writing, str(os.getpid()).encode())
            for fd in range(20):
                os.closerange(fd, fd + 1)
            import time

            time.sleep(300)
        os._exit(0)
    os.waitpid(child, 0)
    return os.read(reading, 20).decode()


def be_root(_: Targets) -> str:
    if os.geteuid() != 0:
        raise PermissionError(errno.EPERM, f"uid {os.geteuid()}")
    return "uid 0"


def temporary_file(_: Targets) -> str:
    import tempfile

    with tempfile.NamedTemporaryFile() as file:
        return str(file.write(b"x"))


def child_process(_: Targets) -> str:
    import subprocess

    done = subprocess.run(["/bin/sh", "-c", "exit 0"], capture_output=True, check=True)
    return f"exit {done.returncode}"


def thread(_: Targets) -> str:
    import threading

    worker = threading.Thread(target=int)
    worker.start()
    worker.join()
    return "joined"


def event_loop(_: Targets) -> str:
    import asyncio

    asyncio.run(asyncio.sleep(0))
    return "ran"


def database(_: Targets) -> str:
    import sqlite3

    with sqlite3.connect("probe.sqlite") as connection:
        mode = connection.execute("pragma journal_mode=wal").fetchone()[0]
        connection.execute("create table if not exists t (x)")
        connection.execute("insert into t values (1)")
    connection.close()
    return str(mode)


_ESCAPES: tuple[Callable[[Targets], str], ...] = (
    read_secret,
    write_outside,
    list_home,
    connect_tcp,
    connect_unix,
    connect_abstract,
    datagram_to_socket,
    signal_parent,
    signal_caller,
    trace,
    io_uring,
    new_user_namespace,
    anonymous_program,
    parent_environment,
    too_many_processes,
    be_root,
)
_ESCAPES_OF_FULL: tuple[Callable[[Targets], str], ...] = (
    stat_outside,
    see_processes,
    too_many_files,
    too_much_disk,
)
"""What only namespaces with a private root can refuse; in RESTRICTED the supervisor looks."""
_ESCAPES_OF_MACOS: tuple[Callable[[Targets], str], ...] = (
    read_secret,
    write_outside,
    list_home,
    connect_tcp,
    connect_unix,
    datagram_to_socket,
    signal_parent,
    signal_caller,
    attach_to_caller,
    environment_of_caller,
    system_service,
    too_many_processes,
    be_root,
)
_EVERYDAY: tuple[Callable[[Targets], str], ...] = (
    temporary_file,
    child_process,
    thread,
    event_loop,
    database,
)


def main() -> None:
    targets = json.load(sys.stdin)
    is_macos = targets["system"] == "darwin"
    escapes = _ESCAPES + (_ESCAPES_OF_FULL if targets["is_full"] else ())
    everyday = _EVERYDAY
    if is_macos:
        # No namespaces, no abstract sockets, no /proc; and nobody adopts orphans there.
        escapes, everyday = _ESCAPES_OF_MACOS, (*_EVERYDAY, run_away)
    lines = [_tried(probe, targets, must_fail=True) for probe in escapes]
    lines += [_tried(probe, targets, must_fail=False) for probe in everyday]
    os.write(3, json.dumps(lines).encode())


def _tried(probe: Callable[[Targets], str], targets: Targets, *, must_fail: bool) -> list[Any]:
    try:
        detail = probe(targets)
    except Exception as error:  # noqa: BLE001 - the edge of a process; any failure is an answer
        # A target that was not there proves nothing: only a refusal counts as one.
        succeeded = must_fail and not _is_refusal(error, targets)
        return [probe.__name__, must_fail, succeeded, f"{type(error).__name__}: {error}"]
    return [probe.__name__, must_fail, True, detail]


def _caller(targets: Targets) -> int:
    """Its process id outside. In FULL the first few numbers are our own, and mean us."""
    caller: int = targets["caller"]
    if targets["is_full"] and caller <= os.getpid():
        raise ProcessLookupError(errno.ESRCH, f"{caller} is a process in here")
    return caller


def _is_refusal(error: Exception, targets: Targets) -> bool:
    refused = [errno.EPERM, errno.EACCES, errno.EAGAIN, errno.ENOSYS]
    if targets["is_full"]:
        # The targets are there, outside: not to see them is the point of this tier.
        refused += [errno.ENOENT, errno.ESRCH, errno.EROFS, errno.ENOSPC]
    return isinstance(error, OSError) and error.errno in refused


def _until_full(folder: str, times: int, make: Callable[[str], None]) -> str:
    os.mkdir(folder)  # noqa: PTH102
    try:
        for number in range(times):
            make(f"{folder}/{number}")
    finally:
        for name in os.listdir(folder):  # noqa: PTH208
            os.unlink(f"{folder}/{name}")  # noqa: PTH108
        os.rmdir(folder)  # noqa: PTH106
    return f"{times} files"


def _write(name: str, size: int) -> None:
    with open(name, "wb") as file:  # noqa: PTH123
        file.write(bytes(size))


def _connect(address: str) -> str:
    import socket

    with socket.socket(socket.AF_UNIX) as client:
        client.connect(address)
        return "connected"


def _call(targets: Targets, name: str, *arguments: Any) -> str:
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    number = targets["numbers"][name]
    words = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    if libc.syscall(ctypes.c_long(number), *words) < 0:
        raise _last_error(ctypes.get_errno())
    return "allowed"


def _last_error(code: int) -> OSError:
    return OSError(code, os.strerror(code))


def _buffer(size: int) -> Any:
    import ctypes

    return ctypes.create_string_buffer(size)


if __name__ == "__main__":
    main()
