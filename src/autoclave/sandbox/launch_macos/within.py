"""Inside the seal, from `sandbox-exec` to the command: the limits, a word that it holds, exec."""

from __future__ import annotations

import errno
import marshal
import os
import resource

from ..launch.order import Limits, Order
from ..launch.system import StepFailed
from .descriptors import ORDER, STATUS


def main() -> None:
    """Become the command. What goes wrong before is said to the supervisor."""
    try:
        data = marshal.loads(_read_order())  # noqa: S302 - from our own supervisor
        order = Order(data, b"")
        os.set_inheritable(STATUS, False)
        not_held = limit(order.limits, int(data["tasks"]))
        _say({"uid": os.getuid(), "not_held": not_held})
    except StepFailed as failure:
        _say({"step": failure.step, "errno": failure.errno, "why": failure.why})
        os._exit(126)
    if not order.argv:
        os._exit(0)
    _execute(order)


def limit(limits: Limits, tasks: int) -> list[str]:
    """Set the kernel's limits; the names of those that it did not take, which others watch.

    Processes are counted per user, so the `tasks` that the user already runs are added on top.
    """
    processes = limits.processes + tasks
    for name, most in (
        ("CORE", (0, 0)),
        ("CPU", (limits.cpu_seconds, limits.cpu_seconds + 1)),
        ("FSIZE", (limits.file_bytes, limits.file_bytes)),
        ("NOFILE", (limits.open_files, limits.open_files)),
        ("NPROC", (processes, processes)),
    ):
        try:
            _set(name, *most)
        except (OSError, ValueError) as error:
            raise StepFailed(f"macOS: limit {name}", errno.EPERM, str(error)) from error
    # XNU takes no notice of the first, and may refuse to hear of it; the supervisor looks instead.
    return [
        name
        for name, most in (("AS", limits.memory_bytes), ("MEMLOCK", 0))
        if not _takes(name, most)
    ]


def _takes(name: str, most: int) -> bool:
    try:
        _set(name, most, most)
    except (OSError, ValueError):
        return False
    return True


def _set(name: str, soft: int, hard: int) -> None:
    kind = getattr(resource, f"RLIMIT_{name}")
    _, most = resource.getrlimit(kind)
    if most != resource.RLIM_INFINITY:
        soft, hard = min(soft, most), min(hard, most)
    resource.setrlimit(kind, (soft, hard))


def _read_order() -> bytes:
    text = bytearray()
    while chunk := os.read(ORDER, 1 << 16):
        text += chunk
    os.close(ORDER)
    return bytes(text)


def _execute(order: Order) -> None:
    try:
        os.execve(order.argv[0], order.argv, order.environment)  # noqa: S606 - that is the job
    except OSError as error:
        code = 127 if error.errno == errno.ENOENT else 126
        os.write(2, f"cannot run {order.argv[0]}: {error.strerror}\n".encode())
        os._exit(code)


def _say(facts: dict[str, object]) -> None:
    os.write(STATUS, marshal.dumps(facts))
