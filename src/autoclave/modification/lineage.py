"""The agent's own history: a trusted git directory outside the tree that it keeps."""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ..domain.canonical import JsonObject
from ..domain.errors import Conflict, NotFound, OutOfResources
from ..domain.ports import Clock
from ..domain.text import show, show_line
from .body import Body

_REF = "refs/heads/main"
_WHO = "Autoclave <agent@autoclave.invalid>"
_PLAIN = ("core.fsync=all", "core.hooksPath=/dev/null", "core.fsmonitor=false", "gc.auto=0")
_PLAIN_FILES = (
    "core.attributesFile=/dev/null",
    "core.autocrlf=false",
    "core.excludesFile=/dev/null",
)


class Step(StrEnum):
    """What a commit records."""

    BEGIN = "begin"
    """The body as it was found."""
    BY_HAND = "changed by hand"
    """A person changed the body between two of our commits."""
    APPLY = "apply"
    UNDO = "undo"
    REDO = "redo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One commit of the lineage."""

    commit: str
    parent: str
    step: Step
    proposal: str
    digest: str
    """Digest of the change set."""
    base_tree: str
    tree: str
    """Digest of the body after it."""
    message: str
    at: float

    def to_json(self) -> JsonObject:
        return {
            "commit": self.commit,
            "step": str(self.step),
            "proposal": self.proposal,
            "message": self.message,
            "at": self.at,
            "base_tree": self.base_tree,
            "tree": self.tree,
        }


