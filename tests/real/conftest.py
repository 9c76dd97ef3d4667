"""What tests of the whole agent ask for: installations that leave no process behind."""

from __future__ import annotations

import contextlib
import itertools
from typing import TYPE_CHECKING

import pytest

from tests.running import Installation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def install(tmp_path: Path) -> Iterator[Callable[..., Installation]]:
    """Make installations that deliver to a server; the arguments are those of `Installation`."""
    numbers = itertools.count()
    with contextlib.ExitStack() as stack:

        def made(server, **destination) -> Installation:
            one = Installation(tmp_path / f"installation-{next(numbers)}", server, **destination)
            stack.callback(one.end)
            return one

        yield made
