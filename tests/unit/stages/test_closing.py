"""What people find in a feed's folder, what is archived, and that all of it can be done again."""

from __future__ import annotations

import hashlib
import json

import pytest

from agent.ledger.transition import Transition
from agent.model import FindingGroup, Severity
from agent.stages.close import DropFolderError, close
from agent.stages.decide import Word, decide
from agent.stages.due import is_owed, to_close
from tests.staging import FarSide

REPORTS = ["report.html", "report.txt"]
REJECTS = b"Oid;REASON\r\n7;damaged\r\n"


def told(stages, submission):
    """Have it told, a little later; return the event."""
    stages.later()
    change = close(stages.context, submission.id)
    stages.commit(change)
    return change.event


def say(stages, verb, subject):
    """Have a person decide, a little later."""
    stages.later()
    stages.commit(
        *decide(stages.ledger, stages.settings, Word(verb, subject, "they said", stages.now)).transitions
    )


def below(stages, kind, submission):
    """Return the names in a submission's sub-folder; None where there is no such folder."""
    folder = place(stages, kind, submission)
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else None


def place(stages, kind, submission):
    """Return a submission's sub-folder."""
    return stages.settings.drop / submission.feed / kind / f"{submission.id}--{submission.name}"


def working(stages):
    """Return the names in `working/`."""
    return sorted(path.name for path in (stages.settings.drop / "shop" / "working").iterdir())


def archived(stages):
    """Return what is in the archive: the content of each file by its path."""
    root = stages.settings.state / "archive"
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture
def sent(stages):
    """Make a submission whose only batch was delivered."""
    submission, (batch,) = stages.prepared()
    stages.attempt(FarSide(), batch.id)
    return submission


@pytest.fixture
def partly(stages):
    """Make a submission of which one order was sent and one came back, with its rejects file."""
    submission = stages.drop()
    stages.paper(submission, "rejects", REJECTS)
    stages.attempt(FarSide(), stages.ledger.batches_of(submission.id)[0].id)
    return submission


class TestDone:
    def test_files(self, stages, sent):
        """The original as it was dropped, and the report twice; nothing is left in `working/`."""
        assert told(stages, sent) == "closed"
        assert below(stages, "done", sent) == ["a.csv", *REPORTS]
        assert (place(stages, "done", sent) / "a.csv").read_bytes() == b"a.csv"
        assert sent.id in (place(stages, "done", sent) / "report.txt").read_text()
        assert (working(stages), below(stages, "attention", sent)) == ([], None)

    def test_nothing_is_owed_afterwards(self, stages, sent):
        """It is closed, and no second word is due."""
        told(stages, sent)
        found = stages.submission(sent.id)
        assert (found.state, is_owed(stages.context, found)) == ("CLOSED", False)
        assert to_close(stages.context, lambda _: True) == []

    def test_archive(self, stages, sent):
        """Everything worth keeping under one folder of the day, and a manifest that names it all truly."""
        told(stages, sent)
        (batch,) = stages.ledger.batches_of(sent.id)
        folder = f"2027/01/15/{sent.id}"
        found = archived(stages)
        wanted = {"original", f"batch-1-{batch.name}", "report.html", "receipts.json"}
        assert set(found) == {f"{folder}/{name}" for name in wanted | {"manifest.json"}}
        assert found[f"{folder}/original"] == b"a.csv"
        assert hashlib.sha256(found[f"{folder}/batch-1-{batch.name}"]).hexdigest() == batch.sha256
        receipts = json.loads(found[f"{folder}/receipts.json"])
        assert [one["outcome"] for one in receipts[batch.id]] == ["sent"]
        manifest = found[f"{folder}/manifest.json"].decode()
        assert all(
            name in manifest and hashlib.sha256(found[f"{folder}/{name}"]).hexdigest() in manifest
            for name in wanted
        )

    def test_the_ledger_names_the_archive(self, stages, sent):
        """Each archived paper is in the ledger with its digest."""
        told(stages, sent)
        papers = [one for one in stages.ledger.papers(sent.id) if one.path.startswith("archive/")]
        assert {one.path.removeprefix("archive/") for one in papers} == set(archived(stages))
        assert all(stages.spool.verify(one.path, one.sha256) for one in papers)

    def test_cancelled_batches(self, stages):
        """What a person gave up needs nobody any more."""
        submission, (batch,) = stages.prepared()
        stages.move(batch.id, "cancelled")
        assert told(stages, submission) == "closed"
        assert below(stages, "done", submission) == ["a.csv", *REPORTS]

    def test_a_cancelled_file(self, stages):
        """What a person closed without a batch is told and archived, too, once."""
        submission = stages.drop()
        say(stages, "cancel", submission.id)
        assert to_close(stages.context, lambda _: True) == [submission.id]
        assert told(stages, submission) == "told"
        assert below(stages, "done", submission) == ["a.csv", *REPORTS]
        assert f"2027/01/15/{submission.id}/original" in archived(stages)
        assert to_close(stages.context, lambda _: True) == []


