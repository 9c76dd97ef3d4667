"""What the ledger keeps of what people are told: by way and thing, whole or not at all, beside the audit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.errors import LedgerError
from agent.ledger.ledger import Ledger
from agent.model import Notice
from tests.unit.ledger.made import NOON, moved, of_shape, submission, taken

ONE = Notice("mail", "file:20261121-a", "Nothing was sent", "sign", NOON, NOON, NOON + 1, "told", NOON + 2)


def test_a_notice_comes_back_as_it_was_kept(ledger):
    """Every field, by way and thing; another way knows nothing of it."""
    ledger.note("mail", [ONE])
    assert ledger.notice("mail", ONE.about) == ONE
    assert ledger.notice("webhook", ONE.about) is None
    changed = replace(ONE, words="Held", owed_at=0.0, over_at=0.0)
    ledger.note("mail", [changed])
    assert ledger.notice("mail", ONE.about) == changed
    ledger.note("mail", [], gone=[ONE.about])
    assert ledger.notice("mail", ONE.about) is None


def test_what_is_owed_is_found_the_oldest_first(ledger):
    """What is not owed is left out, and what another way owes."""
    owed = [replace(ONE, about=f"file:{n}", owed_at=NOON - n) for n in range(3)]
    ledger.note("mail", [*owed, replace(ONE, about="file:none", owed_at=0.0)])
    ledger.note("webhook", [replace(ONE, way="webhook")])
    assert ledger.notices_owed("mail") == tuple(reversed(owed))
    assert ledger.notices_owed("mail", limit=1) == (owed[2],)


def test_what_lasts_is_found_without_the_files(ledger):
    """Faults that are over are left out; there are many files, and they are asked for one by one."""
    lasting = [
        replace(ONE, about=about, over_at=0.0) for about in ("destination:x", "dropped:s/a", "source:y")
    ]
    rest = [replace(ONE, over_at=0.0), replace(ONE, about="folder:z")]
    ledger.note("mail", [*lasting, *rest])
    assert ledger.notices_lasting("mail") == tuple(lasting)


def test_the_mark_and_the_notices_are_kept_together(ledger):
    """All or nothing: a notice that cannot be kept leaves the mark where it was."""
    assert ledger.notice_mark("mail") is None
    ledger.note("mail", [ONE], mark=7)
    assert ledger.notice_mark("mail") == 7
    with pytest.raises(LedgerError):
        ledger.note("mail", [replace(ONE, about="")], gone=[ONE.about], mark=9)
    assert (ledger.notice_mark("mail"), ledger.notice("mail", ONE.about)) == (7, ONE)


def test_the_audit_is_read_from_a_mark_on(ledger):
    """Lines behind it, the oldest first, so many at a time; notices are no part of the audit."""
    assert (ledger.audit_end(), ledger.audit_since(0)) == (0, ())
    for name in "abc":
        ledger.commit([taken(submission(name))], at=NOON)
    ledger.commit([moved(submission("a"), "broke")], at=NOON + 1)
    ledger.note("mail", [ONE], mark=2)
    assert ledger.audit_end() == 4
    assert [(line.seq, line.event) for line in ledger.audit_since(2)] == [(3, "taken"), (4, "broke")]
    assert [line.seq for line in ledger.audit_since(0, limit=2)] == [1, 2]
    assert ledger.verify_audit() == []


def test_a_ledger_without_notices_is_taken_over(path):
    """One that an agent before them has written; nothing in it is owed to anybody."""
    with of_shape(path, 2):
        pass
    with Ledger.open(path, must_exist=True) as ledger:
        assert (ledger.notices_owed("mail"), ledger.notice_mark("mail")) == ((), None)
        ledger.note("mail", [ONE], mark=0)
    with Ledger.open(path, must_exist=True) as again:
        assert again.notice("mail", ONE.about) == ONE
