from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agent.cli.demo_checks import differences, received, wrong_ends
from agent.cli.demo_scene import ENDS, EXPECTED, End, Refused

TOP = Path(__file__).resolve().parents[2]
GOOD = b"""\
Oid,ActionTrackerID,SKU,Amount,Quantity,Reason\r
A-1001,16027,RED-1,0,0,ITEM_RETURNED\r
A-1001,16027,RED-2,19.90,1,ITEM_RETURNED\r
A-1003,16027,RED-1,0,0,OTHER\r
"""
PARTLY_BAD = b"""\
Oid,ActionTrackerID,SKU,Amount,Quantity,Reason\r
A-2001,16027,RED-1,0,0,ITEM_RETURNED\r
A-2003,16027,BLUE-7,5.00,1,OTHER\r
"""
CORRECTIONS = b"""\
Oid,ActionTrackerID,Amount,Reason\r
B-7001,16027,49.90,ORDER_UPDATE\r
B-7002,16027,120.00,ORDER_UPDATE\r
"""
NOT_FOUND = "ACTION_REF_NOT_FOUND"
ANSWERED = ("taken", "processed")
RIGHT = {
    "monday.csv": End(
        "CLOSED",
        ("PROCESSED",),
        3,
        0,
        1,
        (Refused("A-1001", "RED-1", NOT_FOUND), Refused("A-1001", "RED-2", NOT_FOUND)),
        ANSWERED,
    ),
    "tuesday.csv": End("CLOSED", ("PROCESSED",), 2, 2, 0, (), ANSWERED),
    "wednesday.csv": End("REJECTED", (), 0, 0, 0, (), ()),
    "prices.csv": End("CLOSED", ("PROCESSED",), 2, 0, 0, (), ANSWERED),
}


def _start(*words, home, program=("-m", "agent")):
    environment = {"PYTHONPATH": str(TOP), "PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"}
    command = [sys.executable, *program, *map(str, words)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=home, env=environment, stdout=pipe, stderr=pipe, text=True)


