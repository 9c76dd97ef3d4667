"""Archives whose feed wants each file inside for itself, from the drop folder to what people find."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC

import pytest

from agent.feedback.report import render_text
from agent.settings.models import Limits
from agent.stages.close import make_story
from agent.stages.decide import Word, decide
from agent.stages.prepare import unpack
from agent.states import UnknownTransitionError
from agent.workers import Workers
from tests.house import feed, source
from tests.workbooks import xlsx, zipped

EACH = {"archive": "each", "pattern": ("*.zip", "*.csv", "*.xlsx")}
TWO = zipped(("a.csv", source("A")), ("x/b.csv", source("B")))


@pytest.fixture
def house(house_of):
    """Run an agent whose only feed takes the files inside archives each by itself."""
    return house_of(feed(**EACH))


def states(house):
    """Return how every submission stands, by name."""
    return {one.name: one.state for one in house.ledger.submissions()}


def inside(house, archive):
    """Return the submissions of the files inside an archive, by name."""
    return {one.name: one for one in house.ledger.inside(archive.id)}


def release(house, submission):
    """Let somebody release a submission."""
    word = Word("release", submission.id, "it is right", house.now)
    house.ledger.commit(decide(house.ledger, house.settings, word).transitions, at=house.now)


def test_every_file_inside_goes_its_own_way_and_the_archive_ends(house):
    """Batches, reports and folders of their own; the archive lies in `done` with its list."""
    archive = house.taken("all.zip", TWO)
    house.drain()
    assert states(house) == {"all.zip": "CLOSED", "a.csv": "CLOSED", "b.csv": "CLOSED"}
    assert (len(house.far.files), house.batches(house.submission(archive.id))) == (2, [])
    done = house.told("done")
    assert done["all.zip"]["all.zip"] == TWO
    assert done["b.csv"]["b.csv"] == source("B")
    folders = {path.name for path in (house.drop() / "done").iterdir()}
    assert folders == {f"{archive.id}--all.zip", f"{archive.id}-001--a.csv", f"{archive.id}-002--b.csv"}
    report = done["all.zip"]["report.txt"].decode()
    assert "DONE: 2 files were inside, each is taken" in report
    assert all(words in report for words in (f"{archive.id}-001", "x/b.csv", "Unpacked is not sent"))
    assert f"{archive.id}-002".encode() in done["all.zip"]["report.html"]


def test_each_file_knows_its_archive_wherever_it_is_told(house):
    """In the ledger, the report and both manifests of the archive."""
    archive = house.taken("all.zip", TWO)
    house.drain()
    one = inside(house, archive)["b.csv"]
    assert (one.id, one.archive, one.member) == (f"{archive.id}-002", archive.id, "x/b.csv")
    told = house.told("done")["b.csv"]
    line = f"Out of archive      all.zip, submission {archive.id}, in it as x/b.csv"
    assert line in told["report.txt"].decode()
    assert b"Out of archive" in told["report.html"]
    day = next((house.settings.state / "archive").glob("*/*/*"))
    manifest = json.loads((day / one.id / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["archive"] == {"submission": archive.id, "member": "x/b.csv"}
    whole = json.loads((day / archive.id / "manifest.json").read_text(encoding="utf-8"))
    assert whole["inside"][1] == {"submission": one.id, "member": "x/b.csv", "sha256": one.sha256}
    assert (day / archive.id / "original").read_bytes() == TWO


def test_a_bad_file_holds_up_no_other_and_lies_where_people_look(house):
    """Each with its reason, its bytes where there are any; the archive names them."""
    content = zipped(
        ("a.csv", source("A")), ("bad\u202e.csv", b"1"), ("readme.txt", b"hello"), ("again.csv", source("A")),
        ("in.zip", TWO), ("wrong.csv", source("B", bad=("B",))), (".DS_Store", b""),
    )  # fmt: skip
    archive = house.taken("all.zip", content)
    house.drain()
    assert states(house) == {
        "all.zip": "CLOSED", "a.csv": "CLOSED", "bad\\u202e.csv": "QUARANTINED", "readme.txt": "REJECTED",
        "again.csv": "DUPLICATE", "in.zip": "REJECTED", "wrong.csv": "REJECTED",
    }  # fmt: skip
    attention = house.told("attention")
    assert set(attention) == {"bad\\u202e.csv", "readme.txt", "again.csv", "in.zip", "wrong.csv"}
    assert "bad\\u202e.csv" not in attention["bad\\u202e.csv"]
    assert attention["in.zip"]["in.zip"] == TWO
    assert f"{archive.id}-003--readme.txt" in {path.name for path in (house.drop() / "attention").iterdir()}
    assert [one.code for one in house.ledger.groups(archive.id)] == ["E-INSIDE", "N-LEFTOUT"]
    report = house.told("done")["all.zip"]["report.txt"].decode()
    assert "NEEDS A LOOK: 6 files were inside, 4 of them set aside" in report
    listed = ("Q-NAME: ", "E-NOFEED: ", "D-DUPLICATE: ", "E-ARCHIVE: ", ".DS_Store")
    assert all(words in report for words in listed)


def test_a_file_whose_name_the_feed_does_not_take_goes_out_when_it_is_released(house):
    """A person has said so; the name alone does not keep it."""
    archive = house.taken("all.zip", zipped(("a.txt", source("A")), ("b.csv", source("B"))))
    house.drain()
    assert states(house)["a.txt"] == "REJECTED"
    release(house, inside(house, archive)["a.txt"])
    house.drain()
    assert (states(house)["a.txt"], len(house.far.files)) == ("CLOSED", 2)


def test_the_same_archive_again_is_a_duplicate_and_once_released_all_of_it_goes_again(house):
    """As any file; what is twice within it is still sent once."""
    content = zipped(("a.csv", source("A")), ("b.csv", source("B")), ("c.csv", source("A")))
    house.taken("all.zip", content)
    house.drain()
    again = house.taken("again.zip", content)
    house.drain()
    assert (again.state, house.ledger.inside(again.id), len(house.far.files)) == ("DUPLICATE", (), 2)
    release(house, again)
    house.drain()
    assert {name: one.state for name, one in inside(house, again).items()} == {
        "a.csv": "CLOSED", "b.csv": "CLOSED", "c.csv": "DUPLICATE",
    }  # fmt: skip
    assert len(house.far.files) == 4


def test_of_an_archive_that_is_released_also_those_go_that_were_rejected_the_first_time(house):
    """Else only its older amounts would go out again, and the newer ones behind them would be held back as older."""
    newer = source("A", "B", bad=("B",)).replace(b"RED-1,0,0", b"RED-1,5,1")
    content = zipped(("a.csv", source("A")), ("b.csv", newer))
    house.taken("all.zip", content)
    house.drain()
    house.taken("mended.csv", source("A").replace(b"RED-1,0,0", b"RED-1,5,1"))
    split = house.settings.feeds["shop"].bad_rows.model_copy(update={"at_most": 0.5})
    house.set(feeds={"shop": house.settings.feeds["shop"].model_copy(update={"bad_rows": split})})
    house.drain()
    again = house.taken("again.zip", content)
    release(house, again)
    house.drain()
    amounts = [house.far.files[name].split(b"RED-1,")[1][:1] for name in house.far.published]
    assert amounts == [b"0", b"5", b"0", b"5"]


def test_a_file_that_came_before_is_a_duplicate_in_another_archive_and_by_itself(house):
    """Of whichever came first, with its id."""
    first = house.taken("one.zip", TWO)
    house.drain()
    second = house.taken("two.zip", zipped(("new.csv", source("C")), ("b2.csv", source("B"))))
    house.drain()
    found = inside(house, second)
    assert (found["new.csv"].state, found["b2.csv"].state) == ("CLOSED", "DUPLICATE")
    assert found["b2.csv"].duplicate_of == f"{first.id}-002"
    assert house.taken("b3.csv", source("B")).duplicate_of == f"{first.id}-002"


def test_a_feed_that_allows_duplicates_takes_them_out_of_archives_too(house_of):
    """As it does when they are dropped."""
    house = house_of(feed(**EACH, allow_duplicates=True))
    archive = house.taken("all.zip", zipped(("a.csv", source("A")), ("b.csv", source("A"))))
    house.drain()
    assert {one.state for one in inside(house, archive).values()} == {"CLOSED"}
    assert len(house.far.files) == 2


@pytest.mark.parametrize(
    ("content", "state", "code"),
    [
        (zipped(("../a.csv", b"1"), ("b.csv", b"2")), "QUARANTINED", "Q-ZIP"),
        (zipped(("a.csv", bytes(20_000_000))), "QUARANTINED", "Q-BOMB"),
        (zipped(("x/", b"")), "REJECTED", "E-ARCHIVE"),
        (TWO[:-9], "REJECTED", "E-ARCHIVE"),
    ],
)
def test_an_archive_that_cannot_be_trusted_goes_aside_whole(house, content, state, code):
    """Nothing of it is taken."""
    archive = house.taken("all.zip", content)
    house.drain()
    assert (states(house), house.far.files) == ({"all.zip": state}, {})
    assert [one.code for one in house.ledger.groups(archive.id)] == [code]
    assert house.told("attention")["all.zip"]["all.zip"] == content


def test_a_workbook_and_a_plain_file_are_read_as_ever(house):
    """They are no archives, though a workbook is packed like one."""
    rows = [line.split(",") for line in source("A").decode().splitlines()]
    house.taken("a.xlsx", xlsx(rows))
    house.taken("b.csv", source("B"))
    house.drain()
    assert states(house) == {"a.xlsx": "CLOSED", "b.csv": "CLOSED"}
    assert len(house.far.files) == 2


def test_a_feed_that_says_nothing_takes_one_file_of_an_archive(house_of):
    """As before; of several it says what may be set."""
    house = house_of(feed())
    house.taken("one.zip", zipped(("a.csv", source("A"))))
    several = house.taken("two.zip", TWO)
    house.drain()
    assert states(house) == {"one.zip": "CLOSED", "two.zip": "REJECTED"}
    assert "archive: each" in house.ledger.groups(several.id)[0].mend


def test_files_go_out_in_the_order_of_the_archive_and_before_what_came_later(house):
    """So that newer amounts are not overtaken by older ones."""
    rows = [zipped(*((f"{number}.csv", source(f"R{number}")) for number in range(12)))]
    house.put("a.zip", rows[0])
    house.take()
    house.put("b.csv", source("LATER"))
    house.take()
    house.drain()
    sent = [content.decode().split("\r\n")[1].split(",")[1] for content in house.far.files.values()]
    assert sent == [*(f"R{number}" for number in range(12)), "LATER"]


def test_a_file_inside_is_as_old_as_its_archive(house):
    """Dates in it are judged beside the time when it was dropped."""
    archive = house.taken("all.zip", TWO)
    house.now += 500
    house.drain()
    assert {one.received_at for one in inside(house, archive).values()} == {archive.received_at}


def test_what_the_archive_report_says_does_not_change_with_its_files(house):
    """It is archived; told again after a crash it has to be the same."""
    archive = house.taken("all.zip", zipped(("a.txt", source("A")), ("b.csv", source("B"))))
    house.drain()
    before = house.told("done")["all.zip"]["report.txt"]
    release(house, inside(house, archive)["a.txt"])
    house.drain()
    story = replace(make_story(house.context, house.submission(archive.id)), zone=UTC)
    now = render_text(replace(story, files=replace(story.files, report="report.html")))
    without_time = [line for line in now.splitlines() if not line.startswith("Report of")]
    assert without_time == [line for line in before.decode().splitlines() if not line.startswith("Report of")]


def test_bytes_that_come_in_by_two_ways_at_once_are_taken_once(house):
    """The one who is second to the ledger is told, and finds a duplicate when it looks again."""
    archive = house.taken("all.zip", TWO)
    twin = house.taken("other.zip", zipped(("a2.csv", source("A")), ("c.csv", source("C"))))
    changes = [unpack(house.context, one.id) for one in (archive, twin)]
    house.ledger.commit(changes[0], at=house.now)
    with pytest.raises(UnknownTransitionError, match="repetition"):
        house.ledger.commit(changes[1], at=house.now)
    assert house.submission(twin.id).state == "RECEIVED"
    house.drain()
    assert {name: one.state for name, one in inside(house, twin).items()} == {
        "a2.csv": "DUPLICATE", "c.csv": "CLOSED",
    }  # fmt: skip


def test_a_dropped_file_whose_bytes_came_out_of_an_archive_in_the_same_moment_is_taken_again_later(house):
    """The scan asked before the archive was unpacked, and comes second: the file stays and is a duplicate then."""
    archive = house.taken("all.zip", TWO)
    (intake,) = house.intakes
    ledger = house.ledger
    asked = ledger.same_bytes

    class Late:
        """Unpacks the archive between a scan's question and its commit."""

        def __getattr__(self, name):
            return getattr(ledger, name)

        def same_bytes(self, *wanted):
            answer = asked(*wanted)
            ledger.commit(unpack(house.context, archive.id), at=house.now)
            return answer

    intake._taker._claimer._ledger = Late()
    house.put("b.csv", source("B"))
    with pytest.raises(UnknownTransitionError, match="repetition"):
        house.take()
    assert (house.drop() / "b.csv").exists()
    intake._taker._claimer._ledger = ledger
    (found,) = house.take()
    assert (found.state, found.duplicate_of) == ("DUPLICATE", f"{archive.id}-002")


