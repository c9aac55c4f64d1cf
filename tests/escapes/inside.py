"""The attempts of the corpus that one process can make: a program that runs inside the sandbox.

It reads its targets from standard input and writes {item: {name: answer}} to descriptor 3. An
answer is `OUT`, or the error that kept it in. Most targets stand outside and would answer.
"""

# As an attacker writes.
# ruff: noqa: BLE001, S103, S606, SIM115
# ruff: noqa: PTH101, PTH102, PTH104, PTH106, PTH108, PTH116, PTH120, PTH123, PTH208, PTH211

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any

given: dict[str, Any] = json.load(sys.stdin)
outside: str = given["outside"]
victim: int = given["victim"]
secret = outside + "/secret"
libc = ctypes.CDLL(None, use_errno=True)
buffer = ctypes.create_string_buffer(4096)
PARENT = os.getppid()


def is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


OPEN_AT_START = [number for number in range(4, 256) if is_open(number)]
attempts: dict[int, dict[str, Callable[[], object]]] = {}


def call(name: str, *arguments: Any) -> Callable[[], int]:
    def make() -> int:
        words = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
        result: int = libc.syscall(ctypes.c_long(given["numbers"][name]), *words)
        if result < 0:
            raise OSError(ctypes.get_errno(), name)
        return result

    return make


def read(path: str, mode: str = "rb") -> Callable[[], object]:
    return lambda: open(path, mode).read(1)


def write(path: str) -> Callable[[], object]:
    return lambda: open(path, "r+b", buffering=0).write(b"0")


def a_socket(family: int, kind: int, protocol: int = 0) -> Callable[[], object]:
    return lambda: socket.socket(family, kind, protocol)


def connect(family: int, kind: int, address: Any) -> Callable[[], object]:
    def make() -> None:
        with socket.socket(family, kind) as client:
            client.settimeout(2)
            client.connect(address)
            client.send(b"x")

    return make


def through_a_link() -> object:
    os.symlink(secret, "planted")
    return open("planted").read()


def lock() -> None:
    import fcntl

    with open(secret) as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def change_mode() -> None:
    """These may say that they succeeded and do nothing, so the look afterwards decides."""
    changes: list[Callable[[], object]] = [
        lambda: os.chmod(secret, 0),
        lambda: os.chown(secret, 1, 1),
        lambda: os.utime(secret, (0, 0)),
        lambda: os.setxattr(secret, "user.x", b"1"),
    ]
    for change in changes:
        try:
            change()
        except OSError:
            continue
    raise PermissionError(errno.EPERM, "to be looked at from outside")


def see_processes() -> None:
    try:
        os.kill(victim, 0)
    except PermissionError:
        return
    raise AssertionError("signalled")


def inherited() -> None:
    if not OPEN_AT_START:
        raise PermissionError(errno.EPERM, "none")


def environment_of(pid: str) -> Callable[[], str]:
    def look() -> str:
        with open(f"/proc/{pid}/environ", "rb") as file:
            text = file.read()
        if b"secret" in text:
            return "it is there"
        raise OSError(errno.EACCES, "no secret in it")

    return look


def a_program_in_memory() -> int:
    handle = os.memfd_create("program")
    return os.execve(handle, ["program"], {})


def gain_by_setuid() -> None:
    os.chmod("given", 0o6755)
    done = subprocess.run(["/usr/bin/su", "-c", "id"], capture_output=True)
    if b"uid=0" not in done.stdout:
        raise PermissionError(errno.EPERM, "gained nothing")


def capabilities() -> None:
    header, data = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    libc.capget(header, data)
    if not any(data):
        raise PermissionError(errno.EPERM, "none")


def be_root() -> None:
    if os.geteuid() and os.getuid():
        raise PermissionError(errno.EPERM, "not root")


def variables() -> None:
    bad = ("LD_", "PYTHONSTARTUP", "PYTHONPATH", "PYTHONINSPECT", "NODE_OPTIONS", "SECRET")
    found = [name for name in os.environ if name.startswith(bad)]
    git = [name for name in os.environ if name.startswith("GIT_")]
    if not found and git == ["GIT_CONFIG_NOSYSTEM"]:
        raise PermissionError(errno.EPERM, "none")