def _impact_agent(*words, home, **how):
    with _start(*words, home=home, **how) as running:
        out, err = running.communicate(timeout=60)
    return subprocess.CompletedProcess(words, running.returncode, out, err)


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Run the demo once, as a process in a bare environment."""
    home = tmp_path_factory.mktemp("demo")
    begun = time.monotonic()
    ended = _impact_agent("demo", "--folder", "here", home=home)
    return home / "here", ended, time.monotonic() - begun


def _has(place):
    return sorted(path.read_bytes() for path in place.rglob("*") if path.is_file())


def test_the_receiver_has_exactly_the_right_bytes(shown):
    """What was good arrives, over SFTP and by mail; the demo says so and ends well, in good time."""
    place, ended, seconds = shown
    assert (ended.returncode, ended.stderr) == (0, "")
    (place / "impact.com" / "sftp" / "results").rename(place / "results")
    assert _has(place / "impact.com" / "sftp") == sorted([GOOD, PARTLY_BAD])
    assert _has(place / "impact.com" / "mail") == [CORRECTIONS]
    (place / "results").rename(place / "impact.com" / "sftp" / "results")
    assert "Byte for byte what it should be: yes." in ended.stdout
    assert seconds < 60


def test_it_is_silent_but_for_its_story(shown):
    """No log line, no traceback and no colour codes; every line fits a page."""
    _, ended, _ = shown
    assert not re.search(r'[{}\x1b]|"event"|Traceback|\[warning', ended.stdout)
    told = [line for line in ended.stdout.splitlines() if " -c " not in line]  # commands hold a path
    assert [line for line in told if len(line) > 110] == []


STEPS = {
    2: {
        "monday.csv": "Delivered; impact.com has not answered yet",
        "tuesday.csv": "Partly sent: 1 of 3 orders was kept back",
        "wednesday.csv": "Nothing was sent: the quote that opens on line 2",
        "prices.csv": "Delivered; impact.com has not answered yet",
    },
    3: {
        "monday.csv": "Delivered; impact.com has it",
        "tuesday.csv": "Partly sent: 1 of 3 orders was kept back",
        "wednesday.csv": "Nothing was sent: the quote that opens on line 2",
        "prices.csv": "Delivered; impact.com has it",
    },
    4: {
        "monday.csv": "Partly accepted: impact.com refused 2 of 3 rows",
        "tuesday.csv": "Partly sent: 1 of 3 orders was kept back",
        "wednesday.csv": "Nothing was sent: the quote that opens on line 2",
        "prices.csv": "All 2 rows were delivered and processed without errors",
    },
}


@pytest.mark.parametrize("step", STEPS)
def test_it_tells_what_became_of_each_file(shown, step):
    """After delivery, receipts and results each file is named with how it stands then."""
    _, ended, _ = shown
    told = ended.stdout.partition(f"\n{step}. ")[2].partition(f"\n{step + 1}. ")[0]
    stands = dict(re.findall(r"^ {3}(\w+\.csv) +(.*)$", told, re.MULTILINE))
    assert list(stands) == list(STEPS[step])
    assert {name: stands[name][: len(words)] for name, words in STEPS[step].items()} == STEPS[step]


def test_it_tells_what_came_back(shown):
    """Each batch has a receipt and a result, over the way it went; the refused rows are named, and no others."""
    place, ended, _ = shown
    told = ended.stdout.partition("6. What came back")[2].partition("7. ")[0]
    assert [line.partition("  (of ")[2] for line in told.splitlines() if "  (of " in line] == [
        "monday.csv): a receipt",
        "monday.csv): processed, 2 refused",
        "tuesday.csv): a receipt",
        "tuesday.csv): processed, 0 refused",
        "prices.csv): a receipt",
        "prices.csv): processed, 0 refused",
    ]
    assert re.findall(r"refused: (.*)", told) == [
        f"order A-1001, SKU RED-1: {NOT_FOUND}",
        f"order A-1001, SKU RED-2: {NOT_FOUND}",
    ]
    over_sftp = sorted(path.name for path in (place / "impact.com" / "sftp" / "results").iterdir())
    assert [name.partition("_")[0] for name in over_sftp] == ["receipt", "receipt", "result", "result"]
    archived = sorted(path.suffix for path in (place / "state" / "archive").rglob("acknowledgement-*"))
    assert archived == [".answer"] * 4 + [".eml"] * 2


def test_the_reports_tell_the_refused_rows(shown):
    """What is partly accepted says so on top, and which rows were refused."""
    place, _, _ = shown
    (folder,) = (place / "drop" / "refunds" / "attention").glob("*--monday.csv")
    report = (folder / "report.txt").read_text(encoding="utf-8")
    assert "NEEDS A LOOK: Partly accepted: impact.com refused 2 of 3 rows" in report
    assert re.findall(r"A-1001 +(RED-\d)", report) == ["RED-1", "RED-2"]


def test_what_it_points_at_is_there(shown):
    """Every folder and file it names exists, and the commands it ends with work."""
    place, ended, _ = shown
    where = ended.stdout.partition("7. Where to look")[2]
    folders = re.findall(r"^ {3}(\S+)/(?: .*)?$", where, re.MULTILINE)
    assert len(folders) == 8
    assert [name for name in folders if not (place / name).is_dir()] == []
    named = re.findall(r"^ {3}(\S+)/$((?:\n {5}\S+ .*)+)", where, re.MULTILINE)
    files = [
        place / folder / line.split()[0] for folder, lines in named for line in lines.strip().split("\n")
    ]
    assert [file.name for file in files] == [
        "report.html",
        "report.html",
        "tuesday.rejects.csv",
        "report.html",
        "report.html",
    ]
    assert [file for file in files if not file.is_file()] == []
    commands = re.findall(r" -c (\S+) (status|show \S+)$", where, re.MULTILINE)
    assert [words.split()[0] for _, words in commands] == ["status", "show"]
    for config, words in commands:
        told = _impact_agent("-c", config, *words.split(), home=place.parent)
        assert told.returncode == 0, told.stderr
        assert "monday.csv" in told.stdout


def test_what_was_kept_back_comes_back(shown):
    """The rejects file holds the bad order whole, and nothing else."""
    place, _, _ = shown
    (rejects,) = place.rglob("tuesday.rejects.csv")
    lines = rejects.read_text(encoding="utf-8").splitlines()
    assert [line.split(";")[:2] for line in lines[1:]] == [["A-2002", "RED-2"], ["A-2002", "RED-3"]]


def test_all_is_archived(shown):
    """What was sent stands in the archive with its manifest, byte for byte."""
    place, _, _ = shown
    archived = [path for path in (place / "state" / "archive").rglob("batch-*") if path.is_file()]
    assert sorted(path.read_bytes() for path in archived) == sorted([GOOD, PARTLY_BAD, CORRECTIONS])
    assert len(list((place / "state" / "archive").rglob("manifest.json"))) == 3


def test_it_does_not_mix_with_other_files(tmp_path):
    """A folder that is not empty is refused and stays as it is."""
    (tmp_path / "letter.txt").write_text("dear")
    ended = _impact_agent("demo", "--folder", tmp_path, home=tmp_path)
    assert ended.returncode == 2
    assert "is not empty" in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize(
    ("found", "times", "told"),
    [
        ([GOOD], 2, "lacks a file of 120 bytes"),
        ([], 0, "lacks a file of 158 bytes"),
        ([GOOD, PARTLY_BAD.replace(b"5.00", b"5.0")], 2, "should not have"),
        ([GOOD, PARTLY_BAD.replace(b"\r\n", b"\n")], 2, "should not have"),
        ([GOOD, PARTLY_BAD[:-1]], 2, "lacks a file of 120 bytes"),
        ([GOOD, PARTLY_BAD, b""], 2, "should not have: b''"),
        ([GOOD, GOOD, PARTLY_BAD], 2, "should not have"),
        ([GOOD, GOOD], 2, "lacks a file of 120 bytes"),
        ([GOOD, PARTLY_BAD], 3, "was given 3 files, not 2"),
    ],
)
def test_anything_else_at_the_receiver_fails_it(found, times, told):
    """One byte too few, a file too many, a file twice, a file sent again: each is named."""
    wanted = [GOOD, PARTLY_BAD]
    assert differences(wanted, 2, wanted) == differences(wanted[::-1], 2, wanted) == []
    assert told in "\n".join(differences(found, times, wanted))


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(End)])
def test_any_other_end_fails_it(field):
    """Another state, count, refused row or answer of a file is named; so is a file too many or too few."""
    other = {"submission": "PREPARED", "batches": ("TAKEN",), "refused": (), "answers": ("taken",)}
    changed = dataclasses.replace(RIGHT["monday.csv"], **{field: other.get(field, 7)})
    (told,) = wrong_ends({**RIGHT, "monday.csv": changed})
    assert told.startswith("monday.csv ended otherwise than it must: ")
    assert wrong_ends(RIGHT) == []
    assert len(wrong_ends({**RIGHT, "more.csv": changed})) == 1
    assert len(wrong_ends({})) == 4


def test_a_demo_whose_receiver_refuses_other_rows_fails(tmp_path):
    """Where all rows are accepted the demo does not end as it must, and says which file did not."""
    changed = (
        "from agent.cli.demo_scene import REFUSED; REFUSED.clear(); from agent.__main__ import main; main()"
    )
    ended = _impact_agent("demo", "--folder", "here", home=tmp_path, program=("-c", changed))
    assert ended.returncode == 1
    (_, told) = ended.stderr.strip().splitlines()
    assert told.startswith("monday.csv ended otherwise than it must: End(submission='CLOSED'")
    assert "Byte for byte what it should be: yes." in ended.stdout


def test_without_its_mail_server_it_says_what_to_install(tmp_path):
    """The extra is named; nothing is set up."""
    changed = "import sys; sys.modules['aiosmtpd'] = None; from agent.__main__ import main; main()"
    ended = _impact_agent("demo", "--folder", "here", home=tmp_path, program=("-c", changed))
    assert ended.returncode == 1
    assert "impact-batch-agent[demo]" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_demo_whose_receiver_has_more_fails(tmp_path):
    """A file that appears at the receiver while it runs makes the command fail, and is named."""
    there = tmp_path / "here" / "impact.com" / "sftp"
    with _start("demo", "--folder", "here", home=tmp_path) as running:
        while not there.is_dir() and running.poll() is None:
            time.sleep(0.001)
        (there / "stray.csv").write_bytes(b"stray")
        out, err = running.communicate(timeout=60)
    assert running.returncode == 1
    assert "should not have: b'stray'" in err
    assert "Byte for byte what it should be: NO." in out


def test_nothing_at_the_receiver_is_overlooked(tmp_path):
    """Hidden and half-written files count, wherever they lie."""
    (tmp_path / "b.csv").write_bytes(b"b")
    (tmp_path / ".a.csv.partial").write_bytes(b"a")
    (tmp_path / "processed").mkdir()
    (tmp_path / "processed" / "c.csv").write_bytes(b"c")
    assert sorted(received(tmp_path)) == [b"a", b"b", b"c"]
    assert sorted(received(tmp_path, but="processed")) == [b"a", b"b"]


def test_the_demo_expects_what_these_tests_do():
    """The bytes and ends it compares with are those written down here by hand."""
    assert sorted(EXPECTED["sftp"]) == sorted([GOOD, PARTLY_BAD])
    assert EXPECTED["mail"] == (CORRECTIONS,)
    assert ENDS == RIGHT
