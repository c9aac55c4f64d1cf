"""Fails when the lock file names a host that is not the public package index."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
PUBLIC = frozenset({"pypi.org", "files.pythonhosted.org"})


def main() -> int:
    text = (ROOT / "uv.lock").read_text(encoding="utf-8")
    hosts = {urlsplit(url).hostname or url for url in re.findall(r'"([a-z+]+://[^"]+)"', text)}
    private = sorted(hosts - PUBLIC)
    for host in private:
        sys.stderr.write(f"uv.lock names {host}, which not everyone can reach\n")
    return 1 if private else 0


if __name__ == "__main__":
    sys.exit(main())
