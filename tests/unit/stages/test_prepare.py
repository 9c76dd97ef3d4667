from __future__ import annotations

import csv
import io
import os

import pytest

from agent.errors import SpoolError
from agent.model import Counts
from agent.settings.models import BadRows, Limits
from agent.spool import NoRoomError
from agent.stages.decide import Word, decide
from agent.stages.prepare import prepare
from agent.workers import NoWorkerError, Workers
from tests.house import feed, source
from tests.workbooks import xlsx

BATCH_HEADER = "ActionID,Oid,ActionTrackerID,SKU,Amount,Quantity,Category,Reason\r\n"


def prepared(house, submission):
    """Prepare a submission; return it as it is then."""
    house.ledger.commit([prepare(house.context, submission.id)], at=house.now)
    return house.submission(submission.id)


def content(house, batch):
    """Return the bytes of a batch as they lie in the spool."""
    return house.spool.verify(batch.path, batch.sha256).read_bytes()


def paper(house, submission, kind):
    """Return a paper of the submission's latest generation, None when it has none."""
    found = [one for one in house.ledger.papers(submission.id) if one.kind == kind]
    return house.spool.verify(found[-1].path, found[-1].sha256).read_text() if found else None


def codes(house, submission):
    """Return the codes found, with their number."""
    return {group.code: group.count for group in house.ledger.groups(submission.id)}


def test_a_good_file_becomes_batches_that_are_ready(house_of):
    """Bytes in the spool under their digest, counts that balance, a name with the day it came."""
    house = house_of()
    submission = prepared(house, house.taken("refunds.csv", source("A", "B")))
    (batch,) = house.batches(submission)
    assert (submission.state, submission.reason) == ("PREPARED", "")
    assert submission.counts == Counts(records=2, sent=2, rows=2, orders=2)
    rows = "".join(f",{order},16027,RED-1,0,0,,ITEM_RETURNED\r\n" for order in "AB")
    assert content(house, batch).decode() == BATCH_HEADER + rows
    assert (batch.state, batch.number, batch.rows, batch.tries) == ("READY", 1, 2, 0)
    assert paper(house, submission, "findings") is None  # nothing found, nothing kept
    assert batch.name == f"shop_20270115_{batch.id}.csv"
    assert list((house.root / "state" / "spool" / "tmp").iterdir()) == []


def test_many_rows_become_several_batches(house_of):
    """As many as the feed's max_rows asks for, or the destination's where that is less."""
    house = house_of(feed(max_rows=3), max_rows=2)
    submission = prepared(house, house.taken("refunds.csv", source("A", "B", "C", "D", "E")))
    assert [(batch.number, batch.rows) for batch in house.batches(submission)] == [(1, 2), (2, 2), (3, 1)]
    assert len({batch.id for batch in house.batches(submission)}) == 3


def test_a_destination_that_takes_small_files_gets_several(house_of):
    """None is larger than its max_size, and together they hold what one would."""
    house = house_of(max_size=150)
    submission = prepared(house, house.taken("refunds.csv", source(*"ABCDE")))
    texts = [content(house, batch).decode() for batch in house.batches(submission)]
    assert [batch.size for batch in house.batches(submission)] == [len(text) for text in texts]
    assert len(texts) > 1
    assert max(map(len, texts)) <= 150
    rows = [row for text in texts for row in text.removeprefix(BATCH_HEADER).splitlines()]
    assert rows == [f",{order},16027,RED-1,0,0,,ITEM_RETURNED" for order in "ABCDE"]