class TestAttention:
    @pytest.mark.parametrize("event", ["rejected", "quarantined"])
    def test_what_cannot_be_sent(self, stages, event):
        """The file lies with its report where somebody has to look; the ledger keeps its state, once."""
        submission = stages.drop()
        group = FindingGroup("E-EMPTY", Severity.ERROR, "", 1, "it is empty", "fill it")
        stages.commit(Transition(submission.id, "submission", event, groups=(group,), reason="it is empty"))
        assert to_close(stages.context, lambda _: True) == [submission.id]
        assert told(stages, submission) == "told"
        assert below(stages, "attention", submission) == ["a.csv", *REPORTS]
        assert "it is empty" in (place(stages, "attention", submission) / "report.txt").read_text()
        assert (working(stages), to_close(stages.context, lambda _: True)) == ([], [])

    def test_rejects(self, stages, partly):
        """Where orders came back, the sender has a file with them, byte by byte what the spool has."""
        assert told(stages, partly) == "closed"
        assert below(stages, "attention", partly) == ["a.csv", "a.rejects.csv", *REPORTS]
        assert (place(stages, "attention", partly) / "a.rejects.csv").read_bytes() == REJECTS
        assert archived(stages)[f"2027/01/15/{partly.id}/rejects"] == REJECTS

    @pytest.mark.parametrize(
        ("events", "verb"),
        [
            (("held",), "release"),
            (("started", "in-doubt"), "release"),
            (("started", "in-doubt"), "resend"),
            (("started", "failed"), "resend"),
        ],
    )
    def test_told_in_between_and_at_the_end(self, stages, events, verb):
        """While a person is asked the original stays in `working/`; in the end all lies in `done/` alone."""
        submission, (batch,) = stages.prepared()
        stages.later()
        stages.move(batch.id, *events, reason="somebody must look")
        assert to_close(stages.context, lambda _: True) == [submission.id]
        assert told(stages, submission) == "told"
        assert below(stages, "attention", submission) == REPORTS
        assert "somebody must look" in (place(stages, "attention", submission) / "report.txt").read_text()
        assert (len(working(stages)), archived(stages)) == (1, {})
        assert to_close(stages.context, lambda _: True) == []
        say(stages, verb, batch.id)
        if stages.batch(batch.id).state == "READY":
            stages.attempt(FarSide(), batch.id)
        assert to_close(stages.context, lambda _: True) == [submission.id]
        assert told(stages, submission) == "closed"
        assert below(stages, "attention", submission) is None
        assert below(stages, "done", submission) == ["a.csv", *REPORTS]
        assert working(stages) == []

    def test_another_trouble_is_told_anew(self, stages):
        """A batch that is held again after it was let go is news."""
        submission, (batch,) = stages.prepared()
        stages.move(batch.id, "held", reason="first")
        told(stages, submission)
        say(stages, "release", batch.id)
        stages.later()
        stages.move(batch.id, "held", reason="second")
        assert to_close(stages.context, lambda _: True) == [submission.id]
        told(stages, submission)
        assert "second" in (place(stages, "attention", submission) / "report.txt").read_text()

    def test_reports_the_ledger_did_not_hear_of(self, stages):
        """What happens after the story was put together is still owed: `told_at` is what was told."""
        submission, (first, second) = stages.prepared(batches=2)
        stages.move(first.id, "held")
        change = close(stages.context, submission.id)
        stages.later()
        stages.move(second.id, "held")
        stages.later()
        stages.commit(change)
        assert to_close(stages.context, lambda _: True) == [submission.id]


