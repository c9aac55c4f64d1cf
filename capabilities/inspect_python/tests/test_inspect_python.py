"""Outlines of real and broken projects."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from inspect_python.code import execute


def inspect(context: Any, **inputs: Any) -> dict[str, Any]:
    outline: dict[str, Any] = asyncio.run(execute(context, inputs))["outline"]
    return outline


def write(context: Any, path: str, text: str | bytes) -> None:
    (context.workspace / path).parent.mkdir(parents=True, exist_ok=True)
    data = text.encode() if isinstance(text, str) else text
    (context.workspace / path).write_bytes(data)


def test_package_below_src_has_its_import_name(context: Any) -> None:
    """`src` is a place, not a package."""
    write(context, "src/shop/__init__.py", "")
    write(context, "src/shop/parts/__init__.py", "")

    assert inspect(context)["packages"] == ["shop", "shop.parts"]


def test_tests_are_listed_as_pytest_names_them(context: Any) -> None:
    """Functions and methods of classes, helpers left out."""
    write(
        context,
        "tests/test_a.py",
        "def helper(): ...\nasync def test_x(): ...\nclass TestB:\n    def test_y(self): ...\n",
    )

    assert inspect(context)["tests"] == [
        {"path": "tests/test_a.py", "names": ["test_x", "TestB::test_y"]}
    ]


def test_programs_are_entry_points(context: Any) -> None:
    """A file that can be started is found without any declaration."""
    write(context, "tool.py", "if '__main__' == __name__:\n    print(1)\n")
    write(context, "app/__main__.py", "")

    assert [point["name"] for point in inspect(context)["entry_points"]] == [
        "tool.py",
        "app/__main__.py",
    ]


@pytest.mark.parametrize(
    "source", ["def f(:\n", b"x = '\xff'\n", "x = 1\0\n", "(" * 2_000 + ")" * 2_000]
)
def test_broken_file_is_listed_and_the_rest_goes_on(context: Any, source: str | bytes) -> None:
    """One bad file hides no other."""
    write(context, "bad.py", source)
    write(context, "good.py", "def f(): ...\n")

    outline = inspect(context)

    assert [error["path"] for error in outline["syntax_errors"]] == ["bad.py"]
    assert outline["syntax_errors"][0]["message"]
    assert [module["path"] for module in outline["modules"]] == ["good.py"]


def test_broken_project_file_is_no_obstacle(context: Any) -> None:
    """The code can be outlined without it."""
    write(context, "pyproject.toml", "[project\n")

    assert inspect(context)["entry_points"] == []


def test_nothing_is_imported(context: Any) -> None:
    """Code with effects at import is only read."""
    write(context, "evil.py", "raise SystemExit('ran')\n")

    assert len(inspect(context)["modules"]) == 1


@pytest.mark.parametrize(("folder", "why"), [("a.py", "is a file"), ("nope", "does not exist")])
def test_folder_must_be_one(context: Any, folder: str, why: str) -> None:
    """What is wrong with the folder is said."""
    write(context, "a.py", "")

    with pytest.raises(NotADirectoryError, match=why):
        inspect(context, folder=folder)


def test_large_projects_are_cut(context: Any) -> None:
    """The outline says that there is more."""
    for number in range(3):
        write(context, f"m{number}.py", "")

    outline = inspect(context, most=2)

    assert (len(outline["modules"]), outline["truncated"]) == (2, True)
