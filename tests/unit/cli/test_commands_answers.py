"""What commands say about what came back: impact.com's side is a folder of result files here."""

from __future__ import annotations

import json

import pytest

from tests.house import source
from tests.running import put, told_in


@pytest.fixture
def answering(place, tmp_path):
    """Have the installation look for answers in a folder; return the folder."""
    folder = tmp_path / "results"
    folder.mkdir()
    settings = place.config / "agent.yaml"
    source_of_answers = {"type": "resultfiles", "folder": str(folder), "settle": "0s", "poll": "10ms"}
    written = settings.read_text()
    settings.write_text(f"{written}\nacknowledgements: [{json.dumps(source_of_answers)}]\n")
    return folder


@pytest.fixture
def delivered(place, ask, answering):
    """Drop a file of three orders and have it delivered; return its batch."""
    put(place.drop / "shop", "refunds.csv", source("A", "B", "C"))
    said = ask("once", "--json")
    assert said.code == 0
    return said.told["submissions"][0]["batches"][0]["batch"]


def result(batch, *lines: int) -> str:
    """Write a result in which the rows on these lines are refused."""
    rows = "".join(f"{line},O{line},Validation,ACTION_REF_NOT_FOUND\n" for line in lines)
    head = f"FileName: {batch['name']}\nStatus: Complete\nTotalRecords: 3\nTotalErrors: {len(lines)}\n"
    return head + (f"\nLine,OrderId,Status,Reason\n{rows}" if lines else "")


def test_the_help_tells_what_a_word_means_for_a_batch_that_waits(ask):
    """Who reads "release it" in a report about an overdue answer must find it there."""
    words = " ".join(ask("release", "--help").out.split())
    assert "One that waits for impact.com's answer waits no more" in words
    assert "collect answers" in " ".join(ask("once", "--help").out.split())


def test_delivered_it_waits(ask, place, delivered):
    """Nothing is due, so the pass ended well; the status says what is waited for."""
    assert (delivered["state"], delivered["awaited"]) == ("SENT", True)
    assert "Delivered; impact.com has not answered yet" in ask("status").out
    assert set(told_in(place.drop / "shop", "sent")) == {"refunds.csv"}


def test_refused_rows_are_data_refused(ask, place, answering, delivered):
    """The pass that collects them says so by its exit code; `show` names each row, the report is in attention/."""
    (answering / f"result_{delivered['name']}").write_text(result(delivered, 3))
    said = ask("once")
    assert (said.code, "Partly accepted: impact.com refused 1 of 3 rows" in said.out) == (65, True)
    shown = ask("show", delivered["id"]).out
    assert "ACTION_REF_NOT_FOUND, 1 row" in shown
    assert "O3" in shown
    report = told_in(place.drop / "shop", "attention")["refunds.csv"]["report.html"].decode()
    assert "Rows that impact.com refused" in report
    answers = ask("show", delivered["id"], "--json").told["batches"][0]["answers"]
    assert [(one["stage"], one["event"], one["refused"]) for one in answers] == [
        ("processed", "processed", 1)
    ]


def test_all_well_ends_in_done(ask, place, answering, delivered):
    """Processed without errors: green, and the original lies beside the report."""
    (answering / f"result_{delivered['name']}").write_text(result(delivered))
    assert ask("once").code == 0
    assert "All 3 rows were delivered and processed without errors" in ask("status").out
    assert "refunds.csv" in told_in(place.drop / "shop", "done")["refunds.csv"]


def test_what_matches_nothing_is_in_the_status(ask, answering, delivered):
    """It is kept, and whoever looks at the status hears of it."""
    (answering / "result_of_somebody.csv").write_text("FileName,TotalRecords,TotalErrors\nx.csv,1,0\n")
    assert ask("once").code == 0
    said = ask("status")
    assert "1 acknowledgement named no batch of this agent" in said.out
    assert "result_of_somebody.csv" in said.out
    assert [one["name"] for one in ask("status", "--json").told["unmatched"]] == ["result_of_somebody.csv"]


def test_a_person_may_end_the_waiting(ask, place, delivered):
    """`release` says that somebody has looked; without something to wait for there is nothing to release."""
    assert ask("release", delivered["submission"], "--why", "seen there").code == 0
    assert ask("once").code == 0
    assert set(told_in(place.drop / "shop", "done")) == {"refunds.csv"}
    assert "there is nothing to release" in ask("release", delivered["submission"], "--why", "again").err
