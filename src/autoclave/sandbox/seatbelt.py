"""The profile for macOS's own sandbox: everything is denied, then the least is allowed.

Written from the documentation and from published profiles (Chromium, Firefox, Codex), never tried:
there is no such machine here. Nothing runs by it that has not passed the self-test on the machine
itself.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..domain.errors import InvalidInput

PROGRAM = "/usr/bin/sandbox-exec"
_SYSTEM = (
    "/usr/lib",
    "/usr/bin",
    "/bin",
    "/usr/share/zoneinfo",
    "/System/Library",
    "/Library/Apple/System",
    "/private/var/db/timezone",
    "/private/var/db/dyld",
    # Where newer systems keep the libraries that every program shares.
    "/System/Volumes/Preboot/Cryptexes",
    "/System/Cryptexes",
)
_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
_ALLOWED = (
    "(allow process-fork)",
    # The run's own processes, and no others.
    "(allow signal (target same-sandbox))",
    "(allow process-info* (target same-sandbox))",
    # The names of folders above the trees, not what is in them: programs are found through them.
    '(allow file-read-metadata (literal "/"))',
)
_FACTS = (
    "hw.activecpu",
    "hw.byteorder",
    "hw.cachelinesize",
    "hw.cputype",
    "hw.cpusubtype",
    "hw.logicalcpu",
    "hw.logicalcpu_max",
    "hw.machine",
    "hw.memsize",
    "hw.ncpu",
    "hw.pagesize",
    "hw.physicalcpu",
    "hw.physicalcpu_max",
    "kern.argmax",
    "kern.hostname",
    "kern.maxfilesperproc",
    "kern.ngroups",
    "kern.osproductversion",
    "kern.osrelease",
    "kern.ostype",
    "kern.osversion",
    "kern.secure_kernel",
    "kern.usrstack64",
    "kern.version",
    "sysctl.proc_cputype",
    "vm.loadavg",
)
"""What may be asked about the machine. Not `kern.procargs2`: the environment of others is in it."""


def profile(*, readable: Iterable[str], writable: str, links: Iterable[str] = ()) -> str:
    """Read and execute `readable` and the system, write below `writable`; nothing else.

    `links` are symbolic links on the way there: they may be followed. No network, no Mach service,
    no other process, no shared memory: none of them is named. Raises InvalidInput for a path that
    no profile can name without doubt.
    """
    trees = [*dict.fromkeys([*_SYSTEM, *readable, writable])]
    followed = sorted(set(links))
    parents = sorted({above for path in (*trees, *followed) for above in _above(path)})
    lines = ["(version 1)", "(deny default)", *_ALLOWED]
    lines += [f'(allow sysctl-read (sysctl-name "{name}"))' for name in _FACTS]
    lines += [f"(allow file-read* (literal {quoted(path)}))" for path in followed]
    lines += [f"(allow file-read-metadata (literal {quoted(path)}))" for path in parents]
    lines += [f"(allow file-read* (subpath {quoted(tree)}))" for tree in trees]
    lines += [f"(allow process-exec* (subpath {quoted(tree)}))" for tree in trees]
    lines += [f"(allow file-map-executable (subpath {quoted(tree)}))" for tree in trees]
    lines += [f"(allow file-read* file-write-data (literal {quoted(path)}))" for path in _DEVICES]
    lines.append(f"(allow file-write* (subpath {quoted(writable)}))")
    # Later rules win: no program with other rights, and no devices, also not in there.
    lines.append("(deny file-write-setugid)")
    lines.append("(deny file-mknod)")
    return "\n".join(lines) + "\n"


def quoted(path: str) -> str:
    """A path as a string of the profile's language, where only `"` and `\\` mean something."""
    if not path.startswith("/") or path == "/" or not path.isprintable():
        raise InvalidInput(
            f"a profile cannot name {path!r} without doubt",
            hint="use absolute paths without line breaks or other control characters",
        )
    if any(part in ("", ".", "..") for part in path[1:].split("/")):
        raise InvalidInput(f"a profile cannot name {path!r}: it has to be written in full")
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _above(path: str) -> list[str]:
    """The folders above a path, without the root."""
    parts = path.split("/")[1:-1]
    return ["/" + "/".join(parts[: end + 1]) for end in range(len(parts))]
