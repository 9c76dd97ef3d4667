from __future__ import annotations

import hashlib
import json
import os

import pytest

from agent.settings.models import BadRows
from agent.stages.close import DropFolderError, close, make_story
from agent.stages.decide import Word, decide
from tests.house import House, feed, source

HALF = BadRows(policy="split", at_most=0.6)
REPORTS = {"report.html", "report.txt"}


@pytest.fixture
def house(memory_path, workers):
    """Make an agent's inside whose feed sends the good orders of a file."""
    made = House(memory_path, feed(bad_rows=HALF), workers=workers)
    yield made
    made.stop()


def say(house, verb, subject):
    """Have a person decide."""
    decision = decide(house.ledger, house.settings, Word(verb, subject, "looked", house.now))
    house.ledger.commit(decision.transitions, at=house.now, actor="anna")


def told(house, submission):
    """Close, or tell of, a submission; return it as it is then."""
    house.ledger.commit([close(house.context, submission.id)], at=house.now)
    return house.submission(submission.id)


def dropped(house, name="refunds.csv", content=None):
    """Drop a file and do all that follows."""
    submission = house.taken(name, source("A") if content is None else content)
    house.drain()
    return house.submission(submission.id)


def archived(house, submission):
    """Return the files in the archive of a submission: by name, their bytes; one folder after the other."""
    folders = sorted((house.root / "state" / "archive").glob(f"*/*/*/{submission.id}*"))
    return [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders]


def test_what_ended_well_is_in_done_with_its_report(house):
    """The original out of `working/`, two reports, nothing else; nothing is left behind in the drop folder."""
    submission = dropped(house)
    assert submission.state == "CLOSED"
    (files,) = house.told("done").values()
    assert set(files) == {"refunds.csv", *REPORTS}
    assert files["refunds.csv"] == source("A")
    assert b"The 1 row was delivered" in files["report.txt"]
    assert sorted(path.name for path in house.drop().iterdir()) == ["attention", "done", "working"]
    assert house.told("attention") == {}
    assert list((house.drop() / "working").iterdir()) == []


def test_the_archive_is_complete(house):
    """Source, findings, rejects, batch, receipts and report, all as the manifest and the ledger have them."""
    submission = dropped(house, content=source("A", "B", bad=("B",)))
    (files,) = archived(house, submission)
    (batch,) = house.batches(submission)
    names = {"original", "findings", "rejects", f"batch-1-{batch.name}", "receipts.json", "report.html"}
    assert set(files) == {*names, "manifest.json"}
    assert files["original"] == source("A", "B", bad=("B",))
    assert files[f"batch-1-{batch.name}"] == house.far.files[batch.name]
    (attempt,) = json.loads(files["receipts.json"])[batch.id]
    assert (attempt["outcome"], attempt["evidence"]) == ("sent", "verified: seen under its name")
    listed = {entry["name"]: entry["sha256"] for entry in json.loads(files["manifest.json"])["files"]}
    assert listed == {name: hashlib.sha256(files[name]).hexdigest() for name in names}
    known = {paper.path: paper.sha256 for paper in house.ledger.papers(submission.id)}
    assert {path for path in known if path.startswith("archive/")} == {
        f"archive/2027/01/15/{submission.id}/{name}" for name in files
    }
    for path, digest in known.items():
        house.spool.verify(path, digest)


def test_what_was_kept_back_is_in_attention_with_its_rejects(house):
    """They are there to be mended and dropped back."""
    dropped(house, content=source("A", "B", bad=("B",)))
    (files,) = house.told("attention").values()
    assert set(files) == {"refunds.csv", "refunds.rejects.csv", *REPORTS}
    assert b"BECAUSE" in files["refunds.rejects.csv"]
    assert house.told("done") == {}


def test_the_rejects_dropped_back_as_they_are_come_back_once_more(house):
    """The two added columns are no hindrance; the mended file goes out."""
    dropped(house, content=source("A", "B", bad=("B",)))
    (files,) = house.told("attention").values()
    mended = files["refunds.rejects.csv"].replace(b"BECAUSE", b"OTHER")
    submission = dropped(house, "mended.csv", mended)
    assert (submission.state, submission.counts.sent) == ("CLOSED", 1)
    assert set(house.told("done")) == {"mended.csv"}


@pytest.mark.parametrize("content", [b"", source("A", "B", "C", bad=("A", "B"))])
def test_what_is_refused_is_in_attention_with_the_original(house, content):
    """REJECTED: original, report, and where records were read the rejects file."""
    submission = dropped(house, content=content)
    assert submission.state == "REJECTED"
    (files,) = house.told("attention").values()
    assert set(files) == {"refunds.csv", *REPORTS, *(["refunds.rejects.csv"] if content else [])}
    assert files["refunds.csv"] == content
    assert archived(house, submission) == []


