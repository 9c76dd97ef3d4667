from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agent.cli.demo import EXPECTED, accepted, differences

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


def _start(*words, home):
    environment = {"PYTHONPATH": str(TOP), "PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"}
    command = [sys.executable, "-m", "agent", *map(str, words)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=home, env=environment, stdout=pipe, stderr=pipe, text=True)


def _impact_agent(*words, home):
    with _start(*words, home=home) as running:
        out, err = running.communicate(timeout=60)
    return subprocess.CompletedProcess(words, running.returncode, out, err)


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Run the demo once, as a process in a bare environment."""
    home = tmp_path_factory.mktemp("demo")
    begun = time.monotonic()
    ended = _impact_agent("demo", "--folder", "here", home=home)
    return home / "here", ended, time.monotonic() - begun


def _received(place):
    return sorted(path.read_bytes() for path in (place / "impact.com").rglob("*") if path.is_file())


def test_the_receiver_has_exactly_the_right_bytes(shown):
    """The good file and the good part of the other arrive; the demo says so and ends well, in good time."""
    place, ended, seconds = shown
    assert (ended.returncode, ended.stderr) == (0, "")
    assert sorted([GOOD, PARTLY_BAD]) == _received(place)
    assert "Byte for byte what it should be: yes." in ended.stdout
    assert seconds < 60


def test_it_is_silent_but_for_its_story(shown):
    """No log line, no traceback and no colour codes; every line fits a page."""
    _, ended, _ = shown
    assert not re.search(r'[{}\x1b]|"event"|Traceback|\[warning', ended.stdout)
    told = [line for line in ended.stdout.splitlines() if " -c " not in line]  # commands hold a path
    assert [line for line in told if len(line) > 110] == []


def test_it_tells_what_became_of_each_file(shown):
    """Each file is named with its end: sent, partly sent, not sent and why."""
    _, ended, _ = shown
    for name, end in (
        ("monday.csv", "All 3 rows were delivered"),
        ("tuesday.csv", "Partly sent: 1 of 3 orders was kept back"),
        ("wednesday.csv", "Nothing was sent: the quote that opens on line 2"),
    ):
        assert re.search(rf"^ +{re.escape(name)} +{re.escape(end)}", ended.stdout, re.MULTILINE)


def test_what_it_points_at_is_there(shown):
    """Every folder and file it names exists, and the commands it ends with work."""
    place, ended, _ = shown
    where = ended.stdout.partition("4. Where to look")[2]
    folders = re.findall(r"^ {3}(\S+)/(?: .*)?$", where, re.MULTILINE)
    assert len(folders) == 6
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
    ]
    assert [file for file in files if not file.is_file()] == []
    commands = re.findall(r" -c (\S+) (status|show \S+)$", where, re.MULTILINE)
    assert [words.split()[0] for _, words in commands] == ["status", "show"]
    for config, words in commands:
        told = _impact_agent("-c", config, *words.split(), home=place.parent)
        assert told.returncode == 0, told.stderr
        assert "wednesday.csv" in told.stdout


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
    assert sorted(path.read_bytes() for path in archived) == _received(place)
    assert len(list((place / "state" / "archive").rglob("manifest.json"))) == 2


def test_it_does_not_mix_with_other_files(tmp_path):
    """A folder that is not empty is refused and stays as it is."""
    (tmp_path / "letter.txt").write_text("dear")
    ended = _impact_agent("demo", "--folder", tmp_path, home=tmp_path)
    assert ended.returncode == 2
    assert "is not empty" in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize(
    ("received", "times", "told"),
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
def test_anything_else_at_the_receiver_fails_it(received, times, told):
    """One byte too few, a file too many, a file twice, a file sent again: each is named."""
    assert differences([GOOD, PARTLY_BAD], 2) == differences([PARTLY_BAD, GOOD], 2) == []
    assert told in "\n".join(differences(received, times))


def test_a_demo_whose_receiver_has_more_fails(tmp_path):
    """A file that appears at the receiver while it runs makes the command fail, and is named."""
    received = tmp_path / "here" / "impact.com"
    with _start("demo", "--folder", "here", home=tmp_path) as running:
        while not received.is_dir() and running.poll() is None:
            time.sleep(0.001)
        (received / "stray.csv").write_bytes(b"stray")
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
    assert sorted(accepted(tmp_path)) == [b"a", b"b", b"c"]


def test_the_demo_expects_what_these_tests_do():
    """The bytes it compares with are those written down here by hand."""
    assert sorted(EXPECTED) == sorted([GOOD, PARTLY_BAD])
