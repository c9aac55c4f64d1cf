"""The sealed child, from fork to exec. The order of the steps is the point."""

# Starts with every run, and pathlib starts slowly.

from __future__ import annotations

import errno
import marshal
import os
import resource

from . import calls, first, identity, landlock, root, signals, view
from .order import Limits, Order
from .system import StepFailed, prctl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

RESULT, ANSWERS, CALLS, STATUS = 3, 4, 5, 6
"""Descriptors inside: the result pipe, the two of the line to the kernel where the run has one, and
the one that tells how far the child came."""
_HIGH = 1000
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38


def start(
    order: Order, *, ends: tuple[int, ...], status: int, line: int, uid: int | None, tasks: int
) -> None:
    """Seal this freshly forked process and become the command.

    Returns only for a warm run, whose command this interpreter then runs itself. `ends` are
    stdin, stdout, stderr and the result pipe, in this order; `line` is FULL's alone.
    """

    def seal() -> int:
        _prepare(_places(order, ends=ends, status=status, line=line))
        if order.bubblewrap:
            from . import bubble

            bubble.leave_for(order, uid=uid, kept=(STATUS, first.LINE))
        return _seal_fully(order, uid=uid) if order.is_full else _seal(order, uid=uid, tasks=tasks)

    _go(order, seal)


def go_on(folder: int, written: int) -> None:
    """The first process that bubblewrap started. `folder` is the real one, `written` its order."""
    from . import bubble

    order = bubble.read_order(written)

    def seal() -> int:
        for fd in (STATUS, first.LINE, folder):
            os.set_inheritable(fd, False)
        bubble.arrive(order, folder)
        return _seal_first(order)

    _go(order, seal)


def _go(order: Order, seal: Callable[[], int]) -> None:
    try:
        abi = seal()
        _say({"abi": abi, "uid": os.getuid()})
        if order.is_warm:
            os.close(STATUS)
            return
        if not order.argv:
            os._exit(0)
        _execute(order)
    except StepFailed as failure:
        _say({"step": failure.step, "errno": failure.errno, "why": failure.why})
    except first.TooFull:
        _say({"full": True})
    except OSError as error:
        _say({"step": "prepare the child", "errno": error.errno, "why": str(error)})
    except BaseException as error:  # noqa: BLE001 - whatever it is, nothing unsealed goes on
        _say({"step": "prepare the child", "errno": 0, "why": repr(error)})
    os._exit(126)


def _places(order: Order, *, ends: tuple[int, ...], status: int, line: int) -> dict[int, int]:
    """What has to be open under which number."""
    wanted = dict(enumerate(ends)) | {STATUS: status}
    if order.calls:
        wanted |= dict(zip((ANSWERS, CALLS), order.calls, strict=True))
    return wanted | ({first.LINE: line} if order.is_full else {})


def _prepare(wanted: dict[int, int]) -> None:
    """Signals, session and descriptors as if freshly started: those `wanted` and no others."""
    os.setsid()
    # Out of the way first, so that no dup2 overwrites a descriptor that is still needed.
    high = {place: os.dup2(fd, _HIGH + place, inheritable=False) for place, fd in wanted.items()}
    for place, fd in high.items():
        os.dup2(fd, place, inheritable=place < STATUS)
    for place in set(range(first.LINE + 1)).difference(wanted):
        os.closerange(place, place + 1)
    os.closerange(first.LINE + 1, os.sysconf("SC_OPEN_MAX"))
    signals.reset()
    os.umask(0o022)
    _offer_to_the_oom_killer()


def _seal(order: Order, *, uid: int | None, tasks: int) -> int:
    """Tier RESTRICTED."""
    _limit(order.limits, tasks)
    if uid is not None:
        view.open_the_way(readable=order.readable, folder=order.folder, links=order.links)
        identity.become(uid)
    # A change of user clears this, so it comes after it.
    prctl("die with the supervisor", _PR_SET_PDEATHSIG, signals.KILL)
    prctl("no new privileges", _PR_SET_NO_NEW_PRIVS, 1)
    identity.drop_capabilities()
    return _shut_in(order)


def _seal_fully(order: Order, *, uid: int | None) -> int:
    """Tier FULL: what follows it happens two processes further down."""
    first.enter(order, uid=uid)
    return _seal_first(order)


def _seal_first(order: Order) -> int:
    # Own namespaces count anew: only the first process is there.
    _limit(order.limits, 1)
    prctl("no new privileges", _PR_SET_NO_NEW_PRIVS, 1)
    identity.empty_bounding_set()
    identity.drop_capabilities()
    first.hide()
    command = os.fork()
    if command:
        first.stay(command)
    if not order.bubblewrap:
        os.close(first.LINE)
    os.setsid()
    prctl("die with the first process", _PR_SET_PDEATHSIG, signals.KILL)
    return _shut_in(order)


def _shut_in(order: Order) -> int:
    try:
        os.chdir(order.folder)
    except OSError as error:
        raise StepFailed(f"enter {order.folder}", error.errno or errno.EIO) from error
    has_proc = order.is_full and not order.bubblewrap
    readable = [*order.readable, *root.READABLE] if has_proc else order.readable
    # A new program would be; for a warm run it has to be said.
    prctl("be looked after", _PR_SET_DUMPABLE, 1)
    abi = landlock.restrict(readable=readable, writable=order.folder, most_abi=order.most_abi)
    listener = calls.install(abi=abi, is_full=order.is_full, asks=bool(order.bubblewrap))
    if order.bubblewrap:
        from . import bubble

        bubble.hand_over(listener)
    return abi


def _limit(limits: Limits, tasks: int) -> None:
    """Processes are counted per user, so what the user already runs is added on top."""
    wanted = {
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_CPU: (limits.cpu_seconds, limits.cpu_seconds + 1),
        resource.RLIMIT_FSIZE: (limits.file_bytes, limits.file_bytes),
        resource.RLIMIT_NOFILE: (limits.open_files, limits.open_files),
        resource.RLIMIT_MEMLOCK: (0, 0),
        resource.RLIMIT_MSGQUEUE: (0, 0),
        resource.RLIMIT_AS: (limits.memory_bytes, limits.memory_bytes),
        resource.RLIMIT_NPROC: (limits.processes + tasks, limits.processes + tasks),
    }
    for kind, (soft, hard) in wanted.items():
        _, most = resource.getrlimit(kind)
        if most != resource.RLIM_INFINITY:
            soft, hard = min(soft, most), min(hard, most)
        try:
            resource.setrlimit(kind, (soft, hard))
        except (OSError, ValueError) as error:
            raise StepFailed(f"limit {kind}", errno.EPERM, str(error)) from error


def _execute(order: Order) -> None:
    try:
        os.execve(order.argv[0], order.argv, order.environment)  # noqa: S606 - that is the job
    except OSError as error:
        code = 127 if error.errno == errno.ENOENT else 126
        os.write(2, f"cannot run {order.argv[0]}: {error.strerror}\n".encode())
        os._exit(code)


def _offer_to_the_oom_killer() -> None:
    try:
        score = os.open("/proc/self/oom_score_adj", os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        os.write(score, b"1000")
    except OSError:
        return
    finally:
        os.close(score)


def _say(facts: dict[str, object]) -> None:
    os.write(STATUS, marshal.dumps(facts))
