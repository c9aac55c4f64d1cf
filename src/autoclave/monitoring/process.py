"""This process and its machine in numbers."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessFacts:
    resident_bytes: int
    cpu_seconds: float
    open_files: int
    started_at: float
    disk_free_bytes: int
    memory_available_bytes: int


def process_facts(home: Path) -> ProcessFacts:
    """As of now; `home` is where the disk is looked at."""
    import psutil

    process = psutil.Process()
    with process.oneshot():
        times = process.cpu_times()
        return ProcessFacts(
            resident_bytes=process.memory_info().rss,
            cpu_seconds=times.user + times.system,
            open_files=process.num_fds(),
            started_at=process.create_time(),
            disk_free_bytes=shutil.disk_usage(home).free,
            memory_available_bytes=psutil.virtual_memory().available,
        )
