from __future__ import annotations

from dataclasses import replace
from threading import Thread

import pytest

from agent.errors import LedgerError
from tests.unit.ledger.made import NOON, batch, digest, moved, original, prepared, submission, taken

FILES = [submission(name, received_at=NOON + place) for place, name in enumerate("abcdef")]
A, B, C, D, E, F = FILES
OTHER_FEED = submission("g", feed="orders", received_at=NOON + 10)


@pytest.fixture
def full(ledger):
    """Make files in many states: a, b prepared, c rejected, d a duplicate, e closed, f received."""
    ledger.commit([taken(A), taken(B), taken(C), taken(D, "repeated"), taken(E), taken(F)], at=NOON)
    ledger.commit([taken(OTHER_FEED), moved(C, "rejected"), prepared(E), moved(E, "closed")], at=NOON)
    ledger.commit([prepared(A, batch(A, 1), batch(A, 2), batch(A, 3, destination="impact-mail"))], at=NOON)
    ledger.commit([prepared(B, batch(B, 1, created_at=NOON - 5))], at=NOON)
    return ledger


def ids(found):
    """Return the ids of submissions or batches."""
    return [one.id for one in found]


def test_submissions_come_by_time_of_receipt(full):
    """Oldest first, or newest first, over all states and over some."""
    assert ids([*FILES, OTHER_FEED]) == ids(full.submissions())
    assert ids([OTHER_FEED, F, E]) == ids(full.submissions(newest_first=True, limit=3))
    assert ids(full.submissions(None, "orders")) == [OTHER_FEED.id]
    assert ids([F, E]) == ids(full.submissions(None, "refunds", limit=2, newest_first=True))
    assert ids([A, B, F]) == ids(full.submissions(["PREPARED", "RECEIVED"], "refunds"))
    assert ids([OTHER_FEED, F]) == ids(full.submissions({"PREPARED", "RECEIVED"}, newest_first=True, limit=2))
    assert full.submissions([]) == ()


def test_batches_come_in_the_order_they_were_made(full):
    """Oldest first over several states, for one destination or all."""
    full.commit([moved(batch(A, 1), "started"), moved(batch(A, 1), "deferred", due_at=NOON + 60)], at=NOON)
    states = ["READY", "DEFERRED"]
    assert ids(full.batches(states)) == ["b1-b", "b1-a", "b2-a", "b3-a"]
    assert ids(full.batches(states, "impact-sftp")) == ["b1-b", "b1-a", "b2-a"]
    assert ids(full.batches(states, due_by=NOON + 59)) == ["b1-b", "b2-a", "b3-a"]
    assert ids(full.batches(states, due_by=NOON + 60, limit=2)) == ["b1-b", "b1-a"]


@pytest.mark.parametrize(("owner", "same"), [(A, True), (F, True), (E, True), (C, False), (D, False)])
def test_same_bytes_are_those_that_were_or_will_be_sent(full, owner, same):
    """A rejected file may come again; one on its way or done may not."""
    found = full.same_bytes("refunds", owner.sha256)
    assert (owner.id if same else None) == (found and found.id)


def test_same_bytes_are_the_earliest_and_of_this_feed(full):
    """The first of several, and none of another feed."""
    full.commit([taken(submission("z", sha256=A.sha256, received_at=NOON - 9))], at=NOON)
    assert full.same_bytes("refunds", A.sha256).id == "20261121-z"
    assert full.same_bytes("orders", A.sha256) is None


def test_a_file_that_came_back_is_known_by_fingerprint_and_bytes(full):
    """Both must be equal, as inodes are used again."""
    assert full.by_fingerprint("refunds", C.fingerprint, C.sha256).id == C.id
    assert full.by_fingerprint("refunds", C.fingerprint, A.sha256) is None
    assert full.by_fingerprint("refunds", "9:9:9:9", C.sha256) is None


def test_resolve_finds_the_one_meant(full):
    """A prefix that is unique, in any case; a whole id also where it begins another."""
    assert full.resolve("20261121-A ") == A.id
    assert full.resolve("b1-b") == "b1-b"
    longer = replace(submission("aa"), id=f"{A.id}x")
    full.commit([taken(longer)], at=NOON)
    assert full.resolve(A.id) == A.id


