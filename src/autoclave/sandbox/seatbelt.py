"""The profile for macOS's own sandbox: everything is denied, then the least is allowed.

Written from the documentation and from published profiles, never tried: there is no such machine
here. Nothing runs by it that has not passed the self-test on the machine itself.
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
)
_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
_ALLOWED = (
    "(allow process-fork)",
    # Itself and its children are one sandbox each, and this names only the process itself.
    "(allow signal (target self))",
    "(allow process-info* (target self))",
    "(allow sysctl-read)",
    # The names of folders above the trees, not what is in them: programs are found through them.
    '(allow file-read-metadata (literal "/"))',
)


def profile(*, readable: Iterable[str], writable: str) -> str:
    """Read and execute `readable` and the system, write below `writable`; nothing else.

    No network, no Mach service, no other process, no shared memory: none of them is named. Raises
    InvalidInput for a path that no profile can name without doubt.
    """
    trees = [*dict.fromkeys([*_SYSTEM, *readable, writable])]
    parents = sorted({above for tree in trees for above in _above(tree)})
    lines = ["(version 1)", "(deny default)", *_ALLOWED]
    lines += [f"(allow file-read-metadata (literal {quoted(path)}))" for path in parents]
    lines += [f"(allow file-read* (subpath {quoted(tree)}))" for tree in trees]
    lines += [f"(allow process-exec* (subpath {quoted(tree)}))" for tree in trees]
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
