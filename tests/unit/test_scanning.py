"""Which folders are looked into, and what happens to them when the settings change."""

from __future__ import annotations

import pytest

from agent.scanning import Scanner
from tests.house import feed, source


@pytest.fixture
def scanner_of(house_of):
    """Make a house of feeds, and a scanner for it."""
    made = []

    def make(*feeds):
        house = house_of(*feeds)
        alive: list[int] = []
        made.append(Scanner(house.engine, lambda: alive.append(1)))
        return house, made[-1], alive

    yield make
    for scanner in made:
        scanner.close()


def change(house, scanner, *feeds):
    """Have other feeds in the settings."""
    settings = house.engine.context.settings.model_copy(update={"feeds": {each.name: each for each in feeds}})
    house.engine.take_over(settings)
    scanner.take_over()


def names(house):
    """Return feed and name of all that was taken, in order."""
    return [(one.feed, one.name) for one in house.ledger.submissions(limit=100)]


def test_every_feed_is_looked_into(scanner_of):
    """One pass takes what settled in each folder; the scan is alive in between."""
    house, scanner, alive = scanner_of(feed("shop"), feed("other"))
    house.put("a.csv", source("A"))
    house.put("b.csv", source("B"), "other")
    scanner.scan()
    assert sorted(names(house)) == [("other", "b.csv"), ("shop", "a.csv")]
    assert scanner.unsettled == 0
    assert len(alive) >= 4  # before each folder, and while each file was copied


def test_a_new_feed_is_looked_into_and_one_that_is_gone_is_not(scanner_of):
    """The folders of the new one are made; files of the other one stay where they are."""
    house, scanner, _ = scanner_of(feed("shop"))
    change(house, scanner, feed("other"))
    assert scanner.folders == [house.drop("other")]
    assert (house.drop("other") / "attention").is_dir()
    left = house.put("a.csv", source("A"))
    house.put("b.csv", source("B"), "other")
    scanner.scan()
    assert names(house) == [("other", "b.csv")]
    assert left.exists()


def test_a_feed_that_did_not_change_goes_on_as_it_is(scanner_of):
    """A file that has begun to settle settles; only of the feed that changed the waiting begins anew."""
    house, scanner, _ = scanner_of(feed("shop"), feed("other"))
    kept = scanner._intakes["shop"][1]
    changed = scanner._intakes["other"][1]
    change(house, scanner, feed("shop"), feed("other", pattern=("*.txt",)))
    assert scanner._intakes["shop"][1] is kept
    assert scanner._intakes["other"][1] is not changed
    house.put("a.csv", source("A"), "other")
    house.put("a.txt", source("B"), "other")
    scanner.scan()
    assert names(house) == [("other", "a.txt")]


def test_what_was_taken_for_a_feed_that_is_gone_is_told(scanner_of):
    """Rejected, for nobody can prepare it; nothing stays without a word."""
    house, scanner, _ = scanner_of(feed("shop"))
    house.put("a.csv", source("A"))
    scanner.scan()
    change(house, scanner)
    house.drain()
    assert [one.state for one in house.ledger.submissions(limit=10)] == ["REJECTED"]
    assert set(house.told("attention")) == {"a.csv"}
