"""Running a capability: what comes back, and everything that can go wrong inside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autoclave.capabilities.runner import SealedToolbox
from autoclave.domain.capability import CapabilityResult
from autoclave.domain.errors import Conflict, InvalidInput, NotFound, Stale

Build = Callable[[], SealedToolbox]
Make = Callable[..., Path]
WRITES = '[needs]\nworkspace = "write"\n'
READS = '[needs]\nworkspace = "read"\n'


TWICE = 'import os\nos.write(3, b"""{"outputs": {}, "outputs": {}}""")\nos._exit(0)\n'


async def run(
    toolbox: Build, inputs: dict[str, Any] | None = None, workspace: Path | None = None
) -> CapabilityResult:
    return await toolbox().run("echo", inputs or {}, workspace=workspace, key="G-1/1")


async def test_outputs_come_back(make: Make, toolbox: Build) -> None:
    """What `execute` returns is what the caller gets, text of any language included."""
    make()

    result = await run(toolbox, {"text": "grün ✓ \u2028", "n": [1, 2.5, None]})

    assert result.ok
    assert result.outputs == {"text": "grün ✓ \u2028", "n": [1, 2.5, None]}


async def test_printing_does_not_disturb_the_answer(make: Make, toolbox: Build) -> None:
    """Standard output is a log; the answer has a channel of its own."""
    make(code='async def execute(c, i):\n    print("{}")\n    return {"ok": True}\n')

    result = await run(toolbox)

    assert result.outputs == {"ok": True}
    assert result.log == b"{}\n"


async def test_failure_names_the_place_in_the_capability(make: Make, toolbox: Build) -> None:
    """The innermost frame inside the folder is what can be repaired."""
    make(
        code="""
        import json
        from .inner import parse

        async def execute(context, inputs):
            return parse("{")
        """,
        files={"inner.py": "import json\n\n\ndef parse(text):\n    return json.loads(text)\n"},
    )

    result = await run(toolbox)

    assert result.failure is not None
    assert result.failure.error_class == "JSONDecodeError"
    assert result.failure.where == "inner.py:parse"
    assert "in execute" in result.failure.traceback
    assert "json/decoder" not in result.failure.traceback


async def test_comprehension_counts_as_its_function(make: Make, toolbox: Build) -> None:
    """`where` names something that an edit can address."""
    make(code="async def execute(c, i):\n    return {'x': [1 // 0 for _ in 'a']}\n")

    result = await run(toolbox)

    assert result.failure is not None
    assert result.failure.where == "code.py:execute"


@pytest.mark.parametrize(
    ("code", "error_class"),
    [
        ("import sys\nasync def execute(c, i):\n    sys.exit(0)\n", "SystemExit"),
        ("import os\nasync def execute(c, i):\n    os._exit(0)\n", "NoAnswer"),
        ("async def execute(c, i):\n    return [1]\n", "InvalidOutput"),
        ("async def execute(c, i):\n    return {'x': {1}}\n", "InvalidOutput"),
        ("async def execute(c, i):\n    return {'x': float('nan')}\n", "InvalidOutput"),
        ("async def execute(c, i):\n    return {'x': '\\ud800'}\n", "InvalidOutput"),
        ("def execute(c, i):\n    return {}\n", "ValueError"),
        ("x = 1\n", "AttributeError"),
        ("async def execute(:\n", "SyntaxError"),
        ("import os\nos.kill(os.getpid(), 9)\n", "signalled"),
        (TWICE, "InvalidOutput"),
    ],
)
async def test_misbehaviour_is_a_failure(
    make: Make, toolbox: Build, code: str, error_class: str
) -> None:
    """Nothing that a capability does inside raises outside."""
    make(code=code)

    result = await run(toolbox)

    assert result.failure is not None
    assert result.failure.error_class == error_class
    assert result.failure.message


async def test_endless_loop_is_ended(make: Make, toolbox: Build) -> None:
    """The wall clock of the manifest holds."""
    make(
        code="async def execute(c, i):\n    while True: pass\n",
        more="[limits]\nwall_seconds = 0.5\n",
    )

    result = await run(toolbox)

    assert result.failure is not None
    assert result.failure.error_class == "wall_clock"


async def test_threads_left_behind_do_not_hold_the_answer(make: Make, toolbox: Build) -> None:
    """The process ends when `execute` has returned."""
    make(
        code="""
        import threading, time
        async def execute(c, i):
            threading.Thread(target=time.sleep, args=(60,)).start()
            return {"done": True}
        """
    )

    result = await run(toolbox)

    assert result.outputs == {"done": True}


async def test_inputs_are_held_against_the_schema(make: Make, toolbox: Build) -> None:
    """A wrong input never starts a process and is named by its field."""
    make(
        schemas="""
        [inputs]
        type = "object"
        required = ["path"]
        properties.path = {type = "string"}
        [outputs]
        type = "object"
        """
    )

    with pytest.raises(InvalidInput, match="path: 3 is not of type 'string'"):
        await run(toolbox, {"path": 3})


async def test_outputs_are_held_against_the_schema(make: Make, toolbox: Build) -> None:
    """Outputs that the manifest does not promise are a failure."""
    make(
        schemas="""
        [inputs]
        type = "object"
        [outputs]
        type = "object"
        properties.count = {type = "integer"}
        """
    )

    result = await run(toolbox, {"count": "many"})

    assert result.failure is not None
    assert result.failure.error_class == "InvalidOutput"
    assert "count: 'many'" in result.failure.message


async def test_own_validation_refuses(make: Make, toolbox: Build) -> None:
    """`validate_input` that says False is a failure before `execute`."""
    make(code="def validate_input(i):\n    return False\nasync def execute(c, i):\n    return {}\n")

    result = await run(toolbox)

    assert result.failure is not None
    assert "validate_input" in result.failure.message


async def test_changes_come_back_and_the_workspace_stays(
    make: Make, toolbox: Build, workspace: Path
) -> None:
    """A run works on a copy; what it changed is a value."""
    make(
        code="""
        async def execute(context, inputs):
            (context.workspace / "a.txt").write_text("two\\n")
            (context.workspace / "b.txt").write_text("new\\n")
            (context.scratch / "notes").write_text("mine")
            return {}
        """,
        more=WRITES,
    )

    result = await run(toolbox, workspace=workspace)

    assert [(c.path, c.after) for c in result.changes.files] == [
        ("a.txt", b"two\n"),
        ("b.txt", b"new\n"),
    ]
    assert (workspace / "a.txt").read_text() == "one\n"


async def test_writing_without_the_need_fails(make: Make, toolbox: Build, workspace: Path) -> None:
    """A capability that reads only gives no changes, whatever it wrote."""
    make(code="async def execute(c, i):\n    open('b', 'w').close()\n    return {}\n", more=READS)

    result = await run(toolbox, workspace=workspace)

    assert result.failure is not None
    assert result.failure.error_class == "NotAllowed"
    assert not result.changes


async def test_failed_run_changes_nothing(make: Make, toolbox: Build, workspace: Path) -> None:
    """Half-done work of a run that failed is dropped."""
    make(code="async def execute(c, i):\n    open('b', 'w').close()\n    1 / 0\n", more=WRITES)

    result = await run(toolbox, workspace=workspace)

    assert not result.ok
    assert not result.changes


async def test_missing_workspace_is_refused(make: Make, toolbox: Build, tmp_path: Path) -> None:
    """Without the folder that it needs, nothing is started."""
    make(more=READS)

    with pytest.raises(InvalidInput, match="is not a folder"):
        await run(toolbox, workspace=tmp_path / "nowhere")
    with pytest.raises(InvalidInput, match="needs a workspace"):
        await run(toolbox)


async def test_path_out_of_the_workspace_is_refused(
    make: Make, toolbox: Build, workspace: Path
) -> None:
    """`context.path` keeps a capability from wandering by mistake."""
    make(code="async def execute(c, i):\n    c.path('../x')\n", more=READS)

    result = await run(toolbox, workspace=workspace)

    assert result.failure is not None
    assert result.failure.error_class == "PermissionError"


async def test_dependency_is_imported_by_name(make: Make, toolbox: Build) -> None:
    """Another capability's code can be used when the manifest depends on it."""
    make("base", "def double(x):\n    return 2 * x\nasync def execute(c, i):\n    return {}\n")
    make(
        code="""
        from base.code import double
        async def execute(c, i):
            return {"x": double(4)}
        """,
        depends_on=("base>=1.0",),
    )

    result = await run(toolbox)

    assert result.outputs == {"x": 8}


