"""Attempts to get out, each against a real target that would answer."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from autoclave.domain.sealed import SealedResult, SealedRun, Tier
from autoclave.sandbox.launch.numbers import machine
from autoclave.sandbox.sealed import SealedSandbox

RunPython = Callable[..., Awaitable[SealedResult]]
REFUSED = {"EPERM", "EACCES", "EXDEV", "EROFS", "ENOSYS"}


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of somebody's files that the modes leave open to everyone."""
    folder = Path("/tmp") / f"autoclave-outside-{os.getpid()}"
    folder.mkdir()
    folder.chmod(0o777)
    secret = folder / "secret"
    secret.write_text("secret")
    secret.chmod(0o666)
    yield folder
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


@pytest.fixture(scope="module")
def victim() -> Iterator[subprocess.Popen[bytes]]:
    """Another process with a secret in its environment."""
    process = subprocess.Popen(["sleep", "600"], env={"SECRET": "secret"})
    yield process
    process.send_signal(signal.SIGKILL)
    process.wait()


_TRIES = """
import ctypes, errno, json, os, socket, sys
given = json.loads(sys.argv[1])
outside, victim, numbers, port = (given[k] for k in ('outside', 'victim', 'numbers', 'port'))
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *args):
    words = [ctypes.c_long(a) if isinstance(a, int) else a for a in args]
    if libc.syscall(ctypes.c_long(numbers[name]), *words) < 0:
        raise OSError(ctypes.get_errno(), name)
def family(*args):
    return lambda: socket.socket(*args)
def link_in():
    os.symlink(outside + '/secret', 'planted')
    open('planted').read()
big = ctypes.create_string_buffer(4096)
tries = {
 'read': lambda: open(outside + '/secret').read(),
 'read by dots': lambda: open('../../../../../../../..' + outside + '/secret').read(),
 'read through link': link_in,
 'hard link': lambda: os.link(outside + '/secret', 'linked'),
 'rename in': lambda: os.rename(outside + '/secret', 'taken'),
 'create': lambda: open(outside + '/new', 'w'),
 'truncate': lambda: os.truncate(outside + '/secret', 0),
 'delete': lambda: os.unlink(outside + '/secret'),
 'make folder': lambda: os.mkdir(outside + '/d'),
 'list parent': lambda: os.listdir('..'),
 'list root': lambda: os.listdir('/'),
 'list tmp': lambda: os.listdir('/tmp'),
 'passwd': lambda: open('/etc/passwd').read(),
 'shadow': lambda: open('/etc/shadow').read(),
 'proc': lambda: os.listdir('/proc'),
 'victim environ': lambda: open(f'/proc/{victim}/environ').read(),
 'victim memory': lambda: open(f'/proc/{victim}/mem', 'rb').read(1),
 'victim root': lambda: os.listdir(f'/proc/{victim}/root'),
 'own environ': lambda: open('/proc/self/environ').read(),
 'own program': lambda: open('/proc/self/exe', 'r+b'),
 'init environ': lambda: open('/proc/1/environ').read(),
 'oom score': lambda: open('/proc/self/oom_score_adj', 'w'),
 'cgroups': lambda: open('/sys/fs/cgroup/cgroup.procs').read(),
 'sysctl': lambda: open('/proc/sys/kernel/core_pattern', 'w'),
 'shared memory folder': lambda: open('/dev/shm/x', 'w'),
 'terminal': lambda: open('/dev/tty'),
 'signal victim': lambda: os.kill(victim, 0),
 'signal init': lambda: os.kill(1, 0),
 'signal supervisor': lambda: os.kill(os.getppid(), 0),
 'ptrace': lambda: call('ptrace', 16, victim, 0, 0),
 'read memory': lambda: call('process_vm_readv', victim, big, 1, big, 1, 0),
 'pidfd': lambda: call('pidfd_open', victim, 0),
 'limits of victim': lambda: call('prlimit64', victim, 7, 0, big),
 'renice victim': lambda: os.setpriority(os.PRIO_PROCESS, victim, 5),
 'affinity of victim': lambda: os.sched_setaffinity(victim, {0}),
 'io_uring': lambda: call('io_uring_setup', 1, big),
 'memory program': lambda: os.memfd_create('x'),
 'user namespace': lambda: call('unshare', 0x10000000),
 'clone namespace': lambda: call('clone', 0x10000011, 0, 0, 0, 0),
 'clone3': lambda: call('clone3', big, 88),
 'mount': lambda: call('mount', b'x', b'.', b'tmpfs', 0, 0),
 'chroot': lambda: os.chroot('.'),
 'bpf': lambda: call('bpf', 0, big, 8),
 'perf': lambda: call('perf_event_open', big, 0, -1, -1, 0),
 'userfaultfd': lambda: call('userfaultfd', 0),
 'keyring': lambda: call('keyctl', 0, -3, 1),
 'kernel module': lambda: call('finit_module', 0, b'', 0),
 'kexec': lambda: call('kexec_file_load', 0, 0, 0, 0, 0),
 'system v memory': lambda: call('shmget', 0x1234, 4096, 0o1600),
 'message queue': lambda: call('mq_open', b'x', 0o102, 0o600, 0),
 'inotify': lambda: call('inotify_init1', 0),
 'fanotify': lambda: call('fanotify_init', 0, 0),
 'device': lambda: os.mknod('disk', 0o60600, 0x800),
 'set uid': lambda: os.setuid(0) if os.getuid() else None,
 'tcp': family(socket.AF_INET, socket.SOCK_STREAM),
 'udp': family(socket.AF_INET, socket.SOCK_DGRAM),
 'tcp 6': family(socket.AF_INET6, socket.SOCK_STREAM),
 'unix': family(socket.AF_UNIX, socket.SOCK_STREAM),
 'netlink': family(16, socket.SOCK_RAW, 0),
 'packet': family(17, socket.SOCK_RAW, 0),
 'vsock': family(40, socket.SOCK_STREAM),
 'bluetooth': family(31, socket.SOCK_RAW),
 'alg': family(38, 5),
 'datagram pair': lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM),
 'connect': lambda: socket.create_connection(('127.0.0.1', port), 2),
 'lease': lambda: __import__('fcntl').fcntl(os.open(sys.executable, 0), 1024, 0),
 'be traced less': lambda: libc.prctl(4, 0) and (_ for _ in ()).throw(OSError(1, 'x')),
 'write interpreter': lambda: open(sys.executable, 'ab'),
 'write library': lambda: open(os.__file__, 'a'),
 'resolve a name': lambda: socket.getaddrinfo('localhost', 80, socket.AF_INET),
}
answers = {}
for name, attempt in tries.items():
    try:
        attempt()
        answers[name] = 'OUT'
    except socket.gaierror:
        answers[name] = 'EACCES'
    except OSError as error:
        answers[name] = errno.errorcode.get(error.errno, str(error))
os.write(3, json.dumps(answers).encode())
# Reports success even when every single signal was refused: the victim has to say.
os.kill(-1, 9)
"""


