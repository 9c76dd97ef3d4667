"""What tests of the whole agent ask for: installations that leave no process behind."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
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


@pytest.fixture
def dice() -> random.Random:
    """Throw dice that can be thrown again: with SEED=… the kills are aimed at the same moments."""
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**6))
    print(f"SEED={seed}")  # noqa: T201 - pytest shows it when the test fails
    return random.Random(seed)  # noqa: S311 - it only aims
