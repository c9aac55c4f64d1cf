"""Floor 3: the command line."""

import sys


def main() -> None:
    """The console script. Nothing is imported before it is called."""
    from .app import run

    sys.exit(run(sys.argv[1:]))
