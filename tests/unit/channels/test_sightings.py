"""What is found under a parcel's names says about it: one table for every far side that keeps files."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.channels.base import Parcel
from agent.channels.failures import UnclearError
from agent.channels.sightings import (
    Presence,
    attempts,
    of_content,
    of_nothing,
    of_size,
    proof,
    taken_as,
    temporary_name,
)

LARGE = 65 * 2**20


def parcel(size: int = 3) -> Parcel:
    """Make one of this size."""
    return Parcel("b" * 20, "shop_1.csv", Path("/nowhere"), size, "f" * 64, 1)


@pytest.mark.parametrize(
    ("wanted", "size", "found"), [(3, 2, None), (3, 4, None), (LARGE, LARGE, True), (LARGE, 3, None)]
)
def test_the_size_decides_where_it_can(wanted, size, found):
    """Another one is no proof of anything; of a large file it has to do."""
    assert of_size(parcel(wanted), size).found is found


def test_else_the_content_decides():
    """Equal, unreadable, another one."""
    assert of_size(parcel(), 3) is None
    assert [of_content(parcel(), sha256).found for sha256 in ("f" * 64, None, "0" * 64, "")] == [
        True,
        True,
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("presence", "swept", "found"),
    [
        (Presence.HIDDEN, False, None),
        (Presence.HIDDEN, True, None),
        (Presence.ABSENT, True, None),
        (Presence.ABSENT, False, False),
    ],
)
def test_what_is_missing_was_not_sent_only_where_nothing_is_taken_away(presence, swept, found):
    """And where it may be looked."""
    assert of_nothing(presence, swept=swept).found is found


@pytest.mark.parametrize(
    ("presence", "swept", "how"),
    [
        (3, False, "verified"),
        (Presence.HIDDEN, False, "accepted"),
        (Presence.ABSENT, True, "swept"),
        (Presence.ABSENT, False, ""),
        (2, True, ""),
    ],
)
def test_how_well_a_delivery_is_proved(presence, swept, how):
    """What contradicts it is a doubt, not a success."""
    if how:
        assert proof(parcel(), presence, swept=swept)[0] == how
    else:
        with pytest.raises(UnclearError):
            proof(parcel(), presence, swept=swept)


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("shop_1.csv", True),
        ("20260101-shop_1.csv.done", True),
        (".shop_1.csv.1.part", False),
        ("shop_2.csv", False),
    ],
)
def test_what_was_taken_on_its_way_proves_nothing(name, ours):
    """A server that takes away whatever comes may have taken the temporary file."""
    assert taken_as(parcel(), name) is ours
    assert not taken_as(parcel(), temporary_name(parcel(), 2))


def test_old_temporary_files_are_not_sought_for_ever():
    """The first attempt's, and those of more than a day."""
    assert attempts(1, 0) == []
    assert attempts(0, 3) == [0, 1, 2, 3]
    assert attempts(1, 1000)[:2] == [1, 872]
    assert attempts(1, 1000)[-1] == 1000
