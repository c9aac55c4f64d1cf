"""Why no sandbox can be had, in words that name the step, the errno and the way out."""

from __future__ import annotations

import errno
import os

from ..domain.canonical import JsonObject
from ..domain.errors import SandboxUnavailable
from .launch.order import BRING_BACK
from .macos import NOTE

_MACOS = "macOS:"
_NEEDS = {
    "FULL": "it needs user namespaces besides what RESTRICTED needs",
    "RESTRICTED": "it needs Landlock and seccomp",
}


def unavailable(report: JsonObject, tier: str) -> SandboxUnavailable:
    """The refusal for a launcher's report of a step that failed."""
    step, why = str(report.get("step", "?")), str(report.get("why", "?"))
    code = errno.errorcode.get(int(report.get("errno") or 0), "")
    reason = f"{code}: {why}" if code else why
    if step == BRING_BACK:
        return SandboxUnavailable(
            f"the run ended, and the step {step!r} failed ({reason})",
            hint="look at the disk that holds the scratch folders, then try again",
        )
    needs = "it needs Apple's sandbox-exec" if step.startswith(_MACOS) else _NEEDS[tier]
    return SandboxUnavailable(
        f"no run in tier {tier} can be had here: the step {step!r} failed ({reason}); "
        f"{needs}; nothing was executed",
        hint=_way_out(step),
    )


def silent(why: str) -> SandboxUnavailable:
    """The refusal when the launcher ended without a report, killed from outside for instance."""
    return SandboxUnavailable(
        f"the launcher ended before it reported ({why}); how far the sealed run came is not known",
        hint="look for a lack of memory (`dmesg`), then try again",
    )


def _way_out(step: str) -> str:
    if step.startswith("landlock version"):
        return "use Linux 5.13 or newer with Landlock switched on (lsm=landlock,… at boot)"
    if step.startswith("landlock"):
        return "allow the three landlock system calls, or use a newer kernel or container runtime"
    if step.startswith("seccomp"):
        return "allow the seccomp system call; x86-64 and aarch64 are supported"
    if step.startswith(_FULL_STEPS):
        return "allow user namespaces, also in containers, or be content with tier RESTRICTED"
    if step.startswith("look at the system"):
        return "use Linux or macOS; on Windows that can be WSL 2"
    if step.startswith(f"{_MACOS} choose a user"):
        return "run as an ordinary user"
    if step.startswith(_MACOS):
        return f"{NOTE}; tell us what it said, or use a Linux machine or container"
    if os.geteuid() == 0 and step.startswith(_ROOT_STEPS):
        return (
            "run as an ordinary user, or put Python and the files of the run where others can "
            "read them (not below a closed folder such as /root)"
        )
    return "`autoclave doctor` shows what was tried"


_FULL_STEPS = (
    "own user",
    "own namespaces",
    "write ",
    "new root",
    "workspace",
    "pivot",
    "let the old root",
)
_ROOT_STEPS = (
    "own mount",
    "private mounts",
    "copy the mount",
    "protect",
    "cover",
    "make a place",
    "bind",
    "restore",
    "open ",
    "enter ",
    "give the folder",
    "drop root",
    "bounding set",
    "choose a user",
)