def test_a_refused_file_that_is_released_and_ends_well_is_in_done(house):
    """The original moves over, the old rejects file is gone with our other words."""
    submission = dropped(house, content=source("A", "B", bad=("A", "B")))
    assert "refunds.rejects.csv" in house.told("attention")["refunds.csv"]
    house.set(feeds={"shop": feed(reasons={"BECAUSE": "OTHER"}, template="mine.csv.j2", bad_rows=HALF)})
    (house.settings.folder / "templates").mkdir()
    line = "{{ row.ActionTrackerID }},{{ row.Oid }},{{ row.SKU }},0,0,{{ row.Reason | reason }}"
    template = (
        f"ActionTrackerID,Oid,SKU,Amount,Quantity,Reason\n{{% for row in rows %}}\n{line}\n{{% endfor %}}\n"
    )
    (house.settings.folder / "templates" / "mine.csv.j2").write_text(template)
    say(house, "release", submission.id)
    house.drain()
    assert house.submission(submission.id).state == "CLOSED"
    assert house.told("attention") == {}
    assert set(house.told("done")["refunds.csv"]) == {"refunds.csv", *REPORTS}


def test_each_generation_has_a_rejects_file_of_its_own(house):
    """A stale one would send again what was sent; it is taken away, unless a person has worked on it."""
    content = source("A", "B", "C", bad=("A", "B"))
    submission = dropped(house, content=content)
    (place,) = (house.drop() / "attention").iterdir()
    house.set(feeds={"shop": feed(bad_rows=BadRows(policy="split", at_most=0.9))})
    say(house, "release", submission.id)
    house.drain()
    files = house.told("attention")["refunds.csv"]
    assert set(files) == {"refunds.csv", "refunds.rejects-1.csv", *REPORTS}
    assert b",C," not in files["refunds.rejects-1.csv"]
    assert b"refunds.rejects-1.csv" in files["report.txt"]
    assert place.is_dir()


def test_a_rejects_file_that_a_person_has_worked_on_stays(house):
    """It is not ours any more, wherever the submission goes on to."""
    submission = dropped(house, content=source("A", "B", "C", bad=("A", "B")))
    (place,) = (house.drop() / "attention").iterdir()
    (place / "refunds.rejects.csv").write_text("half mended")
    house.set(feeds={"shop": feed(bad_rows=BadRows(policy="split", at_most=0.9))})
    say(house, "release", submission.id)
    house.drain()
    assert (place / "refunds.rejects.csv").read_text() == "half mended"
    assert (place / "refunds.rejects-1.csv").exists()


def test_a_large_rejects_file_is_copied_whole(house):
    """It may have gigabytes: it is copied piece by piece."""
    content = source(*(f"A{number}" for number in range(40_000)), bad=("A7",))
    submission = house.taken("refunds.csv", content)
    house.set(feeds={"shop": feed(bad_rows=BadRows(policy="refuse-file"))})
    house.drain()
    (files,) = house.told("attention").values()
    (paper,) = [one for one in house.ledger.papers(submission.id) if one.kind == "rejects"]
    assert len(files["refunds.rejects.csv"]) == paper.size > 2 * 2**20
    assert hashlib.sha256(files["refunds.rejects.csv"]).hexdigest() == paper.sha256


def test_the_same_bytes_again_are_in_attention(house):
    """DUPLICATE: the original and a report that names the first."""
    first = dropped(house, "first.csv")
    dropped(house, "second.csv")
    files = house.told("attention")["second.csv"]
    assert set(files) == {"second.csv", *REPORTS}
    assert first.id.encode() in files["report.txt"]


def test_what_was_never_read_is_moved_as_it_is(house):
    """A link and a pipe lie in attention as they came: not followed, not opened."""
    secret = house.root / "secret"
    secret.write_text("CANARY")
    (house.drop() / "link.csv").symlink_to(secret)
    os.mkfifo(house.drop() / "pipe.csv")
    house.take()
    house.drain()
    places = {path.name.partition("--")[2]: path for path in (house.drop() / "attention").iterdir()}
    assert (places["link.csv"] / "link.csv").is_symlink()
    assert (places["pipe.csv"] / "pipe.csv").is_fifo()
    assert secret.read_text() == "CANARY"
    reports = [(place / name).read_text() for place in places.values() for name in REPORTS]
    assert not any("CANARY" in report for report in reports)


