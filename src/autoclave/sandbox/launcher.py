"""The launcher's file: `python -I -S launcher.py`, started anew for every sealed run."""

import os
import sys

if __name__ == "__main__":
    # Isolated mode adds no folder of ours. Last, so that nothing there hides the standard library.
    here = os.path.abspath(__file__)  # noqa: PTH100 - pathlib starts slowly
    sys.path.append(here.rpartition("/autoclave/sandbox/")[0])

    if sys.argv[1:2] == ["inside"]:
        from autoclave.sandbox.launch.child import go_on

        go_on(*map(int, sys.argv[2:]))

    if sys.argv[1:2] == ["macos"]:
        from autoclave.sandbox.launch_macos import supervise, within

        {"outside": supervise.main, "inside": within.main}[sys.argv[2]]()
        raise SystemExit

    from autoclave.sandbox.launch.supervise import main

    main()