@pytest.mark.parametrize(
    ("text", "words"), [("b", "b1-a, b1-b, b2-a, b3-a"), ("zz", "no sub"), ("%", "no sub")]
)
def test_resolve_names_the_candidates(full, text, words):
    """What is not unique is told with its candidates."""
    with pytest.raises(LookupError, match=words):
        full.resolve(text)


def test_resolve_names_some_of_many(full):
    """A prefix of everything does not print everything."""
    full.commit([taken(submission(f"x{n}")) for n in range(20)], at=NOON)
    with pytest.raises(LookupError, match="and more") as caught:
        full.resolve("2026")
    assert len(str(caught.value)) < 300


def test_counts_are_by_kind_and_state(full):
    """Every submission and batch is counted once."""
    assert full.counts_by_state() == {
        ("submission", "PREPARED"): 2,
        ("submission", "REJECTED"): 1,
        ("submission", "DUPLICATE"): 1,
        ("submission", "CLOSED"): 1,
        ("submission", "RECEIVED"): 2,
        ("batch", "READY"): 4,
    }


def test_known_paths_are_all_that_is_named(full):
    """The spool asks what it may call an orphan."""
    full.commit([taken(submission("h"), papers=(original(A),))], at=NOON)
    batches = {f"spool/out/{name}" for name in ("b1-a", "b2-a", "b3-a", "b1-b")}
    assert batches | {f"spool/obj/{digest('a')}"} == full.known_paths()


def test_the_audit_gives_the_newest_lines_oldest_first(full):
    """A story is read from its beginning; a limit cuts the beginning off."""
    assert [line.event for line in full.audit([A.id, "b1-a"])] == ["taken", "prepared", "written"]
    assert [line.event for line in full.audit([A.id, "b1-a"], limit=2)] == ["prepared", "written"]
    assert [line.subject for line in full.audit(limit=2)] == [B.id, "b1-b"]
    assert sorted(line.seq for line in full.audit()) == [line.seq for line in full.audit()]


def test_several_threads_use_one_ledger(ledger):
    """Writers and readers in one process wait for each other; nothing is lost or half seen."""
    seen = []

    def write(letter):
        for number in range(20):
            owner = submission(f"{letter}{number}")
            ledger.commit([taken(owner), prepared(owner, batch(owner))], at=NOON)
            counts = ledger.counts_by_state()
            seen.append(counts["submission", "PREPARED"] == counts["batch", "READY"])

    threads = [Thread(target=write, args=(letter,)) for letter in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [True] * 80
    assert ledger.counts_by_state() == {("submission", "PREPARED"): 80, ("batch", "READY"): 80}
    assert ledger.verify_audit() == []


def test_a_closed_ledger_answers_nothing(ledger):
    """After closing, every question and wish is refused in plain words; closing twice is fine."""
    ledger.close()
    ledger.close()
    with pytest.raises(LedgerError, match="was closed"):
        ledger.submission(A.id)
    with pytest.raises(LedgerError, match="was closed"):
        ledger.commit([taken(A)], at=NOON)


def test_a_folder_is_told_of_what_waits_and_of_the_end(full):
    """Batches on their way are no news; one that comes to wait for a person is, and so is the end of all."""

    def step(event, number, at, **told):
        wish = moved(batch(A, number), event) if number else moved(A, event, **told)
        full.commit([wish], at=NOON + at)
        return ids(full.to_tell())

    assert full.to_tell() == ()
    assert step("started", 1, 1) == []
    assert step("held", 1, 2) == [A.id]
    assert step("told", 0, 3, told_at=NOON + 2) == []
    assert step("released", 1, 4) == []
    assert step("started", 1, 5) == []
    assert step("in-doubt", 1, 6) == [A.id]
    assert step("found", 1, 7) == [A.id]
    assert step("told", 0, 8, told_at=NOON + 7) == []
    assert [step("cancelled", number, 9) for number in (2, 3)] == [[], [A.id]]
    assert step("closed", 0, 10, told_at=NOON + 10) == []


def test_what_needed_no_batch_can_be_closed_at_once(full):
    """A file of which nothing is to be sent is closed like any other."""
    full.commit([prepared(F)], at=NOON)
    assert ids(full.to_tell(limit=1)) == [F.id]