@pytest.mark.parametrize("content", [b"", source("A")])
def test_what_a_person_gives_up_leaves_attention(house, content):
    """A refused file or a repetition: told once more, archived, and out of the way."""
    dropped(house, "first.csv")
    submission = dropped(house, "second.csv", content)
    assert set(house.told("attention")) == {"second.csv"}
    say(house, "cancel", submission.id)
    house.drain()
    assert house.told("attention") == {}
    files = house.told("done")["second.csv"]
    assert files["second.csv"] == content
    assert b"Cancelled" in files["report.txt"]
    assert [set(folder) >= {"original", "report.html"} for folder in archived(house, submission)] == [True]
    house.drain()
    assert [event.event for event in house.ledger.audit([submission.id])].count("told") == 2


def test_what_is_given_up_before_it_is_prepared_is_told(house):
    """Its original does not stay in `working/` for ever."""
    submission = house.taken("refunds.csv", source("A"))
    say(house, "cancel", submission.id)
    house.drain()
    assert set(house.told("done")["refunds.csv"]) == {"refunds.csv", *REPORTS}
    assert list((house.drop() / "working").iterdir()) == []


def test_given_up_but_maybe_there_stays_in_attention(house):
    """Nobody may think that nothing was sent."""
    house.far.sends.append("lost")
    house.far.looks.append("blind")
    submission = dropped(house)
    say(house, "cancel", house.batches(submission)[0].id)
    house.drain()
    assert house.submission(submission.id).state == "CLOSED"
    assert b"may have arrived" in house.told("attention")["refunds.csv"]["report.txt"]


def test_a_late_write_is_known_before_the_file_is_moved(house):
    """Killed after the move, before the ledger hears of it: it is not forgotten."""
    submission = house.taken("refunds.csv", source("A"))
    (working,) = (house.drop() / "working").iterdir()
    working.write_bytes(source("A", "B"))
    house.engine.advance(submission.id)
    house.engine.deliverer.deliver_due("there")
    first = close(house.context, submission.id)
    assert [group.code for group in first.groups] == ["W-LATEWRITE"]
    assert working.exists()
    house.ledger.commit([first], at=house.now)
    close(house.context, submission.id)  # and killed here
    house.stop()
    house.start()
    house.drain()
    assert set(house.told("attention")) == {"refunds.csv"}


@pytest.mark.parametrize(
    ("name", "original"),
    [
        ("report.html", "original--report.html"),
        ("report.txt", "original--report.txt"),
        ("x" * 251 + ".csv", "x" * 251 + ".csv"),
        ("ü" * 125 + "x.csv", "ü" * 125 + "x.csv"),
        ("-rf", "-rf"),
        ("no ending", "no ending"),
        ("a.rejects.csv", "a.rejects.csv"),
    ],
)
def test_every_name_has_its_place(house, name, original):
    """Names of 255 bytes, and those of our own reports: original, rejects and reports side by side."""
    content = source("A", "B", bad=("B",))
    submission = dropped(house, name, content)
    (place,) = (house.drop() / "attention").iterdir()
    files = {path.name: path.read_bytes() for path in place.iterdir()}
    assert files[original] == content
    assert set(files) >= REPORTS
    assert b"<html" in files["report.html"]
    story = make_story(house.context, submission)
    assert (story.files.folder, story.files.original) == (f"attention/{place.name}", original)
    assert b"BECAUSE" in files[story.files.rejects]
    assert len(files) == 4


def test_a_submission_the_ledger_does_not_know_cannot_be_closed(house):
    """A mistake of ours; no folder is made for it."""
    with pytest.raises(LookupError):
        close(house.context, "20270115-nobody")


def test_a_folder_that_cannot_be_used_is_an_error_of_its_own(house):
    """It says which; the ledger hears nothing, and when the folder is mended all is told."""
    submission = house.taken("refunds.csv", source("A"))
    house.engine.advance(submission.id)
    house.engine.deliverer.deliver_due("there")
    (house.drop() / "done").rmdir()
    (house.drop() / "done").write_text("a file")
    with pytest.raises(DropFolderError, match="the folder done of feed shop cannot be written"):
        close(house.context, submission.id)
    assert house.submission(submission.id).state == "PREPARED"
    (house.drop() / "done").unlink()
    assert told(house, submission).state == "CLOSED"
    assert set(house.told("done")) == {"refunds.csv"}


def test_a_drop_folder_that_is_gone_is_not_made_anew(house):
    """Its file system may not be mounted: nothing is written where it would be hidden later."""
    submission = house.taken("refunds.csv", source("A"))
    house.engine.advance(submission.id)
    house.engine.deliverer.deliver_due("there")
    house.drop().rename(house.root / "elsewhere")
    with pytest.raises(DropFolderError):
        close(house.context, submission.id)
    assert not house.drop().exists()
