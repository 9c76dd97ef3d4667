from __future__ import annotations

import hashlib
import os
from dataclasses import replace

import pytest

from agent.stages.close import DropFolderError
from agent.stages.close.place import Place, written_late
from tests.dropping import unprivileged
from tests.house import House, source

LABEL = "20270115-abc--refunds.csv"


@pytest.fixture
def drop(tmp_path):
    """Make a drop folder with the folders in it."""
    folder = tmp_path / "shop"
    for name in ("working", "done", "attention"):
        (folder / name).mkdir(parents=True)
    return folder


def digest(content):
    """Return the SHA-256 of bytes."""
    return hashlib.sha256(content).hexdigest()


def no_copy():
    """Have no copy of the original."""


def told(drop, kind, text="words"):
    """Write a report there and clear the other folder."""
    with Place(drop, f"{kind}/{LABEL}") as place:
        place.write("report.html", lambda out: out.write(text))
        place.clear_the_others({"refunds.rejects.csv": digest(b"ours")})


def names(folder):
    """Return the names in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_a_report_replaces_the_one_before(drop):
    """At once: no moment without one, nothing half written left."""
    told(drop, "attention", "first")
    told(drop, "attention", "second")
    assert (drop / "attention" / LABEL / "report.html").read_text() == "second"
    assert names(drop / "attention" / LABEL) == ["report.html"]


def test_what_was_told_elsewhere_is_taken_away(drop):
    """The folder that nobody else uses goes as well."""
    told(drop, "attention")
    told(drop, "done")
    assert names(drop / "attention") == []
    assert names(drop / "done" / LABEL) == ["report.html"]


def test_what_others_have_put_there_stays(drop):
    """Notes, a rejects file at work; only our own words and unchanged files go."""
    told(drop, "attention")
    place = drop / "attention" / LABEL
    (place / "notes.txt").write_text("call them")
    (place / "refunds.rejects.csv").write_bytes(b"changed")
    told(drop, "done")
    assert names(place) == ["notes.txt", "refunds.rejects.csv"]
    (place / "refunds.rejects.csv").write_bytes(b"ours")
    told(drop, "done")
    assert names(place) == ["notes.txt"]


@pytest.mark.parametrize("name", ["report.html", ".writing.partial"])
def test_a_planted_link_is_replaced_not_followed(drop, name):
    """Somebody puts a link to a file of value under our name: that file stays as it is."""
    value = drop.parent / "value"
    value.write_text("keep me")
    (drop / "attention" / LABEL).mkdir()
    (drop / "attention" / LABEL / name).symlink_to(value)
    told(drop, "attention")
    assert value.read_text() == "keep me"
    assert (drop / "attention" / LABEL / "report.html").read_text() == "words"
    assert not (drop / "attention" / LABEL / "report.html").is_symlink()


@pytest.mark.parametrize("planted", [LABEL, ""])
def test_a_planted_folder_link_is_refused(drop, planted):
    """Our folder, or the one above, became a link elsewhere: nothing is written or removed there."""
    elsewhere = drop.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "report.html").write_text("keep me")
    if not planted:
        (drop / "attention").rmdir()
    (drop / f"attention/{planted}".rstrip("/")).symlink_to(elsewhere)
    with pytest.raises(DropFolderError):
        told(drop, "attention")
    told(drop, "done")  # clearing the other does not follow it either
    assert (elsewhere / "report.html").read_text() == "keep me"
    assert names(elsewhere) == ["report.html"]


def test_an_original_is_moved_and_never_replaces_anything(drop):
    """Where its name is taken by somebody's file it lies beside that."""
    (drop / "working" / "20270115-abc--refunds.csv").write_bytes(b"dropped")
    (drop / "done" / LABEL).mkdir()
    (drop / "done" / LABEL / "refunds.csv").write_bytes(b"somebody's")
    with Place(drop, f"done/{LABEL}") as place:
        place.bring_original("20270115-abc", "refunds.csv", no_copy)
    assert names(drop / "working") == []
    assert (drop / "done" / LABEL / "refunds.csv").read_bytes() == b"somebody's"
    assert (drop / "done" / LABEL / "1--refunds.csv").read_bytes() == b"dropped"