async def test_code_that_changed_after_reading_is_refused(make: Make, toolbox: Build) -> None:
    """What runs is what was enrolled."""
    folder = make()
    box = toolbox()
    (folder / "code.py").write_text("async def execute(c, i):\n    return {'evil': 1}\n")

    with pytest.raises(Stale, match="echo"):
        await box.run("echo", {}, workspace=None, key="k")


async def test_planted_bytecode_is_not_run(make: Make, toolbox: Build) -> None:
    """A compiled file in the cache says nothing: the source is what was reviewed."""
    import py_compile

    folder = make()
    evil = folder.parent / "evil.py"
    evil.write_text("async def execute(c, i):\n    return {'evil': 1}\n")
    cache = folder / "__pycache__"
    cache.mkdir()
    py_compile.compile(
        str(evil),
        cfile=str(cache / "code.cpython-311.pyc"),
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )

    result = await run(toolbox)

    assert result.outputs == {}


async def test_workspace_cannot_shadow_modules(make: Make, toolbox: Build, workspace: Path) -> None:
    """A `json.py` in the user's folder is not imported by the host or the capability."""
    (workspace / "json.py").write_text("raise SystemExit('shadowed')\n")
    make(more=READS)

    result = await run(toolbox, {"a": 1}, workspace=workspace)

    assert result.outputs == {"a": 1}