class Lineage:
    """Reads and writes commits with plumbing only: no work tree, no index, no filter, no hook."""

    def __init__(self, git_dir: Path, *, clock: Clock) -> None:
        """`git_dir` is made at the first commit; it must not lie inside the body."""
        self._git_dir = git_dir
        self._clock = clock

    def log(self) -> list[Entry]:
        """Every commit, newest first."""
        if not (self._git_dir / "HEAD").exists() or not self.head():
            return []
        with self._alone():
            pass  # the git of a killed process may still be writing
        commits = self._git("rev-list", "--first-parent", _REF).decode("ascii").split()
        pairs = zip(commits, self._objects(commits), strict=True)
        return [_entry(commit, record) for commit, record in pairs]

    def head(self) -> str:
        """The newest commit, empty before the first."""
        if not (self._git_dir / "HEAD").exists():
            return ""
        found = self._git("for-each-ref", "--format=%(objectname)", _REF)
        return found.decode("ascii").strip()

    def commit_tree(
        self, body: Body, *, step: Step, message: str, proposal: str = "", digest: str = ""
    ) -> Entry:
        """Record the whole body as the next commit, durable on return."""
        self._make()
        head = self.log()[:1]
        base = head[0].tree if head else ""
        trailers = {
            "Step": str(step),
            "Proposal": show_line(proposal),
            "Digest": digest,
            "Base-Tree": base,
            "Candidate-Tree": body.digest,
        }
        lines = [f"{name}: {value}" for name, value in trailers.items() if value]
        text = "\n".join([show(message).strip() or str(step), "", *lines, ""])
        self._import(body, text, parent=head[0].commit if head else "")
        return self.log()[0]

    def file_at(self, commit: str, path: str) -> bytes:
        """One file of a commit. Raises NotFound."""
        body = self.body_at(commit)
        if path not in body.files:
            raise NotFound(f"{path} is not in {commit[:12]}")
        return body.files[path]

    def file_or_nothing(self, commit: str, path: str) -> bytes | None:
        return self.body_at(commit).files.get(path)

    def touching(self, path: str) -> list[Entry]:
        """The commits that changed one file, newest first."""
        if not self.head():
            return []
        listed = self._git("rev-list", _REF, "--", path).decode("ascii").split()
        return [entry for entry in self.log() if entry.commit in set(listed)]

    def body_at(self, commit: str) -> Body:
        """The whole body as a commit holds it."""
        files: dict[str, bytes] = {}
        executable: set[str] = set()
        listing = self._git("ls-tree", "-r", "-z", "--full-tree", commit)
        rows = [_row(record) for record in listing.split(b"\0") if record]
        blobs = self._objects([blob for _, blob, _ in rows])
        for (mode, _, path), data in zip(rows, blobs, strict=True):
            files[path] = data
            executable.update({path} if mode == "100755" else ())
        return Body(files=files, executable=frozenset(executable))

    def _objects(self, names: Sequence[str]) -> list[bytes]:
        if not names:
            return []
        raw = self._git("cat-file", "--batch", stdin="".join(f"{n}\n" for n in names).encode())
        found: list[bytes] = []
        at = 0
        for _ in names:
            end = raw.index(b"\n", at)
            size = int(raw[at:end].split()[2])
            found.append(raw[end + 1 : end + 1 + size])
            at = end + 1 + size + 1
        return found

    def _make(self) -> None:
        if (self._git_dir / "HEAD").exists():
            return
        self._git_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._git("init", "--quiet", "--bare", "--template=", "--initial-branch=main")

    def _import(self, body: Body, message: str, *, parent: str) -> None:
        # A killed predecessor may have left its lock; we are the only one who writes here.
        (self._git_dir / f"{_REF}.lock").unlink(missing_ok=True)
        text = message.encode("utf-8", "backslashreplace")
        when = f"{_WHO} {int(self._clock())} +0000"
        parts = [b"feature done\n", f"commit {_REF}\n".encode()]
        parts += [f"author {when}\ncommitter {when}\ndata {len(text)}\n".encode(), text, b"\n"]
        parts += [f"from {parent}\n".encode()] if parent else []
        parts.append(b"deleteall\n")
        for path, data in sorted(body.files.items()):
            mode = "100755" if path in body.executable else "100644"
            parts += [b"M %s inline " % mode.encode(), _quoted(path), b"\n"]
            parts += [b"data %d\n" % len(data), data, b"\n"]
        parts.append(b"done\n")
        with self._alone() as lock:
            self._git("fast-import", "--quiet", "--done", stdin=b"".join(parts), keep=(lock,))

    @contextmanager
    def _alone(self) -> Iterator[int]:
        """Held while a commit is made. The git that makes it holds it too, until it has ended."""
        handle = os.open(self._git_dir / "autoclave.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield handle
        finally:
            os.close(handle)

    def _git(self, *arguments: str, stdin: bytes = b"", keep: Sequence[int] = ()) -> bytes:
        options = [word for setting in (*_PLAIN, *_PLAIN_FILES) for word in ("-c", setting)]
        environment = {
            "PATH": os.defpath,
            "GIT_DIR": str(self._git_dir),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "HOME": os.devnull,
            "LC_ALL": "C",
        }
        try:
            done = subprocess.run(
                ["git", *options, *arguments],  # noqa: S607  (found on the default path only)
                input=stdin,
                capture_output=True,
                env=environment,
                cwd=self._git_dir,
                pass_fds=keep,
                check=False,
            )
        except FileNotFoundError as error:
            raise NotFound(
                "git is not installed", hint="install git; it keeps the history"
            ) from error
        if done.returncode:
            why = show(done.stderr).strip().splitlines()[-1:]
            raise OutOfResources(
                f"git {arguments[0]} failed in {self._git_dir}: {' '.join(why)}",
                hint="look at the free space and the rights of that folder, then try again",
            )
        return done.stdout


def _entry(commit: str, record: bytes) -> Entry:
    head, _, message = record.decode("utf-8", "replace").partition("\n\n")
    fields = dict(line.split(" ", maxsplit=1) for line in head.split("\n"))
    body, _, last = message.strip().rpartition("\n\n")
    trailers = dict(line.split(": ", maxsplit=1) for line in last.split("\n") if ": " in line)
    if not {"Step", "Candidate-Tree"} <= trailers.keys():
        raise Conflict(f"commit {commit[:12]} in the lineage was not made by this program")
    return Entry(
        commit=commit,
        parent=fields.get("parent", ""),
        step=Step(trailers["Step"]),
        proposal=trailers.get("Proposal", ""),
        digest=trailers.get("Digest", ""),
        base_tree=trailers.get("Base-Tree", ""),
        tree=trailers["Candidate-Tree"],
        message=body,
        at=float(fields["committer"].rsplit(" ", maxsplit=2)[1]),
    )


def _row(record: bytes) -> tuple[str, str, str]:
    facts, _, path = record.partition(b"\t")
    mode, _, blob = facts.decode("ascii").split(" ")
    return mode, blob, os.fsdecode(path)


def _quoted(path: str) -> bytes:
    raw = os.fsencode(path).replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    return b'"' + raw + b'"'
