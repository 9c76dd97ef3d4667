from __future__ import annotations

import os
import subprocess
import time

import pytest

from agent.acks import every_kind
from agent.cli.exits import Exit, exit_of
from agent.cli.working import outcome
from agent.errors import AgentError, LedgerError, Permanent, RefusedFile, SettingsError, Transient
from agent.feedback.story import Delivery, Story
from agent.model import Attempt, Batch, Counts, Submission
from agent.service import Agent, AlreadyRunningError
from agent.settings.loader import load
from agent.spool import NoRoomError
from agent.workers import NoWorkerError, TemplateUnusableError
from tests.house import source
from tests.running import TOP, arrived, put, told_in
from tests.servers import free_port, make_key, public


def drop(place, name="refunds.csv", content=None):
    """Drop a file into the feed's folder."""
    return put(place.drop / "shop", name, source("A") if content is None else content)


def tree(folder):
    """Return every file below a folder with its bytes."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_pass_delivers_what_is_there(place, ask, inbox):
    """0, the file at the server, and a line about it."""
    drop(place)
    said = ask("once")
    assert said.code == 0
    assert "The 1 row was delivered" in said.out
    assert len(arrived(inbox)) == 1
    assert set(told_in(place.drop / "shop", "done")) == {"refunds.csv"}


def test_the_same_as_json(place, ask):
    """For programs, what happened in this pass and only that."""
    drop(place, "first.csv", source("A"))
    ask("once")
    drop(place, "second.csv", source("B"))
    said = ask("once", "--json")
    (one,) = said.told["submissions"]
    assert (said.code, one["submission"]["name"], one["submission"]["state"]) == (0, "second.csv", "CLOSED")
    assert one["batches"][0]["batch"]["state"] == "SENT"


@pytest.mark.parametrize(
    ("content", "words"), [(b"", "Nothing was sent"), (source("A", "B", bad=("A",)), "Partly sent")]
)
def test_data_that_is_refused_ends_with_65(place, ask, content, words):
    """All of it or a part: something lies in attention/."""
    drop(place, "refunds.csv", content)
    said = ask("once")
    assert (said.code, words in said.out) == (65, True)
    assert set(told_in(place.drop / "shop", "attention")) == {"refunds.csv"}


def test_a_server_that_is_down_ends_with_75(place, ask):
    """Try again later: the batch is deferred. It is still to be done in the next pass, which says so too."""
    place.settings["destinations"]["there"] |= {
        "port": free_port(),
        "retries": {"first": "1h", "at_most": "1h"},
    }
    place.save()
    drop(place)
    said = ask("once")
    assert (said.code, "next try at" in said.out) == (75, True)
    assert ask("once").code == 75


def test_a_server_that_refuses_ends_with_69(place, ask, tmp_path):
    """A person has to do something; the second file is not even tried."""
    stranger = public(make_key(tmp_path / "stranger")).strip()
    place.settings["destinations"]["there"]["host_keys"] = [stranger]
    place.save()
    drop(place, "first.csv", source("A"))
    drop(place, "second.csv", source("B"))
    said = ask("once", "--json")
    states = [one["batches"][0]["batch"]["state"] for one in said.told["submissions"]]
    assert (said.code, sorted(states)) == (69, ["HELD", "READY"])


def test_a_file_that_is_not_ready_ends_with_75(place, ask):
    """Its marker is not there: it is left where it is."""
    (place.config / "feeds" / "shop.yaml").write_text(
        (place.config / "feeds" / "shop.yaml").read_text() + "ready_marker: .done\n"
    )
    path = drop(place)
    assert ask("once").code == 75
    assert path.exists()
    path.with_name("refunds.csv.done").touch()
    assert ask("once").code == 0
    assert not path.exists()


def test_a_pass_waits_for_what_is_settling(place, ask, inbox):
    """A file that has to be still for a moment goes out in the same pass."""
    text = (place.config / "feeds" / "shop.yaml").read_text()
    (place.config / "feeds" / "shop.yaml").write_text(text.replace("settle: 0s", "settle: 300ms"))
    drop(place)
    assert ask("once").code == 0
    assert len(arrived(inbox)) == 1


def test_a_drop_folder_that_is_not_there_is_said_and_ends_with_75(place, ask):
    """Its file system may come back; nothing is made in its place."""
    for folder in (place.drop / "shop", place.drop):
        folder.rmdir()
    said = ask("once")
    assert (said.code, "E-FOLDER" in said.err) == (75, True)
    assert not place.drop.exists()


@pytest.mark.parametrize("command", ["once", "run"])
def test_a_second_agent_ends_with_75_at_once(place, ask, command):
    """Within a second, with one sentence; the first is not disturbed."""
    with Agent(load(place.config, every_kind())):
        begun = time.monotonic()
        said = ask(command)
        assert time.monotonic() - begun < 1
    assert (said.code, said.err) == (75, f"impact-agent: another agent works on {place.state}\n")
    assert ask("once").code == 0


@pytest.mark.parametrize("command", ["once", "run", "status"])
def test_a_ledger_that_is_gone_ends_with_78(place, ask, command):
    """The spool is not empty: nobody knows what was sent, so nothing is."""
    drop(place)
    ask("once")
    for path in place.state.glob("ledger.db*"):
        path.unlink()
    drop(place, "second.csv", source("B"))
    said = ask(command)
    assert said.code == 78
    assert said.err.startswith(f"impact-agent: {place.state}/ledger.db is missing")
    assert (place.drop / "shop" / "second.csv").exists()


@pytest.mark.parametrize("command", ["once", "run"])
def test_templates_that_cannot_be_used_end_with_78(place, ask, command):
    """Before anything is taken; each mistake with its place."""
    place.feed("shop", "level: item\ntemplate: shop.csv.j2\ndestination: there\n", "Oid,SKU\n{{ row.a }}\n")
    said = ask(command)
    assert (said.code, "templates/shop.csv.j2:" in said.err) == (78, True)
    assert not place.state.exists()


def test_a_full_disk_for_the_log_is_no_hindrance(place):
    """Nobody can read what is said; the file goes out all the same."""
    drop(place)
    with open("/dev/full", "w", encoding="utf-8") as full:  # noqa: PTH123 - a device
        done = subprocess.run(
            place.command("once"), cwd=TOP, stdout=subprocess.PIPE, stderr=full, text=True, check=False
        )
    assert (done.returncode, "The 1 row was delivered" in done.stdout) == (0, True)


def test_nobody_who_reads_on_is_no_failure(place):
    """`impact-agent status | head -0` ends quietly."""
    drop(place)
    place.ask("once")
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        place.command("status"), cwd=TOP, stdout=writing, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def story(state="CLOSED", *batches, kept_back=0, attempts=()):
    """Return a story with batches in these states."""
    submission = Submission(
        "s", "shop", "a.csv", state, "", 1.0, 1.0, "", 1, "", counts=Counts(kept_back=kept_back)
    )
    made = [
        Batch(f"b{number}", "s", "there", number, "n", "p", "0" * 64, 1, 1, (), one, "", 0.0, 0, 1.0, 1.0)
        for number, one in enumerate(batches, start=1)
    ]
    return Story(submission, tuple(Delivery(batch, attempts) for batch in made))


@pytest.mark.parametrize(
    ("stories", "code"),
    [
        ([], Exit.DONE),
        ([story("CLOSED", "SENT")], Exit.DONE),
        ([story("CLOSED", "SENT", "CANCELLED")], Exit.DONE),
        ([story("CLOSED", "SENT", kept_back=1)], Exit.DATA_REFUSED),
        ([story("REJECTED")], Exit.DATA_REFUSED),
        ([story("DUPLICATE")], Exit.DATA_REFUSED),
        ([story("QUARANTINED")], Exit.DATA_REFUSED),
        ([story("PREPARED", "HELD")], Exit.DATA_REFUSED),
        (
            [story("PREPARED", "HELD", attempts=(Attempt("b1", 1, 1.0, "STARTED", 2.0, "held"),))],
            Exit.UNAVAILABLE,
        ),
        ([story("PREPARED", "IN_DOUBT")], Exit.UNAVAILABLE),
        ([story("PREPARED", "DEFERRED")], Exit.TRY_AGAIN),
        ([story("PREPARED", "READY")], Exit.TRY_AGAIN),
        ([story("PREPARED", "SENDING")], Exit.TRY_AGAIN),
        ([story("RECEIVED")], Exit.TRY_AGAIN),
        ([story("PREPARED", "FAILED")], Exit.FAILED),
        ([story("REJECTED"), story("PREPARED", "DEFERRED")], Exit.TRY_AGAIN),
        ([story("PREPARED", "DEFERRED"), story("PREPARED", "IN_DOUBT")], Exit.UNAVAILABLE),
        ([story("PREPARED", "IN_DOUBT", "FAILED")], Exit.FAILED),
    ],
)
def test_the_worst_thing_counts(stories, code):
    """One exit code tells a script what a pass came to."""
    assert outcome(stories) == code


def test_files_left_behind_are_to_be_tried_again():
    """Unless something worse happened."""
    assert outcome([], unsettled=1) == Exit.TRY_AGAIN
    assert outcome([story("PREPARED", "IN_DOUBT")], unsettled=1) == Exit.UNAVAILABLE


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SettingsError(("wrong",)), 78),
        (TemplateUnusableError("wrong"), 78),
        (LedgerError("gone"), 78),
        (AlreadyRunningError("busy"), 75),
        (NoRoomError("full"), 75),
        (NoWorkerError("none"), 75),
        (Transient("later"), 75),
        (Permanent("never"), 69),
        (RefusedFile(), 65),
        (PermissionError(13, "no"), 77),
        (OSError(5, "broken"), 1),
        (AgentError("any"), 1),
    ],
)
def test_every_error_has_its_exit_code(error, code):
    """One table for all commands."""
    assert exit_of(error) == code