async def test_project_packages_can_be_imported(
    make: Make, toolbox: Build, workspace: Path
) -> None:
    """What the workspace's own environment has installed is there, without its `.pth` files."""
    import sys

    minor = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = workspace / ".venv" / "lib" / minor / "site-packages"
    packages.mkdir(parents=True)
    (packages / "theirs.py").write_text("VALUE = 7\n")
    (packages / "bad.pth").write_text("import sys; sys.exit(3)\n")
    make(
        code="import theirs\nasync def execute(c, i):\n    return {'x': theirs.VALUE}\n", more=READS
    )

    result = await run(toolbox, workspace=workspace)

    assert result.outputs == {"x": 7}


async def test_unknown_name_offers_the_nearest(make: Make, toolbox: Build) -> None:
    """A typing error is answered with what was probably meant."""
    make()

    with pytest.raises(NotFound) as caught:
        toolbox().manifest("ecko")

    assert "echo" in caught.value.hint


VERIFY = """
async def execute(context, inputs):
    return {}

async def verify(context, inputs, key):
    return {"key": key} if (context.workspace / "a.txt").exists() else None
"""


async def test_verify_asks_the_workspace(make: Make, toolbox: Build, workspace: Path) -> None:
    """Reality answers: outputs when it was done, None when it was not."""
    make(code=VERIFY, more=WRITES, effect="verifiable")
    box = toolbox()

    done = await box.verify("echo", {}, workspace=workspace, key="k7")
    (workspace / "a.txt").unlink()
    not_done = await box.verify("echo", {}, workspace=workspace, key="k7")

    assert done == {"key": "k7"}
    assert not_done is None


async def test_verify_that_breaks_is_no_answer(make: Make, toolbox: Build, workspace: Path) -> None:
    """Not knowing is not the same as not done."""
    make(more=WRITES, effect="verifiable")

    with pytest.raises(Conflict, match="can't tell"):
        await toolbox().verify("echo", {}, workspace=workspace, key="k")


async def test_script_of_the_workspace_stays_executable(
    make: Make, toolbox: Build, workspace: Path
) -> None:
    """A user's program is one in the copy too."""
    (workspace / "tool").write_text("#!/bin/sh\necho mine\n")
    (workspace / "tool").chmod(0o755)
    make(
        code="""
        import os
        async def execute(context, inputs):
            return {name: os.access(name, os.X_OK) for name in ("tool", "a.txt")}
        """,
        more=READS,
    )

    result = await run(toolbox, workspace=workspace)

    assert result.outputs == {"tool": True, "a.txt": False}


async def test_environment_behind_a_link_is_not_opened(
    make: Make, toolbox: Build, workspace: Path, tmp_path: Path
) -> None:
    """A link in the workspace makes no other folder of the machine readable."""
    import sys

    minor = f"python{sys.version_info.major}.{sys.version_info.minor}"
    secret = tmp_path / "secret" / "lib" / minor / "site-packages"
    secret.mkdir(parents=True)
    (workspace / ".venv").symlink_to(tmp_path / "secret")
    make(
        code="async def execute(c, i):\n    return {'n': len(c.site_packages)}\n",
        more=READS,
    )

    result = await run(toolbox, workspace=workspace)

    assert result.outputs == {"n": 0}


async def test_answer_that_is_too_large_is_a_failure(make: Make, toolbox: Build) -> None:
    """The cap on the result channel holds, and half an answer is none."""
    make(
        code="async def execute(c, i):\n    return {'x': 'x' * 100_000}\n",
        more="[limits]\nresult_bytes = 2048\n",
    )

    result = await run(toolbox)

    assert result.failure is not None
    assert result.outputs == {}
