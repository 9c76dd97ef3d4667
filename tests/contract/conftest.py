"""Puts every promise before every far side whose kind of channel can keep it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.rigs import RIGS, Able, Rig

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.channels.base import Channel


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line("markers", "needs(*able): asked only of channels that can do all of these")
    config.addinivalue_line("markers", "lacks(*able): asked only of channels that can do none of these")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Ask a test of the rigs that can do what it needs; there is always one."""
    if "rig" not in metafunc.fixturenames:
        return
    needed, unwanted = (_abilities(metafunc.definition, mark) for mark in ("needs", "lacks"))
    fitting = [rig for rig in RIGS if needed <= rig.can and not unwanted & rig.can]
    assert fitting, f"no far side is able to do what {metafunc.definition.nodeid} asks"
    metafunc.parametrize("rig", fitting, indirect=True, ids=lambda rig: rig.__name__)


def _abilities(test: pytest.Item, mark: str) -> set[Able]:
    return {Able(able) for found in test.iter_markers(mark) for able in found.args}


@pytest.fixture
def rig(request: pytest.FixtureRequest) -> Rig:
    """Each far side there is."""
    return request.param.made(request.getfixturevalue)


@pytest.fixture
def channel(rig: Rig) -> Iterator[Channel]:
    """A channel to the far side."""
    made = rig.channel()
    yield made
    made.close()