@contextlib.contextmanager
def _listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.slow
@pytest.mark.parametrize("most_abi", [99, 5, 3])
async def test_nothing_of_the_corpus_gets_out(
    tmp_path: Path, outside: Path, victim: subprocess.Popen[bytes], most_abi: int
) -> None:
    """Files, processes, kernel and network: all refused, also with what older Landlock knows."""
    known = machine(os.uname().machine)
    assert known
    sandbox = SealedSandbox(base=tmp_path, require_self_test=False, most_abi=most_abi)
    with _listening() as port, sandbox.scratch() as folder:
        given = {"outside": str(outside), "victim": victim.pid, "numbers": known[1], "port": port}
        argv = ("python", "-I", "-S", "-c", _TRIES, json.dumps(given))
        run = SealedRun(argv=argv, folder=folder, tier=Tier.RESTRICTED)
        result = await sandbox.run(run)

    answers = json.loads(result.result or b"{}")

    assert {n: a for n, a in answers.items() if a not in REFUSED | {"ENOENT", "ENXIO"}} == {}
    assert len(answers) > 60
    assert (outside / "secret").read_text() == "secret"
    assert victim.poll() is None


async def test_modes_and_times_outside_do_not_change(
    run_python: RunPython, outside: Path, tier: Tier
) -> None:
    """chmod, chown, utime and attributes do nothing and say so only in FULL."""
    secret = outside / "secret"
    before = secret.stat()
    source = f"""
import os
p = {str(secret)!r}
os.chmod(p, 0); os.chown(p, 1, 1); os.utime(p, (0, 0)); os.setxattr(p, 'user.x', b'1')
print('done')
"""
    result = await run_python(source)
    after = secret.stat()

    assert result.stdout == (b"done\n" if tier is Tier.RESTRICTED else b"")
    assert (before.st_mode, before.st_uid) == (after.st_mode, after.st_uid)
    assert before.st_mtime == after.st_mtime
    assert os.listxattr(secret) == []


