"""The warm helper's file: `python -I -B warm.py` waits, forks, and is the command in the fork.

Code runs from the top of this file, as a program does, so that its end is Python's own.
"""

import os
import sys

_PATH = list(sys.path)
_HERE = os.path.abspath(__file__).rpartition("/")[0]  # noqa: PTH100 - pathlib starts slowly
_KEPT: list[object] = []


def wait():  # type: ignore[no-untyped-def]  # no name for the type is imported
    """The code of a sealed child and its namespace; the helper itself never gets past this."""
    sys.path.append(_HERE.removesuffix("/autoclave/sandbox"))

    from autoclave.sandbox.launch import fresh, zygote

    order = zygote.serve()
    # Taking our modules apart takes longer than keeping them until the end.
    _KEPT.extend(sys.modules.values())
    fresh.interpreter(order, _PATH)
    return fresh.program(order)


if __name__ == "__main__":
    try:
        exec(*wait())  # type: ignore[no-untyped-call]  # noqa: S102 - sealed; this is the job
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:  # noqa: BLE001 - as at the end of every program
        # What a program of its own would print has no frame of ours.
        trace = error.__traceback__
        while trace and trace.tb_frame.f_code.co_filename.startswith(_HERE):
            trace = trace.tb_next
        error.__traceback__ = trace
        sys.excepthook(type(error), error, error.__traceback__)
        sys.exit(1)