def test_split_sends_the_good_and_gives_the_bad_back(house_of):
    """The rejects file holds the bad record with its reason, and only that."""
    house = house_of(feed(bad_rows=BadRows(policy="split", at_most=0.5)))
    submission = prepared(house, house.taken("refunds.csv", source("A", "B", "C", bad=("B",))))
    (batch,) = house.batches(submission)
    assert (submission.state, batch.state, batch.rows) == ("PREPARED", "READY", 2)
    assert submission.counts.kept_back == 1
    (row,) = csv.DictReader(io.StringIO(paper(house, submission, "rejects")))
    assert (row["Oid"], row["Reason"]) == ("B", "BECAUSE")
    assert codes(house, submission)["E-REASON"] == 1


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (BadRows(policy="split", at_most=0.3), "more than the 30% this feed allows; nothing was sent"),
        (BadRows(policy="refuse-file"), "this feed sends a file only when it is whole"),
    ],
)
def test_a_file_with_too_many_mistakes_comes_back_whole(house_of, policy, words):
    """REJECTED without a batch; the rejects file holds every record, so that all may be dropped again."""
    house = house_of(feed(bad_rows=policy))
    submission = prepared(house, house.taken("refunds.csv", source("A", "B", "C", bad=("B",))))
    assert (submission.state, house.batches(submission)) == ("REJECTED", [])
    assert words in submission.reason
    rejects = csv.DictReader(io.StringIO(paper(house, submission, "rejects")))
    assert [row["Oid"] for row in rejects] == ["A", "B", "C"]
    assert submission.counts.balanced
    assert (submission.counts.sent, submission.counts.kept_back) == (0, 3)


def test_hold_leaves_the_decision_to_a_person(house_of):
    """The good rows wait as a HELD batch with the reason."""
    house = house_of(feed(bad_rows=BadRows(policy="hold")))
    submission = prepared(house, house.taken("refunds.csv", source("A", "B", bad=("B",))))
    (batch,) = house.batches(submission)
    assert (submission.state, batch.state) == ("PREPARED", "HELD")
    assert "a person decides" in batch.reason


def test_hold_without_a_mistake_sends(house_of):
    """Nothing to decide."""
    house = house_of(feed(bad_rows=BadRows(policy="hold")))
    submission = prepared(house, house.taken("refunds.csv", source("A")))
    assert [batch.state for batch in house.batches(submission)] == ["READY"]


def test_a_file_that_cannot_be_read_is_refused_with_its_findings(house_of):
    """REJECTED, the finding kept, no batch."""
    house = house_of()
    submission = prepared(house, house.taken("refunds.csv", source("A") + b'16027,"B,RED-1,0,0,OTHER\n'))
    assert submission.state == "REJECTED"
    assert codes(house, submission) == {"E-QUOTE": 1}
    assert '"E-QUOTE"' in paper(house, submission, "findings")


def test_a_file_that_is_unsafe_is_set_aside(house_of):
    """QUARANTINED, not given back to be mended: nobody sends such a file by mistake."""
    house = house_of()
    content = b'<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/passwd">]><r><o><Oid>&e;</Oid></o></r>'
    submission = prepared(house, house.taken("refunds.csv", content))
    assert (submission.state, codes(house, submission)) == ("QUARANTINED", {"Q-DTD": 1})
    assert "document type" in submission.reason
    assert house.batches(submission) == []


def test_a_workbook_is_prepared_within_the_limits_of_the_child(house_of):
    """The same rows as text; what is kept back comes back as a workbook."""
    house = house_of(feed(bad_rows=BadRows(at_most=1.0)))
    rows = list(csv.reader(io.StringIO(source("A", "B").decode())))
    rows[2][-1] = "no reason at all"
    submission = prepared(house, house.taken("refunds.csv", xlsx(("Refunds", rows))))
    (batch,) = house.batches(submission)
    assert content(house, batch).decode().splitlines()[1:] == [",A,16027,RED-1,0,0,,ITEM_RETURNED"]
    rejects = [one for one in house.ledger.papers(submission.id) if one.kind == "rejects"]
    assert house.spool.verify(rejects[-1].path, rejects[-1].sha256).read_bytes().startswith(b"PK")
    assert '"place": "Refunds!F3"' in paper(house, submission, "findings")


