from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from agent.cli.exits import MEANINGS
from tests.smallest import AGENT, FEED

TOP = Path(__file__).resolve().parents[2]


@pytest.fixture
def place(tmp_path):
    """Write a small installation in which nothing has run yet."""
    for name in ("config/feeds", "drop"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "config" / "agent.yaml").write_text(AGENT)
    (tmp_path / "config" / "feeds" / "returns.yaml").write_text(FEED)
    return tmp_path


@pytest.fixture
def impact_agent(place):
    """Run a command there as a process; its answer has code, out and err."""

    def run(*words, **environment):
        kept = {"PATH": os.environ["PATH"], "PYTHONPATH": str(TOP), "SFTP_PASSWORD": "x"}
        command = [sys.executable, "-m", "agent", *words]
        return subprocess.run(
            command, cwd=place, env=kept | environment, capture_output=True, text=True, check=False
        )

    return run


def test_sound_settings_are_well(impact_agent):
    """Said in one line, with how much was looked at."""
    checked = impact_agent("-c", "config", "check")
    assert (checked.returncode, checked.stdout) == (0, "All is well: 1 feed, 1 destination.\n")


def test_every_mistake_is_told_at_once_for_people_and_programs(place, impact_agent):
    """Settings, secrets and the drop folder: one line each, and the same as JSON."""
    (place / "drop").rmdir()
    checked = impact_agent("-c", "config", "check", SFTP_PASSWORD="")
    told = json.loads(impact_agent("-c", "config", "check", "--json", SFTP_PASSWORD="").stdout)
    assert checked.returncode == 78
    assert [problem["text"] for problem in told["problems"]] == checked.stdout.splitlines()
    assert [re.search(r"C-\w+", line)[0] for line in checked.stdout.splitlines()] == [
        "C-SECRETREF",
        "C-FOLDER",
    ]


def test_broken_settings_are_told_as_json_with_their_place(place, impact_agent):
    """A program gets file, line, column and code in parts, and the exit code."""
    (place / "config" / "agent.yaml").write_text(AGENT.replace("host:", "hosts:"))
    checked = impact_agent("-c", "config/agent.yaml", "check", "--json")
    places = [
        tuple(problem[key] for key in ("code", "file", "line", "column"))
        for problem in json.loads(checked.stdout)["problems"]
    ]
    assert checked.returncode == 78
    assert ("C-UNKNOWN", "agent.yaml", 7, 5) in places


@pytest.mark.parametrize("command", [("check",), ("status",), ("once",), ("show", "x"), ("run",)])
def test_settings_that_are_not_there_are_named_in_full(impact_agent, command):
    """Whoever forgot -c reads where the agent looked."""
    told = impact_agent("-c", "elsewhere", *command)
    assert told.returncode == 78
    assert "there are no settings at elsewhere" in told.stdout + told.stderr
    assert "Traceback" not in told.stderr


def test_before_anything_ran_there_is_nothing_to_tell(place, impact_agent):
    """Looking makes no ledger."""
    told = impact_agent("-c", "config", "status")
    assert told.returncode == 1
    assert "nothing has run yet" in told.stderr
    assert not (place / "state").exists()


def test_a_pass_with_nothing_due_says_so(place, impact_agent):
    """An empty folder is no failure; the folders are there afterwards."""
    done = impact_agent("-c", "config", "once")
    assert (done.returncode, done.stdout) == (0, "Nothing was due.\n")
    assert sorted(path.name for path in (place / "drop" / "returns").iterdir()) == [
        "attention",
        "done",
        "working",
    ]
    told = impact_agent("-c", "config", "status")
    assert (told.returncode, told.stdout) == (0, "Nothing was dropped yet.\n")


def test_an_unreadable_file_is_data_refused(place, impact_agent):
    """`once` and `preview` end with the code for refused data; `show` says where to look."""
    source = place / "bad.csv"
    source.write_text('InvoiceNo,StockCode\nC1,"D\n')
    assert impact_agent("-c", "config", "preview", "bad.csv").returncode == 65
    (place / "drop" / "returns").mkdir()
    source.rename(place / "drop" / "returns" / "bad.csv")
    done = impact_agent("-c", "config", "once")
    assert (done.returncode, "Nothing was sent: " in done.stdout) == (65, True)
    (identity,) = re.findall(r"^\d{8}-\w{8}", done.stdout, re.MULTILINE)
    shown = impact_agent("-c", "config", "show", identity[:12]).stdout
    folder = f"attention/{identity}--bad.csv"
    assert re.search(rf"^Original +{folder}/bad.csv$", shown, re.MULTILINE)
    assert sorted(path.name for path in (place / "drop" / "returns" / folder).iterdir()) == [
        "bad.csv",
        "report.html",
        "report.txt",
    ]
    decided = impact_agent("-c", "config", "cancel", identity, "--why", "mistyped", SUDO_USER="anna-b")
    assert decided.returncode == 0, decided.stderr
    history = impact_agent("-c", "config", "show", identity).stdout.partition("AUDIT")[2]
    assert re.search(r" anna-b as \S+ +cancelled: now CLOSED .*\n.*mistyped", history)


def test_a_decision_needs_its_reason(impact_agent):
    """Without --why nothing is decided, whatever the ID."""
    for verb in ("release", "resend", "cancel"):
        told = impact_agent("-c", "config", verb, "x")
        assert told.returncode == 2
        assert "--why" in told.stderr


def test_the_help_has_every_exit_code(impact_agent):
    """What scripts need to know stands in the help."""
    told = " ".join(impact_agent("--help").stdout.split())
    assert told.startswith("Usage: impact-agent ")
    assert [words for code, words in MEANINGS.items() if f"{code.value} {words}" not in told] == []
