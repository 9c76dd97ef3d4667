"""What several unit tests ask for by name: an agent's inside, and what it says."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent import log
from agent.settings.models import Limits
from agent.workers import Workers
from tests.house import House

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.settings.models import Feed


@pytest.fixture(scope="session")
def workers() -> Iterator[Workers]:
    """Start one preparing process for all tests that do nothing to it."""
    made = Workers(Limits())
    yield made
    made.close()


@pytest.fixture
def memory_path(tmp_path: Path) -> Iterator[Path]:
    """Make a folder that is quick to sync, where the system has such a place."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own in it
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else tmp_path) as folder:
        yield Path(folder)


@pytest.fixture
def house_of(memory_path: Path, workers: Workers) -> Iterator[Callable[..., House]]:
    """Make an agent's inside; the arguments are those of `House`."""
    made: list[House] = []

    def make(*feeds: Feed, workers: Workers = workers, **destination: Any) -> House:
        made.append(House(memory_path, *feeds, workers=workers, **destination))
        return made[-1]

    yield make
    for house in made:
        house.stop()


@pytest.fixture
def said(tmp_path: Path) -> Iterator[Callable[..., list[dict[str, Any]]]]:
    """Return what was logged since the test began, all of it or one event's lines."""
    path = tmp_path / "log"
    with path.open("w", encoding="utf-8") as stream:
        log.configure(stream=stream, as_json=True)

        def lines(event: str = "") -> list[dict[str, Any]]:
            stream.flush()
            found = map(json.loads, path.read_text(encoding="utf-8").splitlines())
            return [line for line in found if event in {"", line["event"]}]

        yield lines
    log.structlog.reset_defaults()