class TestAgain:
    """Told first, the ledger's word last: after a crash in between, all is done again, to the same end."""

    def test_after_a_crash_before_the_commit(self, stages, partly):
        """The files are the same, the archive is the same, and there is one of each."""
        close(stages.context, partly.id)
        files, kept = stages.tree(), archived(stages)
        stages.again()
        assert stages.submission(partly.id).state == "PREPARED"
        assert told(stages, partly) == "closed"
        assert (stages.tree(), archived(stages)) == (files, kept)

    def test_in_between_after_a_crash(self, stages):
        """The same while a batch is held."""
        submission, (batch,) = stages.prepared()
        stages.move(batch.id, "held")
        close(stages.context, submission.id)
        files = stages.tree()
        stages.again()
        assert told(stages, submission) == "told"
        assert stages.tree() == files

    def test_told_once_more(self, stages, sent):
        """To tell what was closed already changes no file and nothing in the archive."""
        told(stages, sent)
        files, kept = stages.tree(), archived(stages)
        assert told(stages, sent) == "told"
        assert stages.tree() == files
        assert kept.items() <= archived(stages).items()

    def test_a_half_written_report(self, stages, sent):
        """What a crash has left half done in the sub-folder is replaced."""
        folder = place(stages, "done", sent)
        folder.mkdir()
        (folder / ".writing.partial").write_text("half")
        (folder / "report.txt").write_text("old")
        told(stages, sent)
        assert below(stages, "done", sent) == ["a.csv", *REPORTS]
        assert sent.id in (folder / "report.txt").read_text()

    def test_resent_after_it_was_closed(self, stages, sent):
        """Reopened and closed again: in one folder, with both deliveries archived beside what was before."""
        told(stages, sent)
        before = archived(stages)
        (batch,) = stages.ledger.batches_of(sent.id)
        say(stages, "resend", batch.id)
        assert to_close(stages.context, lambda _: True) == []
        stages.attempt(FarSide(), stages.ledger.batches_of(sent.id)[1].id)
        assert to_close(stages.context, lambda _: True) == [sent.id]
        assert told(stages, sent) == "closed"
        assert below(stages, "done", sent) == ["a.csv", *REPORTS]
        after = archived(stages)
        assert before.items() <= after.items()
        assert len([path for path in after if "/batch-" in path and f"{sent.id}-2/" in path]) == 2
        assert all(one.state == "SENT" for one in stages.ledger.batches_of(sent.id))

    def test_held_after_it_was_reopened(self, stages, sent):
        """The original and the reports move to `attention/` and back: never in both."""
        told(stages, sent)
        say(stages, "resend", stages.ledger.batches_of(sent.id)[0].id)
        stages.later()
        second = stages.ledger.batches_of(sent.id)[1]
        stages.move(second.id, "held")
        told(stages, sent)
        assert set(REPORTS) <= set(below(stages, "attention", sent))
        assert not set(REPORTS) & set(below(stages, "done", sent) or ())
        stages.move(second.id, "cancelled")
        told(stages, sent)
        assert below(stages, "done", sent) == ["a.csv", *REPORTS]
        assert below(stages, "attention", sent) is None


class TestOthersFiles:
    """Nobody else's file is overwritten, removed or followed."""

    def test_beside_ours(self, stages):
        """What somebody put into the sub-folder in the meantime stays where they put it."""
        submission, (batch,) = stages.prepared()
        stages.move(batch.id, "held")
        told(stages, submission)
        note = place(stages, "attention", submission) / "note.txt"
        note.write_text("I called them")
        stages.move(batch.id, "cancelled")
        told(stages, submission)
        assert note.read_text() == "I called them"
        assert below(stages, "attention", submission) == ["note.txt"]

    def test_under_the_name_of_the_original(self, stages, sent):
        """Both are kept."""
        folder = place(stages, "done", sent)
        folder.mkdir()
        (folder / "a.csv").write_text("theirs")
        told(stages, sent)
        assert (folder / "a.csv").read_text() == "theirs"
        assert (folder / "1--a.csv").read_bytes() == b"a.csv"

    def test_a_changed_rejects_file(self, stages):
        """Somebody who mends the rejects file in place does not lose their work."""
        submission = stages.drop()
        stages.paper(submission, "rejects", REJECTS)
        (batch,) = stages.ledger.batches_of(submission.id)
        stages.move(batch.id, "held")
        told(stages, submission)
        mended = place(stages, "attention", submission) / "a.rejects.csv"
        mended.chmod(0o644)
        mended.write_text("mended")
        stages.move(batch.id, "cancelled")
        told(stages, submission)
        texts = [path.read_bytes() for path in stages.settings.drop.rglob("a.rejects.csv")]
        assert b"mended" in texts

    def test_a_link_for_a_sub_folder(self, stages, sent, tmp_path):
        """It is not followed: the folder cannot be used, which is said, and nothing is lost."""
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        place(stages, "done", sent).symlink_to(elsewhere)
        with pytest.raises(DropFolderError, match="folder done of feed shop"):
            close(stages.context, sent.id)
        assert (list(elsewhere.iterdir()), len(working(stages))) == ([], 1)

    def test_a_link_for_a_report(self, stages, sent, tmp_path):
        """The link is replaced; what it leads to is not written to."""
        precious = tmp_path / "precious"
        precious.write_text("mine")
        folder = place(stages, "done", sent)
        folder.mkdir()
        (folder / "report.txt").symlink_to(precious)
        told(stages, sent)
        assert precious.read_text() == "mine"
        assert not (folder / "report.txt").is_symlink()

    def test_other_files_in_working(self, stages, sent):
        """Only the submission's own file leaves `working/`."""
        other = stages.drop("b.csv")
        told(stages, sent)
        assert working(stages) == [f"{other.id}--b.csv"]