def test_only_the_submissions_own_file_is_moved(drop):
    """Others in `working/`, even with an id that begins alike, stay."""
    others = ["20270115-abcd--refunds.csv", "20270115-ab--refunds.csv", "notes"]
    for name in (*others, "20270115-abc--refunds.csv"):
        (drop / "working" / name).write_bytes(name.encode())
    with Place(drop, f"done/{LABEL}") as place:
        place.bring_original("20270115-abc", "refunds.csv", no_copy)
    assert names(drop / "working") == sorted(others)


def test_without_an_original_the_copy_is_brought(drop, tmp_path):
    """And without a copy nothing."""
    copy = tmp_path / "copy"
    copy.write_bytes(b"ours")
    with Place(drop, f"done/{LABEL}") as place:
        place.bring_original("20270115-abc", "refunds.csv", no_copy)
        assert names(drop / "done" / LABEL) == []
        place.bring_original("20270115-abc", "refunds.csv", lambda: copy)
    assert (drop / "done" / LABEL / "refunds.csv").read_bytes() == b"ours"


def test_a_file_that_is_there_is_not_brought_again(drop, tmp_path):
    """A person works on it."""
    ours = tmp_path / "rejects"
    ours.write_bytes(b"ours")
    with Place(drop, f"attention/{LABEL}") as place:
        place.bring(ours, "refunds.rejects.csv")
        (drop / "attention" / LABEL / "refunds.rejects.csv").write_bytes(b"mended")
        place.bring(ours, "refunds.rejects.csv")
        place.remove_unchanged({"refunds.rejects.csv": digest(b"ours")})
    assert (drop / "attention" / LABEL / "refunds.rejects.csv").read_bytes() == b"mended"


def test_what_is_no_plain_file_is_never_taken_for_ours(drop):
    """A pipe or a link under the name of a rejects file: not opened, not removed."""
    (drop / "attention" / LABEL).mkdir()
    os.mkfifo(drop / "attention" / LABEL / "pipe")
    (drop / "attention" / LABEL / "link").symlink_to("nowhere")
    with Place(drop, f"attention/{LABEL}") as place:
        place.remove_unchanged({"pipe": digest(b""), "link": digest(b"")})
    assert names(drop / "attention" / LABEL) == ["link", "pipe"]


def test_people_may_read_what_is_for_them(drop):
    """As far as the umask lets them."""
    before = os.umask(0o002)
    try:
        told(drop, "attention")
    finally:
        os.umask(before)
    assert (drop / "attention" / LABEL).stat().st_mode & 0o777 == 0o775
    assert (drop / "attention" / LABEL / "report.html").stat().st_mode & 0o777 == 0o664


def test_a_folder_one_may_not_write_is_said():
    """Which one, and why; nothing else is an error here."""
    with unprivileged() as home:
        drop = home / "shop"
        (drop / "attention").mkdir(parents=True)
        (drop / "attention").chmod(0o500)
        with pytest.raises(DropFolderError, match=r"the folder attention of feed shop .* Permission denied"):
            told(drop, "attention")
        (drop / "attention").chmod(0o700)


def test_a_descriptor_is_not_left_open(drop):
    """Neither after telling nor after an error."""
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - numbers only
    told(drop, "attention")
    told(drop, "done")
    (drop / "done" / LABEL / "report.html").unlink()
    (drop / "done" / LABEL).rmdir()
    (drop / "done" / LABEL).write_text("")
    with pytest.raises(DropFolderError):
        told(drop, "done")
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 - as above


def test_a_late_write_is_told_by_size_and_time(tmp_path):
    """Not by the device, whose number a restart may change."""
    house = House(tmp_path)
    submission = house.taken("refunds.csv", source("A"))
    (working,) = (house.drop() / "working").iterdir()
    device, *rest = submission.fingerprint.split(":")
    moved = ":".join((str(int(device) + 1), *rest))
    assert not written_late(house.drop(), submission)
    assert not written_late(house.drop(), replace(submission, fingerprint=moved))
    os.utime(working, ns=(1, working.stat().st_mtime_ns + 1))
    assert written_late(house.drop(), submission)
    working.unlink()
    assert not written_late(house.drop(), submission)
    house.stop()