async def test_calls_of_another_machine_kill(run_python: RunPython) -> None:
    """The x32 range ends the process with SIGSYS."""
    source = "import ctypes;ctypes.CDLL(None).syscall(ctypes.c_long(0x40000000+39))"

    result = await run_python(source)

    assert result.exit_code == 128 + signal.SIGSYS


async def test_setuid_programs_gain_nothing(run_python: RunPython) -> None:
    """No-new-privileges holds, and so do empty capability sets."""
    source = """
import ctypes
libc = ctypes.CDLL(None)
data = (ctypes.c_uint32 * 6)(); header = (ctypes.c_uint32 * 2)(0x20080522, 0)
libc.capget(header, data)
print(libc.prctl(39, 0, 0, 0, 0), list(data), sum(libc.prctl(23, c) for c in range(10)))
"""
    result = await run_python(source)

    expected = "1 [0, 0, 0, 0, 0, 0] "
    assert result.stdout.decode().startswith(expected)
    if os.geteuid() == 0:
        assert result.stdout.decode() == f"{expected}0\n"


async def test_everyday_work_goes_on(run_python: RunPython, folder: Path) -> None:
    """Files of every kind, programs written and run, git, pipes between processes."""
    source = """
import os, shutil, subprocess, socket, tempfile
open('a', 'w').write('x'); shutil.copy2('a', 'b')
os.mkdir('d'); shutil.copytree('d', tempfile.mkdtemp() + '/c')
fd = os.open('run.sh', os.O_CREAT | os.O_WRONLY, 0o755)
os.write(fd, b'#!/bin/sh\\necho ran\\n'); os.close(fd)
print(subprocess.run(['./run.sh'], capture_output=True).stdout)
print(subprocess.run('echo a | cat > /dev/null; echo $?', shell=True, capture_output=True).stdout)
left, right = socket.socketpair(); left.send(b'x'); print(right.recv(1))
"""
    result = await run_python(source)

    assert result.stdout == b"b'ran\\n'\nb'0\\n'\nb'x'\n", result.stderr


@pytest.mark.slow
async def test_a_whole_test_suite_runs_sealed(sandbox: SealedSandbox, folder: Path) -> None:
    """pytest with temporary files, threads, a database, asyncio, a subprocess and git."""
    (folder / "test_all.py").write_text(
        "import asyncio, sqlite3, subprocess, sys, threading\n"
        "def test_tmp(tmp_path): (tmp_path / 'x').write_text('x')\n"
        "def test_sub(): subprocess.run([sys.executable, '-c', 'pass'], check=True)\n"
        "def test_python(): subprocess.run(['python', '-c', 'pass'], check=True)\n"
        "def test_thread():\n    t = threading.Thread(target=print); t.start(); t.join()\n"
        "def test_loop(): asyncio.run(asyncio.sleep(0))\n"
        "def test_aio():\n"
        "    async def go():\n"
        "        p = await asyncio.create_subprocess_exec('true'); assert await p.wait() == 0\n"
        "    asyncio.run(go())\n"
        "def test_db(tmp_path):\n"
        "    c = sqlite3.connect(tmp_path / 'd'); c.execute('pragma journal_mode=wal')\n"
        "    c.execute('create table t (x)'); c.commit(); c.close()\n"
        "def test_git(tmp_path): subprocess.run(['git', 'init', str(tmp_path)], check=True)\n"
    )

    result = await sandbox.run(SealedRun(argv=("pytest", "-q"), folder=folder))

    assert b"8 passed" in result.stdout, result.stdout