def test_a_file_with_nothing_to_send_is_prepared_without_a_batch(house_of):
    """Only a header, or all passed over: no mistake, and nothing goes out."""
    house = house_of(feed(template="online-retail-returns.csv.j2", headers="as-written",
                          variables={"action_tracker_id": "16027"}))  # fmt: skip
    header = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
    sale = "536365,85123A,LIGHT,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n"
    submission = prepared(house, house.taken("sales.csv", f"{header}{sale}".encode()))
    assert (submission.state, house.batches(submission)) == ("PREPARED", [])
    assert submission.counts == Counts(records=1, skipped=1)


def test_the_same_bytes_released_make_new_batches(house_of):
    """Every generation has its own ids and names: the far side may ignore a name that it knows."""
    house = house_of()
    first = prepared(house, house.taken("refunds.csv", source("A")))
    ids = [batch.id for batch in house.batches(first)]
    for name in ("again.csv", "once-more.csv"):
        repeated = house.taken(name, source("A"))
        assert repeated.state == "DUPLICATE"
        word = Word("release", repeated.id, "on purpose", house.now)
        house.ledger.commit(decide(house.ledger, house.settings, word).transitions, at=house.now)
        released = prepared(house, repeated)
        assert (released.state, released.generation) == ("PREPARED", 1)
        ids += [batch.id for batch in house.batches(released)]
    assert len(set(ids)) == 3


def test_where_a_feed_allows_the_same_bytes_they_make_batches_of_their_own(house_of):
    """A second drop is a second delivery; both can be told apart at the other end."""
    house = house_of(feed(allow_duplicates=True))
    both = [prepared(house, house.taken(name, source("A"))) for name in ("a.csv", "b.csv")]
    first, second = (house.batches(one)[0] for one in both)
    assert first.id != second.id
    assert first.name != second.name
    assert content(house, first) == content(house, second)


def test_prepared_again_after_a_crash_it_is_the_same_batch(house_of):
    """Everything was on disk, the ledger not told: the same id, the same bytes."""
    house = house_of()
    submission = house.taken("refunds.csv", source("A"))
    lost = prepare(house.context, submission.id).new_batches
    kept = prepare(house.context, submission.id).new_batches
    assert [(one.id, one.path, one.sha256) for one in lost] == [
        (one.id, one.path, one.sha256) for one in kept
    ]


def test_a_table_that_changes_makes_other_batches(house_of):
    """Its entries are part of what a batch is made of: the same file under another table is another batch."""
    house = house_of(feed(template="mine.csv.j2", tables={"brands": "brands.csv"}))
    templates = house.settings.folder / "templates"
    templates.mkdir()
    row = '{{ row.Oid }},{{ row.ActionTrackerID }},{{ row.SKU }},0,0,{{ row.SKU | lookup("brands") }},OTHER'
    head = "Oid,ActionTrackerID,SKU,Amount,Quantity,Category,Reason"
    loop = f"{head}\n{{% for row in rows %}}\n{row}\n{{% endfor %}}\n"
    (templates / "mine.csv.j2").write_text(loop)
    submission = house.taken("refunds.csv", source("A"))
    made = []
    for brand in ("Acme", "Apex", "Acme"):
        (templates / "brands.csv").write_text(f"SKU,brand\nRED-1,{brand}\n")
        (batch,) = prepare(house.context, submission.id).new_batches
        assert f",{brand},".encode() in content(house, batch)
        made.append(batch.id)
    assert made[0] == made[2] != made[1]


def test_a_file_that_breaks_the_worker_is_tried_twice(house_of):
    """Then QUARANTINED with what happened; the first time it only waits."""
    weak = Workers(Limits(output=200))
    house = house_of(workers=weak)
    submission = prepared(house, house.taken("refunds.csv", source(*map(str, range(500)))))
    assert (submission.state, submission.tries) == ("RECEIVED", 1)
    submission = prepared(house, submission)
    assert (submission.state, submission.tries) == ("QUARANTINED", 2)
    assert submission.reason.startswith("preparing this file broke the agent's worker 2 times")
    assert codes(house, submission) == {"Q-BROKE": 1}
    assert list((house.root / "state" / "spool" / "tmp").iterdir()) == []
    weak.close()