def core_dump() -> None:
    if resource.getrlimit(resource.RLIMIT_CORE) == (0, 0):
        raise PermissionError(errno.EPERM, "no core")


def resolve() -> object:
    try:
        return socket.getaddrinfo("localhost", 80, socket.AF_INET)
    except socket.gaierror as error:
        raise OSError(errno.EACCES, str(error)) from error


def shadowed() -> None:
    """A module in the working folder does not hide the library's when Python is isolated."""
    with open("json.py", "w") as file:
        file.write("print('shadow')")
    done = subprocess.run([sys.executable, "-I", "-c", "import json"], capture_output=True)
    if not done.stdout:
        raise PermissionError(errno.EPERM, "not taken")


A_NEW_USER = 0x10000000
attempts |= {
    1: {"absolute": read(secret)},
    2: {"by dots": read("../../../../../../../../.." + secret)},
    3: {"through a link": through_a_link},
    4: {"hard link": lambda: os.link(secret, "linked")},
    5: {"rename in": lambda: os.rename(secret, "taken")},
    6: {
        "create": lambda: open(outside + "/new", "w"),
        "make a folder": lambda: os.mkdir(outside + "/new"),
        "link": lambda: os.symlink("x", outside + "/new"),
    },
    7: {"truncate": lambda: os.truncate(secret, 0), "open to": lambda: open(secret, "w")},
    8: {"unlink": lambda: os.unlink(secret), "remove": lambda: os.rmdir(outside + "/folder")},
    9: {"mode, owner, times, attributes": change_mode},
    10: {
        "home": lambda: os.listdir(given["home"]),
        "parent": lambda: os.listdir(".."),
        "root": lambda: os.listdir("/"),
        "tmp": lambda: os.listdir("/tmp"),
    },
    11: {"stat": lambda: os.stat(secret)},
    12: {
        "inotify": call("inotify_init1", 0),
        "fanotify": call("fanotify_init", 0, 0),
    },
    13: {"flock": lock},
    22: {
        "own program": write("/proc/self/exe"),
        "interpreter": write(sys.executable),
        "library": write(os.__file__),
    },
    23: {name: read(f"/proc/{victim}/{name}") for name in ("environ", "mem", "cmdline", "maps")}
    | {name: lambda name=name: os.listdir(f"/proc/{victim}/{name}") for name in ("root", "fd")},
    24: {
        "own": environment_of("self"),
        "first": environment_of("1"),
        "parent": environment_of(str(PARENT)),
    },
    25: {
        "command lines": lambda: open(f"/proc/{victim}/cmdline").read(),
        "existence": see_processes,
    },
    26: {
        "victim": lambda: os.kill(victim, 0),
        "first": lambda: os.kill(1, 0),
        "parent": lambda: os.kill(PARENT, 0),
        "caller": lambda: os.kill(given["caller"], 0),
        "queued": call("rt_sigqueueinfo", victim, 10, buffer),
    },
    27: {
        "ptrace": call("ptrace", 16, victim, 0, 0),
        "read": call("process_vm_readv", victim, buffer, 1, buffer, 1, 0),
        "write": call("process_vm_writev", victim, buffer, 1, buffer, 1, 0),
    },
    28: {"open": call("pidfd_open", victim, 0), "take": call("pidfd_getfd", 0, 0, 0)},
    29: {
        "limits": call("prlimit64", victim, 7, 0, buffer),
        "niceness": lambda: os.setpriority(os.PRIO_PROCESS, victim, 5),
        "processors": lambda: os.sched_setaffinity(victim, {0}),
    },
    30: {"descriptors": inherited},
    31: {"set up": call("io_uring_setup", 1, buffer)},
    32: {"run": a_program_in_memory},
    34: {"setuid": gain_by_setuid, "capabilities": capabilities},
    35: {
        "unshare": call("unshare", A_NEW_USER),
        "clone": call("clone", A_NEW_USER | 17, 0, 0, 0, 0),
        "clone3": call("clone3", buffer, 88),
        "setns": call("setns", 0, 0),
    },
    36: {
        "mount": call("mount", b"x", b".", b"tmpfs", 0, 0),
        "pivot": call("pivot_root", b".", b"."),
        "chroot": lambda: os.chroot("."),
        "unmount": call("umount2", b"/", 2),
        "fsopen": call("fsopen", b"tmpfs", 0),
        "attributes": call("mount_setattr", -100, b"/", 0, buffer, 32),
    },
    37: {
        "bpf": call("bpf", 0, buffer, 8),
        "perf": call("perf_event_open", buffer, 0, -1, -1, 0),
        "userfaultfd": call("userfaultfd", 0),
        "keys": call("keyctl", 0, -3, 1),
        "kexec": call("kexec_file_load", 0, 0, 0, 0, 0),
        "module": call("finit_module", 0, b"", 0),
        "handles": call("open_by_handle_at", 0, buffer, 0),
    },
    39: {
        "terminal": lambda: open("/dev/tty"),
        "push": call("ioctl", 0, 0x5412, b"x"),
        "linux": call("ioctl", 0, 0x541C, buffer),
    },
    40: {
        "memory": call("shmget", 0x1234, 4096, 0o1600),
        "semaphore": call("semget", 0x1234, 1, 0o1600),
        "messages": call("msgget", 0x1234, 0o1600),
        "queue": call("mq_open", b"x", 0o102, 0o600, 0),
        "folder": lambda: open("/dev/shm/x", "w"),
    },
    42: {"be root": be_root, "become root": lambda: os.setuid(0)},
    43: {"variables": variables},
    44: {
        "oom": write("/proc/self/oom_score_adj"),
        "cgroup": write(given["cgroup"]),
        "kernel": write("/proc/sys/kernel/core_pattern"),
    },
    45: {"core": core_dump},
    61: {
        "tcp": connect(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", given["tcp"])),
        "udp": connect(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", given["udp"])),
        "listen": lambda: socket.create_server(("127.0.0.1", 0)),
    },
    62: {
        "abstract": connect(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + given["abstract"]),
        "file": connect(socket.AF_UNIX, socket.SOCK_STREAM, outside + "/stream"),
        "datagram": lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(
            b"x", outside + "/datagram"
        ),
    },
    63: {"resolve": resolve},
    64: {
        "raw": a_socket(socket.AF_INET, socket.SOCK_RAW, 1),
        "packet": a_socket(17, socket.SOCK_RAW),
        "netlink": a_socket(16, socket.SOCK_RAW),
        "vsock": a_socket(40, socket.SOCK_STREAM),
        "bluetooth": a_socket(31, socket.SOCK_RAW),
        "can": a_socket(29, socket.SOCK_RAW, 1),
        "mptcp": a_socket(socket.AF_INET, socket.SOCK_STREAM, 262),
        "crypto": a_socket(38, 5),
        "xdp": a_socket(44, socket.SOCK_RAW),
    },
    78: {"shadow a module": shadowed},
    79: {
        "pth": lambda: open(given["packages"] + "/escape.pth", "w"),
        "customize": lambda: open(given["packages"] + "/sitecustomize.py", "w"),
    },
    80: {"bytecode": lambda: os.mkdir(os.path.dirname(os.__file__) + "/__pycache__/x")},
}


def answer(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "OUT"


def main() -> None:
    # In a child each: an attempt that succeeds may spoil the next one.
    answers: dict[int, dict[str, str]] = {}
    for item, named in attempts.items():
        for name, attempt in named.items():
            answers.setdefault(item, {})[name] = in_a_child(attempt)
    os.write(3, json.dumps(answers).encode())


def in_a_child(attempt: Callable[[], object]) -> str:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(writing, answer(attempt).encode()[:4000])
        os._exit(0)
    os.close(writing)
    told = os.read(reading, 4096).decode()
    os.close(reading)
    _, status = os.waitpid(pid, 0)
    return told or f"ended with {status}"


main()
