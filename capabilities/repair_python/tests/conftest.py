"""Make `repair_python` importable wherever its folder stands."""

import sys
from pathlib import Path

_PARENT = str(Path(__file__).resolve().parents[2])
if _PARENT not in sys.path:
    sys.path.insert(0, _PARENT)
