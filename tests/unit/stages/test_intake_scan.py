"""What a scan takes, in which order, what it says, and when it wants to be called again."""

from __future__ import annotations

import os
import stat

import pytest

from agent.stages.intake import GROUP, late_write, make_folders, working_name
from tests.dropping import Drop


@pytest.fixture
def drop(tmp_path):
    """Make a drop folder with the usual settings."""
    made = Drop(tmp_path)
    yield made
    made.stop()


def test_bytes_name_and_digest_are_those_of_the_file(drop):
    """What is in the spool is the file, under its digest, and the ledger names it as a paper."""
    content = bytes(range(256)) * 10_000
    drop.put("Rückgaben 3.csv", content)
    result = drop.settle()
    submission = drop.ledger.submission(result.taken[0])
    (paper,) = drop.ledger.papers(submission.id)
    assert (submission.name, submission.size, submission.feed) == ("Rückgaben 3.csv", len(content), "shop")
    assert (paper.kind, paper.sha256, paper.size) == ("original", submission.sha256, len(content))
    assert drop.spool.verify(paper.path, paper.sha256).read_bytes() == content


def test_files_that_were_there_at_the_start_wait_too(drop):
    """A restart forgets what it has seen, so it waits for the whole settle time again."""
    drop.put("a.csv")
    drop.scan()
    drop.stop()
    drop.start()
    assert (drop.scan(9).taken, drop.scan(9).taken) == ((), ())
    assert len(drop.scan(1).taken) == 1


def test_next_look_is_when_the_first_file_settles(drop):
    """A scan that is called just then takes it: nobody has to wait for the next turn of a timer."""
    drop.put("a.csv", b"1")
    assert drop.scan().next_look == 10
    drop.put("b.csv", b"2")
    assert drop.scan(4).next_look == 6
    assert drop.scan(6).next_look == 4
    result = drop.scan(4)
    assert (drop.states, result.next_look) == ({"RECEIVED": ["a.csv", "b.csv"]}, None)


def test_one_scan_takes_one_group(drop):
    """A scan returns soon, however much was dropped, and asks to be called at once until all is taken."""
    for number in range(2 * GROUP + 1):
        drop.put(f"{number:03}.csv", b"%d" % number)
    drop.scan()
    sizes = [(len(result.taken), result.waiting, result.next_look) for result in _scans(drop, 4)]
    assert sizes == [(GROUP, GROUP + 1, 0), (GROUP, 1, 0), (1, 0, 0), (0, 0, None)]


def _scans(drop, times):
    drop.seconds += 10
    return [drop.scan() for _ in range(times)]


def test_files_are_taken_in_the_order_they_came(drop):
    """The ledger gives them in drop order, whatever their names, also across groups of one moment."""
    names = [f"{(number * 7919) % 1000:03}.csv" for number in range(150)]
    for name in names:
        path = drop.put(f".{name}", name.encode())
        os.utime(path, ns=(1, 1))  # equal times of change: the order of arrival is what counts
        path.rename(drop.folder / name)
    drop.scan()
    drop.seconds += 10
    drop.drain()
    assert [submission.name for submission in drop.ledger.submissions()] == names


def test_a_crowded_folder_is_not_looked_at_all_the_time(drop):
    """After a look at many names there is a rest, and the caller is told when it is over."""
    for number in range(1500):
        drop.put(f"{number}.csv", b"")
    drop.scan()
    drop.put("new.csv")
    early = drop.scan(0.001)
    assert early.waiting == 1500
    assert 0 < early.next_look < 0.1
    assert drop.scan(early.next_look).waiting == 1501


def test_a_zero_settle_time_takes_at_first_sight(tmp_path):
    """For senders who rename finished files in, nothing has to be waited for."""
    drop = Drop(tmp_path, settle="0s")
    drop.put("a.csv")
    assert len(drop.scan().taken) == 1
    drop.stop()


class TestReadyMarker:
    @pytest.fixture
    def marked(self, tmp_path):
        """Make a feed whose files are finished when their marker is there."""
        made = Drop(tmp_path, ready_marker=".done", pattern=("*.csv",))
        yield made
        made.stop()

    def test_a_file_is_taken_with_its_marker_only(self, marked):
        """Stillness counts for nothing; the marker is no file of its own and is gone afterwards."""
        marked.put("a.csv")
        assert marked.scan(100).next_look is None
        assert marked.scan(100).taken == ()
        marked.put("a.csv.done", b"")
        result = marked.scan()
        assert (len(result.taken), result.findings, marked.left()) == (1, (), [])
        assert marked.working() == [f"{result.taken[0]}--a.csv"]

    def test_a_marker_alone_is_no_file(self, marked):
        """It waits for its file without being taken or complained about."""
        marked.put("a.csv.done", b"")
        assert (marked.scan(100).findings, marked.states) == ((), {})

    def test_a_marker_does_not_speak_for_the_next_file_of_the_name(self, marked):
        """A marker that outlived its file is older than the next one, which so waits for its own."""
        os.utime(marked.put("a.csv.done", b""), (1000, 1000))
        marked.put("a.csv")
        assert marked.scan(100).taken == ()
        os.utime(marked.folder / "a.csv.done")
        assert len(marked.scan().taken) == 1


