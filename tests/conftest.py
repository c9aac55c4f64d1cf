"""What every test stands on."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

_MEMORY = Path("/dev/shm")

# A machine that is busy with something else stands still for longer than any deadline of one
# example; what hangs is ended by the time-out of the whole test.
_CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", _CALM, max_examples=25)
settings.register_profile("thorough", _CALM, max_examples=150)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


@pytest.fixture(autouse=True, scope="session")
def own_places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """No test reads or writes the settings, homes or data of whoever runs it."""
    root = tmp_path_factory.mktemp("places")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CONFIG", "DATA", "STATE", "CACHE"):
            patch.setenv(f"XDG_{name}_HOME", str(root / name.lower()))
        patch.delenv("AUTOCLAVE_HOME", raising=False)
        patch.setenv("AUTOCLAVE_NO_MODEL_CALLS", "1")
        for name in [each for each in os.environ if each.startswith(("ANTHROPIC_", "OPENAI_"))]:
            patch.delenv(name)
        patch.setenv("ANTHROPIC_CONFIG_DIR", str(root / "anthropic"))
        yield root


@pytest.fixture
def fast_tmp_path(tmp_path: Path) -> Iterator[Path]:
    """An empty folder in memory where there is one: a journal there waits for no disk."""
    if not os.access(_MEMORY, os.W_OK | os.X_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="autoclave-test-", dir=_MEMORY) as name:
        yield Path(name)
