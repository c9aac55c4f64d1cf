"""What the tests of the modification area share: a sample source and a quick way to an edit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from autoclave.domain.proposal import Edit, EditOperation
from autoclave.modification.targets import target_hash

SAMPLE = '''\
#!/usr/bin/env python3
"""A sample with comments in every corner."""

from __future__ import annotations

import os  # for paths

LIMIT = 10
low, high = 1, 2


# about add
def add(first, second: int = 2, *, scale=1):
    # inside
    text = """
keep
  this"""
    return (first + second) * scale  # the sum


class Shape:
    """A shape."""

    sides: int = 4

    # about area
    def area(self, width):
        return width * self.side()

    def side(self):
        def half():
            return self.sides / 2
        return half()

    if LIMIT > 5:
        def only(self): return 1


@staticmethod
def decorated(): pass
# the end
'''


@pytest.fixture
def sample() -> str:
    return SAMPLE


@pytest.fixture
def edit() -> Callable[..., Edit]:
    """An edit that carries the right hash unless another one is given."""

    def make(operation: str, text: str, target: str = "", source: str = "", **more: Any) -> Edit:
        given = more.pop("target_hash", None)
        return Edit(
            operation=EditOperation(operation),
            file="capabilities/sample/code.py",
            target=target,
            target_hash=target_hash(text, target) if given is None else given,
            source=source,
            **more,
        )

    return make
