from __future__ import annotations

import re
import sqlite3
from contextlib import closing

import pytest

from agent.ledger.ledger import Ledger
from tests.unit.ledger.made import NOON, batch, moved, prepared, submission, taken


@pytest.fixture
def kept(path):
    """Leave a ledger with ten audit lines, closed."""
    with Ledger.open(path, must_exist=False) as ledger:
        for name in "ab":
            owner = submission(name)
            ledger.commit([taken(owner, note="first\nsecond")], at=NOON + 0.1)
            ledger.commit([prepared(owner, batch(owner))], at=NOON + 0.2)
            sent = [moved(batch(owner), "started"), moved(batch(owner), "sent")]
            ledger.commit(sent, at=NOON + 0.3, actor="Zoë")
    return path


def verified(path, *statements):
    """Change the ledger by hand, then ask it what is wrong."""
    with closing(sqlite3.connect(path)) as hand:
        for statement in statements:
            hand.execute(statement)
        hand.commit()
    with Ledger.open(path, must_exist=True) as ledger:
        return ledger.verify_audit()


def test_an_untouched_audit_verifies(kept):
    """Each line follows from the one before, and each state from its last line."""
    assert verified(kept) == []


@pytest.mark.parametrize("column", ["at", "actor", "subject", "event", "state_before", "state_after", "note"])
def test_an_altered_line_is_named(kept, column):
    """Whatever part of a line is changed, that line is the first named."""
    value = "0.5" if column == "at" else "'x'"
    found = verified(kept, f"UPDATE audit SET {column} = {value} WHERE seq = 4")  # noqa: S608 - constants
    assert re.match(r"audit line 4 .*was altered", found[0])


def test_an_altered_line_with_a_hash_of_its_own_is_named(kept):
    """A forger who seals the line anew breaks the next."""
    found = verified(kept, f"UPDATE audit SET hash = '{'0' * 64}' WHERE seq = 4")  # noqa: S608 - constants
    assert [line[:12] for line in found[:2]] == ["audit line 4", "audit line 5"]


def test_a_removed_line_is_named(kept):
    """Also where the lines behind it close the gap."""
    assert verified(kept, "DELETE FROM audit WHERE seq = 4")[0] == "audit line 4 is missing"
    closed = verified(kept, *(f"UPDATE audit SET seq = {n - 1} WHERE seq = {n}" for n in range(5, 9)))  # noqa: S608 - constants
    assert closed[0].startswith("audit line 4 ")


def test_reordered_lines_are_named(kept):
    """Lines that changed places stand out."""
    swap = ("UPDATE audit SET seq = 99 WHERE seq = 3", "UPDATE audit SET seq = 3 WHERE seq = 5")
    found = verified(kept, *swap, "UPDATE audit SET seq = 5 WHERE seq = 99")
    assert found[0].startswith("audit line 3 ")


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE batch SET state = 'READY' WHERE id = 'b1-a'", "b1-a is READY, but the audit left it SENT"),
        ("DELETE FROM batch WHERE id = 'b1-b'", "b1-b is gone, but the audit left it SENT"),
        ("UPDATE batch SET id = 'b7-a' WHERE id = 'b1-a'", "b7-a is SENT, but the audit left it unmentioned"),
    ],
)
def test_a_state_changed_by_hand_is_named(kept, statement, words):
    """The ledger's states are those its audit tells of."""
    assert words in verified(kept, statement)


def test_many_problems_are_told_up_to_a_limit(kept):
    """A wholly broken audit does not fill the screen."""
    assert 8 <= len(verified(kept, "UPDATE audit SET note = 'x'")) <= 20


def test_every_transition_has_one_line(kept):
    """One line per transition and per new batch, numbered without a gap."""
    with Ledger.open(kept, must_exist=True) as ledger:
        lines = ledger.audit()
    assert list(range(1, 11)) == [line.seq for line in lines]
    assert [line.event for line in lines] == ["taken", "prepared", "written", "started", "sent"] * 2
    assert (lines[-1].actor, lines[-1].at) == ("Zoë", NOON + 0.3)
