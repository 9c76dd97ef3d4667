from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agent.stages.decide import Word, decide
from tests.house import Recording, feed

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.settings.models import Feed
    from agent.stages.decide import Verb
    from tests.house import House

PEOPLE = ("ann@example.net",)


def decided(house: House, verb: Verb, subject: str) -> None:
    """Have a person decide about a submission or batch."""
    decision = decide(house.ledger, house.settings, Word(verb, subject, "because", house.now))
    house.ledger.commit(decision.transitions, at=house.now, actor="ann")


@pytest.fixture
def telling(house_of: Callable[..., House]) -> Callable[..., House]:
    """Make a house with one way to tell people; fields of the way are given by name with `way_`."""

    def make(*feeds: Feed, **more: Any) -> House:
        how = {name.removeprefix("way_"): more.pop(name) for name in list(more) if name.startswith("way_")}
        return house_of(*(feeds or (feed(notify=PEOPLE),)), ways=(Recording(**how),), **more)

    return make