class TestMissing:
    def test_the_original_is_gone(self, stages, sent):
        """Where somebody took it out of `working/`, the agent's own copy is put there."""
        (taken,) = (stages.settings.drop / "shop" / "working").iterdir()
        taken.unlink()
        told(stages, sent)
        assert (place(stages, "done", sent) / "a.csv").read_bytes() == b"a.csv"

    def test_written_after_it_was_taken(self, stages, sent):
        """It is said before the file is moved on, and somebody has to look."""
        (taken,) = (stages.settings.drop / "shop" / "working").iterdir()
        with taken.open("ab") as file:
            file.write(b"more")
        assert told(stages, sent) == "told"
        assert [one.code for one in stages.ledger.groups(sent.id)] == ["W-LATEWRITE"]
        assert told(stages, sent) == "closed"
        assert below(stages, "attention", sent) == ["a.csv", *REPORTS]

    def test_an_altered_batch(self, stages, sent):
        """It is not archived as what it is not; the audit names it, all else is archived."""
        (batch,) = stages.ledger.batches_of(sent.id)
        path = stages.spool.path(batch.path)
        path.unlink()
        path.write_bytes(b"x")
        assert told(stages, sent) == "closed"
        assert f"batch-1-{batch.name}" in stages.ledger.audit([sent.id])[-1].note
        assert not [one for one in archived(stages) if "/batch-" in one]
        assert f"2027/01/15/{sent.id}/original" in archived(stages)

    def test_the_drop_folder_is_gone(self, stages, sent):
        """It is told when the folder is back; the ledger still owes it."""
        folder = stages.settings.drop / "shop"
        folder.rename(stages.root / "away")
        with pytest.raises(DropFolderError):
            close(stages.context, sent.id)
        (stages.root / "away").rename(folder)
        assert told(stages, sent) == "closed"


class TestReleased:
    """A file that lay in `attention/` and was taken up after all ends in one place."""

    @pytest.fixture
    def rejected(self, stages):
        """Make a rejected submission that was told of."""
        submission = stages.drop()
        stages.move(submission.id, "rejected")
        told(stages, submission)
        return submission

    def test_and_sent(self, stages, rejected):
        """The original comes along from `attention/`, of which nothing is left."""
        say(stages, "release", rejected.id)
        stages.prepare(rejected)
        stages.attempt(FarSide(), stages.ledger.batches_of(rejected.id)[0].id)
        assert told(stages, rejected) == "closed"
        assert below(stages, "done", rejected) == ["a.csv", *REPORTS]
        assert below(stages, "attention", rejected) is None

    def test_and_rejected_again(self, stages, rejected):
        """It is told again, in the same place."""
        say(stages, "release", rejected.id)
        stages.later()
        stages.move(rejected.id, "rejected", reason="worse")
        assert to_close(stages.context, lambda _: True) == [rejected.id]
        told(stages, rejected)
        assert below(stages, "attention", rejected) == ["a.csv", *REPORTS]

    def test_and_cancelled(self, stages, rejected):
        """What a person gave up needs nobody."""
        say(stages, "cancel", rejected.id)
        told(stages, rejected)
        assert below(stages, "done", rejected) == ["a.csv", *REPORTS]
        assert below(stages, "attention", rejected) is None

    def test_rejects_of_two_generations(self, stages):
        """The rejects file of the generation that counts is there; the older one is gone if nobody changed it."""
        submission = stages.drop()
        stages.move(
            submission.id, "rejected", papers=(stages.keep(submission, "rejects", b"first"),), told_at=0.0
        )
        told(stages, submission)
        assert below(stages, "attention", submission) == ["a.csv", "a.rejects.csv", *REPORTS]
        say(stages, "release", submission.id)
        stages.paper(stages.submission(submission.id), "rejects", b"second")
        stages.attempt(FarSide(), stages.ledger.batches_of(submission.id)[0].id)
        told(stages, submission)
        assert below(stages, "attention", submission) == ["a.csv", "a.rejects-1.csv", *REPORTS]
        assert (place(stages, "attention", submission) / "a.rejects-1.csv").read_bytes() == b"second"


@pytest.mark.parametrize(
    "name", ["report.html", "report.txt", "manifest.json", "x" * 251 + ".csv", "-rf", "ü é.csv"]
)
def test_names(stages, name):
    """Whatever a file is called: it is there beside its report, and archived."""
    submission, (batch,) = stages.prepared(name)
    stages.attempt(FarSide(), batch.id)
    assert told(stages, submission) == "closed"
    (folder,) = (stages.settings.drop / "shop" / "done").iterdir()
    originals = [path for path in folder.iterdir() if path.name not in REPORTS]
    assert [path.read_bytes() for path in originals] == [name.encode()]
    assert archived(stages)[f"2027/01/15/{submission.id}/original"] == name.encode()
