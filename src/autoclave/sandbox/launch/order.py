"""The launcher's order: what to run, where, and within which limits."""

from __future__ import annotations

BRING_BACK = "bring the results back"
"""The one step that can fail after the command has run."""


class Order:
    """A plain class, because dataclasses start slowly."""

    def __init__(self, data: dict[str, object], stdin: bytes) -> None:
        self.argv = _texts(data["argv"])
        """Empty for a rehearsal: everything is set up, then the child leaves."""
        self.folder = str(data["folder"])
        self.readable = _texts(data["readable"])
        self.links = {str(k): str(v) for k, v in _items(data["links"])}
        """Symbolic links on the way to readable trees, kept when folders have to be covered."""
        self.environment = {str(k): str(v) for k, v in _items(data["environment"])}
        self.limits = Limits({str(k): v for k, v in _items(data["limits"])})
        self.is_warm = bool(data.get("warm"))
        """Whether the command is Python code for the interpreter that seals itself."""
        self.most_abi = int(str(data["most_abi"]))
        self.is_full = data["tier"] == "FULL"
        """Whether to seal it in namespaces of its own as well."""
        self.bubblewrap = str(data.get("bubblewrap") or "")
        """The program that makes those namespaces; empty to make them ourselves."""
        self.seal = _texts(data.get("seal"))
        """On macOS, the words before the command that seal it."""
        self.calls = _numbers(data.get("calls"))
        """Descriptors of the line to the kernel: answers are read here, calls are written."""
        self.data = data
        self.stdin = stdin


class Limits:
    """The same names as the domain's limits."""

    def __init__(self, data: dict[str, object]) -> None:
        def whole(name: str) -> int:
            return int(str(data[name]))

        self.wall_seconds = float(str(data["wall_seconds"]))
        self.cpu_seconds = whole("cpu_seconds")
        self.memory_bytes = whole("memory_bytes")
        self.total_memory_bytes = whole("total_memory_bytes")
        self.processes = whole("processes")
        self.open_files = whole("open_files")
        self.file_bytes = whole("file_bytes")
        self.disk_bytes = whole("disk_bytes")
        self.inodes = whole("inodes")
        self.output_bytes = whole("output_bytes")
        self.result_bytes = whole("result_bytes")


def _numbers(value: object) -> tuple[int, ...]:
    return tuple(int(str(item)) for item in value) if isinstance(value, list) else ()


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _items(value: object) -> list[tuple[object, object]]:
    return list(value.items()) if isinstance(value, dict) else []