def test_a_full_disk_is_not_the_files_fault(house_of, monkeypatch):
    """Where the file system says that it has no room, it was that which broke the worker."""
    full = os.statvfs("/proc")  # it has no room at all
    monkeypatch.setattr("os.statvfs", lambda _: full)
    weak = Workers(Limits(output=200))
    house = house_of(workers=weak)
    submission = house.taken("refunds.csv", source(*map(str, range(500))))
    with pytest.raises(NoRoomError):
        prepare(house.context, submission.id)
    weak.close()


def test_without_a_process_to_prepare_in_no_file_is_blamed(house_of, monkeypatch):
    """The machine or the installation is at fault; the file stays where it is."""
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    house = house_of(workers=Workers(Limits()))
    submission = house.taken("refunds.csv", source("A"))
    with pytest.raises(NoWorkerError):
        prepare(house.context, submission.id)
    assert house.submission(submission.id).tries == 0


@pytest.mark.parametrize("harm", ["altered", "gone"])
def test_a_copy_that_is_not_what_was_taken_is_set_aside(house_of, harm):
    """QUARANTINED, nothing prepared from it: the original may be dropped again."""
    house = house_of()
    submission = house.taken("refunds.csv", source("A"))
    path = house.spool.path(f"spool/obj/{submission.sha256}")
    path.chmod(0o600)
    path.write_bytes(source("B")) if harm == "altered" else path.unlink()
    submission = prepared(house, submission)
    assert submission.state == "QUARANTINED"
    assert "no longer what was taken" in submission.reason
    assert codes(house, submission) == {"Q-ALTERED": 1}


def test_a_disk_that_cannot_be_read_sets_no_file_aside(house_of):
    """The error goes to the engine."""
    house = house_of()
    submission = house.taken("refunds.csv", source("A"))
    path = house.spool.path(f"spool/obj/{submission.sha256}")
    path.unlink()
    path.mkdir()
    with pytest.raises(SpoolError):
        prepare(house.context, submission.id)


def test_a_feed_that_is_gone_from_the_settings_refuses_its_files(house_of):
    """REJECTED with what to do; when the settings are mended it is released and goes out."""
    house = house_of(feed(), feed("other"))
    submission = house.taken("refunds.csv", source("A"))
    feeds = house.settings.feeds
    house.set(feeds={"other": feeds["other"]})
    submission = prepared(house, submission)
    assert (submission.state, codes(house, submission)) == ("REJECTED", {"C-FEED": 1})
    house.set(feeds=feeds)
    word = Word("release", submission.id, "mended", house.now)
    house.ledger.commit(decide(house.ledger, house.settings, word).transitions, at=house.now)
    assert prepared(house, submission).state == "PREPARED"
    assert codes(house, submission) == {}


@pytest.mark.parametrize(
    ("template", "words"),
    [
        (b"Oid,SKU\n{{ row.x }\n", "the feed's template cannot be used"),
        (b"\xff\xfe", "cannot be read: it is not UTF-8"),
        (None, "there is no template"),
    ],
)
def test_a_template_that_cannot_be_used_refuses_the_file(house_of, template, words):
    """REJECTED at once, not tried twice: no file can help. Counts of an earlier try are gone."""
    house = house_of(feed(template="mine.csv.j2"))
    (house.settings.folder / "templates").mkdir()
    if template is not None:
        (house.settings.folder / "templates" / "mine.csv.j2").write_bytes(template)
    submission = prepared(house, house.taken("refunds.csv", source("A")))
    assert (submission.state, submission.counts, submission.tries) == ("REJECTED", Counts(), 0)
    assert words in submission.reason


def test_a_pattern_that_no_name_fits_refuses_the_file(house_of):
    """It cannot be delivered under any name; it is said, not sent."""
    house = house_of(file_pattern="mods.csv")
    submission = prepared(house, house.taken("refunds.csv", source("A")))
    assert (submission.state, house.batches(submission)) == ("REJECTED", [])
    assert "no name for the batch fits file_pattern mods.csv" in submission.reason