def test_what_matches_no_pattern_is_left_and_named(tmp_path):
    """Never ignored in silence: it stays, it is said once, and status shows it as long as it is there."""
    drop = Drop(tmp_path, pattern=("*.csv", "ret?rns.txt"))
    for name in ("a.csv", "b.CSV", "returns.txt", "notes.docx"):
        drop.put(name, name.encode())
    first = drop.scan()
    result = drop.scan(10)
    assert sorted(notice.name for notice in first.news) == ["b.CSV", "notes.docx"]
    assert ({notice.fault.code for notice in result.findings}, result.news) == ({"E-NOFEED"}, ())
    assert (drop.states, drop.left()) == ({"RECEIVED": ["a.csv", "returns.txt"]}, ["b.CSV", "notes.docx"])
    drop.stop()


def test_a_file_held_open_for_writing_is_not_taken(drop):
    """Where the kernel can tell, a writer who pauses longer than the settle time does not lose the rest."""
    path = drop.folder / "slow.csv"
    with path.open("wb") as file:
        file.write(b"half")
        file.flush()
        drop.scan()
        result = drop.scan(10)
        assert (result.taken, result.waiting, result.next_look) == ((), 1, 10)
        assert "W-NOTREADY" in [notice.fault.code for _ in range(70) for notice in drop.scan(10).news]
        file.write(b" and half")
    drop.settle()
    (submission,) = drop.ledger.submissions()
    assert submission.size == len(b"half and half")


class TestLateWrite:
    def test_what_is_written_after_the_taking_is_noticed(self, drop):
        """The copy stays what it was; whoever closes the submission can tell that there is more."""
        drop.put("a.csv", b"first\n")
        (taken,) = drop.settle().taken
        submission = drop.ledger.submission(taken)
        assert not late_write(drop.folder, submission)
        with (drop.folder / "working" / drop.working()[0]).open("ab") as file:
            file.write(b"more\n")
        assert late_write(drop.folder, submission)
        assert drop.ledger.submission(taken).size == len(b"first\n")

    def test_a_file_that_is_not_in_working_is_not_late(self, drop):
        """Moved on or gone: there is nothing to compare."""
        drop.put("a.csv")
        (taken,) = drop.settle().taken
        submission = drop.ledger.submission(taken)
        (drop.folder / "working" / drop.working()[0]).unlink()
        assert not late_write(drop.folder, submission)


class TestNames:
    def test_a_long_name_is_cut_in_its_middle(self):
        """The id in front and the ending survive, in bytes that a file system takes, never half a letter."""
        for shown in ("x" * 251 + ".csv", "ü" * 127, "注" * 84 + ".csv"):
            made = working_name("20270115-abcdefgh", shown)
            assert made.startswith("20270115-abcdefgh--")
            assert len(made.encode()) <= 255
            assert made[-4:] == shown[-4:]

    def test_a_short_name_is_kept(self):
        """What fits is not changed."""
        assert working_name("20270115-abcdefgh", "a b.csv") == "20270115-abcdefgh--a b.csv"


class TestFolders:
    def test_folders_are_made_for_whom_they_are(self, tmp_path):
        """`working/` is ours alone; the others are for people, within the umask; twice is no matter."""
        before = os.umask(0o002)
        try:
            make_folders(tmp_path / "shop")
            make_folders(tmp_path / "shop")
        finally:
            os.umask(before)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "shop").iterdir()}
        assert modes == {"working": 0o700, "done": 0o775, "attention": 0o775}

    def test_the_folder_above_is_not_made(self, tmp_path):
        """A drop tree that is not mounted must not be made up."""
        with pytest.raises(FileNotFoundError):
            make_folders(tmp_path / "not-mounted" / "shop")

    def test_a_missing_working_folder_is_made_again(self, drop):
        """People tidy up; intake goes on."""
        drop.scan()
        (drop.folder / "working").rmdir()
        drop.put("a.csv")
        drop.settle()
        assert len(drop.working()) == 1

    def test_a_working_folder_that_is_a_link_is_refused(self, drop):
        """Nobody may make us move files to where a link leads."""
        (drop.folder / "working").rmdir()
        (drop.folder / "working").symlink_to(drop.root)
        drop.put("a.csv")
        assert [notice.fault.code for notice in drop.settle().findings] == ["E-FOLDER"]
        assert drop.left() == ["a.csv"]