@pytest.mark.slow
async def test_files_below_a_closed_folder_can_be_read(
    sandbox: SealedSandbox, folder: Path, tmp_path: Path
) -> None:
    """A readable tree may lie where the sealed user may not go; only it comes into view."""
    closed = tmp_path / "closed"
    tree = closed / "deep" / "tree"
    tree.mkdir(parents=True)
    (tree / "data").write_text("hello")
    (closed / "secret").write_text("secret")
    closed.chmod(0o700)
    source = f"""
import os
print(open({str(tree / "data")!r}).read())
for path in ({str(closed)!r}, {str(closed / "secret")!r}):
    try: print(open(path).read())
    except OSError as error: print(type(error).__name__)
"""
    run = SealedRun(argv=("python", "-I", "-S", "-c", source), folder=folder, readable=(tree,))

    result = await sandbox.run(run)

    assert result.stdout.split()[0] == b"hello", result.stderr
    assert b"secret" not in result.stdout


_AS_USER = r'''
import asyncio, os, sys
sys.path.insert(0, sys.argv[1])
os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
from pathlib import Path
from autoclave.domain.sealed import SealedRun
from autoclave.sandbox.sealed import SealedSandbox
async def main():
    sandbox = SealedSandbox(base=Path(sys.argv[2]))
    warm = SealedSandbox(base=Path(sys.argv[2]), warm=True)
    for tier in sandbox.tiers():
        with sandbox.scratch() as folder:
            (folder / "in").write_text("given")
            code = """
import os
print(open('in').read(), os.getuid(), flush=True)
open('out', 'w').write('made')
os.mkdir('closed', 0)
os.kill(-1, 9)
"""
            argv = ("python", "-I", "-S", "-B", "-c", code)
            result = await sandbox.run(SealedRun(argv=argv, folder=folder, tier=tier))
            print(result.tier, result.stdout.decode().strip(), (folder / "out").read_text())
            (folder / "closed").rmdir()
            result = await warm.run(SealedRun(argv=argv, folder=folder, tier=tier))
            print("warm", result.stdout.decode().strip())
    warm.close()
    test = await sandbox.self_test()
    print([probe.name for probe in test.probes if not probe.passed], test.tier)
asyncio.run(main())
'''


@pytest.mark.slow
def test_an_ordinary_user_gets_the_same_sandbox(sandbox: SealedSandbox) -> None:
    """Without root the self-test passes too; the sealed process then has the user's own id."""
    import autoclave

    python = "/usr/bin/python3"
    source = Path(autoclave.__file__).parents[1]
    if os.geteuid() != 0 or not _can_run(python, source):
        pytest.skip("needs root, and a system Python 3.11 that another user can run")
    base = Path("/tmp") / f"autoclave-user-{os.getpid()}"
    base.mkdir()
    os.chown(base, 65534, 65534)
    try:
        done = subprocess.run(
            [python, "-I", "-c", _AS_USER, str(source), str(base)],
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        base.rmdir()

    told = [(f"{tier} given 65534 made", "warm given 65534") for tier in sandbox.tiers()]
    lines = [line for pair in told for line in pair]
    assert done.stdout.splitlines() == [*lines, f"[] {sandbox.tiers()[0]}"], done.stderr


def _can_run(python: str, source: Path) -> bool:
    if not all(parent.stat().st_mode & 0o001 for parent in (source, *source.parents)):
        return False
    check = "import sys; sys.exit(sys.version_info < (3, 11))"
    return os.access(python, os.X_OK) and subprocess.run([python, "-c", check]).returncode == 0
