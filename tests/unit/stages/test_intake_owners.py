"""Row 15 of the catalogue of bad inputs: whose files a feed takes, with real owners and modes."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING, Any

import pytest

from tests.dropping import NOBODY, ROOT, Drop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SELF = os.geteuid()
LOGIN = pwd.getpwuid(SELF).pw_name
OTHER = str(SELF + 4321)


@pytest.fixture
def drop_of(tmp_path) -> Iterator[Callable[..., Drop]]:
    """Make a drop folder of a feed with these settings."""
    made: list[Drop] = []

    def make(**fields: Any) -> Drop:
        made.append(Drop(tmp_path, **fields))
        return made[-1]

    yield make
    for drop in made:
        drop.stop()


def codes(drop: Drop) -> list[str]:
    """Return what was found in each submission, oldest first."""
    found = drop.ledger.submissions()
    return [group.code for one in found for group in drop.ledger.groups(one.id)]


def test_row_15_a_file_of_another_owner_is_set_aside_unread(drop_of):
    """It is said whose it is and whose would do; not one byte of it is kept."""
    drop = drop_of(owners=(OTHER, "daemon"))
    drop.put("a.csv")
    drop.settle()
    (found,) = drop.ledger.submissions()
    assert (found.state, found.sha256, codes(drop)) == ("QUARANTINED", "", ["Q-OWNER"])
    assert found.reason == f"a.csv belongs to {LOGIN}; feed shop takes files of {OTHER}, daemon"
    assert (drop.left(), drop.working()) == ([], [f"{found.id}--a.csv"])
    assert list((drop.root / "state" / "spool" / "obj").iterdir()) == []


@pytest.mark.parametrize("owners", [(LOGIN,), (str(SELF),), (OTHER, LOGIN), ()])
def test_a_file_of_an_owner_that_is_named_is_taken(drop_of, owners):
    """By name or number; where nobody is named, anybody's."""
    drop = drop_of(owners=owners)
    drop.put("a.csv")
    drop.settle()
    assert drop.states == {"RECEIVED": ["a.csv"]}


@pytest.mark.skipif(not ROOT, reason="only root may give files away")
def test_files_are_told_apart_by_their_owner(drop_of):
    """Also one without a name; the others go on."""
    drop = drop_of(owners=(str(NOBODY),))
    os.chown(drop.put("good.csv", b"1"), NOBODY, NOBODY)
    os.chown(drop.put("bad.csv", b"2"), 54321, NOBODY)
    drop.settle()
    assert drop.states == {"QUARANTINED": ["bad.csv"], "RECEIVED": ["good.csv"]}
    assert "belongs to user 54321" in drop.ledger.submissions(["QUARANTINED"])[0].reason


def test_row_15_what_everybody_may_write_to_is_set_aside_unread(drop_of):
    """The mode is named; a group may write to a file."""
    drop = drop_of(world_writable="refuse")
    for name, mode in (("bad.csv", 0o666), ("worse.csv", 0o602), ("group.csv", 0o664), ("own.csv", 0o600)):
        drop.put(name, name.encode()).chmod(mode)
    drop.settle()
    assert drop.states == {"QUARANTINED": ["bad.csv", "worse.csv"], "RECEIVED": ["group.csv", "own.csv"]}
    assert codes(drop) == ["Q-OWNER", "Q-OWNER"]
    assert "mode 0666" in drop.ledger.submissions(["QUARANTINED"])[0].reason


def test_who_sets_nothing_is_asked_for_nothing(drop_of):
    """Files of anybody and of every mode are taken as ever."""
    drop = drop_of()
    drop.put("a.csv").chmod(0o666)
    drop.settle()
    assert drop.states == {"RECEIVED": ["a.csv"]}


def test_a_file_that_is_opened_to_everybody_while_it_is_copied_is_not_taken_so(drop_of):
    """What was copied is thrown away; when it has settled again, it is judged as it is then."""
    drop = drop_of(world_writable="refuse")
    path = drop.put("a.csv")
    path.chmod(0o600)
    drop.spool.alive = lambda: path.chmod(0o666)
    drop.settle()
    assert drop.states == {}
    drop.spool.alive = lambda: None
    drop.settle()
    drop.settle()
    assert (drop.states, codes(drop)) == ({"QUARANTINED": ["a.csv"]}, ["Q-OWNER"])


def test_a_file_set_aside_is_known_again_after_a_crash(drop_of):
    """It is not recorded twice."""
    drop = drop_of(owners=(OTHER,))
    path = drop.put("a.csv")
    drop.settle()
    (drop.folder / "working" / drop.working()[0]).rename(path)
    drop.stop()
    drop.start()
    drop.settle()
    assert drop.names == {"a.csv": 1}
    assert drop.left() == []