def test_an_archive_that_breaks_the_process_twice_is_quarantined(house_of):
    """As any file, and what is beside it goes on."""
    tight = Workers(Limits(output=100_000))
    house = house_of(feed(**EACH), workers=tight)
    archive = house.taken("all.zip", zipped(("a.csv", bytes(range(256)) * 4000)))
    house.drain()
    tight.close()
    assert house.submission(archive.id).state == "QUARANTINED"
    assert [one.code for one in house.ledger.groups(archive.id)] == ["Q-BROKE"]
    assert list((house.settings.state / "spool" / "tmp").iterdir()) == []


def test_an_archive_whose_copy_was_altered_is_not_opened(house):
    """Nothing of it is taken."""
    archive = house.taken("all.zip", TWO)
    copy = house.settings.state / "spool" / "obj" / archive.sha256
    copy.chmod(0o600)
    copy.write_bytes(zipped(("x.csv", source("X"))))
    house.drain()
    assert [one.code for one in house.ledger.groups(archive.id)] == ["Q-ALTERED"]


def test_a_file_inside_needs_its_feeds_other_limits(house_of):
    """Its size is that of the file, not of the archive."""
    house = house_of(feed(**EACH, max_size=600))
    content = zipped(("small.csv", source("A")), ("big.csv", source(*(f"R{n}" for n in range(50)))))
    assert len(content) < 600
    archive = house.taken("all.zip", content)
    house.drain()
    found = inside(house, archive)
    assert (found["small.csv"].state, found["big.csv"].state) == ("CLOSED", "REJECTED")
    assert [one.code for one in house.ledger.groups(found["big.csv"].id)] == ["E-TOOBIG"]


def test_what_was_unpacked_before_a_crash_is_found_again(house):
    """The bytes lie in the spool already: none is made twice, none is set aside as another's."""
    archive = house.taken("all.zip", TWO)
    unpack(house.context, archive.id)  # and nobody records it
    house.stop()
    house.start()
    house.drain()
    assert states(house) == {"all.zip": "CLOSED", "a.csv": "CLOSED", "b.csv": "CLOSED"}
    assert list((house.settings.state / "spool" / "quarantine").iterdir()) == []


def test_files_inside_are_prepared_from_the_spool_alone(house):
    """What lies in the folders for people may be gone."""
    archive = house.taken("all.zip", TWO)
    house.engine.step(archive.id)
    house.engine.step(archive.id)
    assert house.submission(archive.id).state == "CLOSED"
    shutil.rmtree(house.drop() / "done" / f"{archive.id}--all.zip")
    house.drain()
    assert len(house.far.files) == 2
