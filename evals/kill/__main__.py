"""Kill and freeze the loop, and print one JSON line per figure."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from .applying import Applying
from .freezing import Freezing
from .killing import Killing


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="autoclave-kill-", dir=options.folder) as name:
        folder = Path(name)
        killing = Killing(folder, seed=options.seed)
        killing.run(options.kills)
        print(json.dumps(killing.figures()), flush=True)
        freezing = Freezing(folder, seed=options.seed, span=killing.span)
        freezing.run(options.freezes)
        print(json.dumps(freezing.figures()), flush=True)
        applying = Applying(folder, seed=options.seed)
        applying.run(options.applications)
        print(json.dumps(applying.figures()), flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="evals.kill", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="random kills")
    parser.add_argument("--freezes", type=int, default=20)
    parser.add_argument("--applications", type=int, default=50, help="random kills of proposals")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=None, help="where the journals are made")
    return parser.parse_args()


if __name__ == "__main__":
    main()
