"""The catalogue of bad inputs is complete: every row names the tests that hold it, and those are there."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml

from agent.codes import CODES
from agent.settings.models import Limits
from agent.workers import Workers
from tests.house import HEADER, House, feed, source
from tests.oldbooks import record, xls
from tests.workbooks import xlsx, zipped

ROOT = Path(__file__).resolve().parents[2]
ROWS = yaml.safe_load((ROOT / "tests/corpus/bad-input/rows.yaml").read_text(encoding="utf-8"))
LAST = 116
SECONDS, MEMORY = 5.0, 512 * 2**20


def test_no_row_is_missing():
    """And none stands twice."""
    assert [row["row"] for row in ROWS] == [*range(1, LAST + 1)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"row {row['row']}")
def test_a_row_is_tested_where_it_says(row):
    """The test or the case is in the file, and the code is one that can be explained; what is absent has a reason."""
    assert bool(row.get("tested")) is (row["code"] != "absent")
    assert row["code"] != "absent" or row["because"]
    assert row["code"] in {*CODES, "accepted", "ignored", "absent"}
    for where in row.get("tested", ()):
        assert where["name"] in (ROOT / where["file"]).read_text(encoding="utf-8"), where


@pytest.fixture
def house(tmp_path):
    """Run an agent whose files are prepared in real, limited processes."""
    workers = Workers(Limits(memory=MEMORY, time=60.0, processor_time=SECONDS))
    made = House(tmp_path, feed(bad_rows={"at_most": "100%"}), workers=workers)
    yield made
    made.stop()
    workers.close()


def test_42_a_column_that_nobody_uses_is_named_and_harms_nothing(house):
    """The file goes out; which columns were left out is told by a preview."""
    house.taken("a.csv", f"{HEADER},Extra\n1,R1,a,0,0,OTHER,x\n".encode())
    house.drain()
    assert [batch.rows for batch in house.batches()] == [1]


def test_15_what_the_feed_forbids_is_set_aside_and_said(house_of):
    """In the folder, with the reason and the cure; of an archive its own mode counts, not what is packed."""
    house = house_of(feed(world_writable="refuse", archive="each"))
    for name, mode in (("bad.zip", 0o666), ("good.zip", 0o640)):
        house.put(name, zipped((f"{name}.csv", source(name[0])))).chmod(mode)
    house.take()
    house.drain()
    ends = {one.name: one.state for one in house.ledger.submissions()}
    assert ends == {"bad.zip": "QUARANTINED", "good.zip": "CLOSED", "good.zip.csv": "CLOSED"}
    report = house.told("attention")["bad.zip"]["report.txt"].decode()
    assert all(words in report for words in ("Q-OWNER", "mode 0666", "chmod o-w", "set aside unread"))


POISONED = {
    "bomb.zip": zipped(("a.csv", bytes(20_000_000))),
    "bomb.xlsx": zipped(("xl/workbook.xml", b" " * 20_000_000), ("[Content_Types].xml", b"x")),
    "circle.xls": xls([["a"]])[:516] + b"\x01\0\0\0" + xls([["a"]])[520:],
    "room.xls": xls([["a"], ["b"]], more=record(0x0200, b"\0\0\0\0\xff\xff\xff\xff\0\0\xff\xff\0\0")),
    "deep.json": b"[" * 1_000_000,
    "deep.xml": b'<?xml version="1.0"?>' + b"<a>" * 300_000,
    "entities.xml": b'<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a><r><x>&c;</x></r></a>',
    "quotes.csv": f"{HEADER}\n".encode() + b'1,"' * 300_000,
    "line.csv": f"{HEADER}\n".encode() + b"x" * 5_000_000,
    "columns.csv": b",".join(b"c%d" % number for number in range(100_000)) + b"\n1\n",
    "blanks.csv": f"{HEADER}\n".encode() + b"\n" * 20_000 + b"1,2,3,4,5,6\n",
    "commas.csv": f"{HEADER}\n".encode() + b",,,,,,,\n" * 20_000 + b"1\n",
    "nothing.csv": bytes(1_000_000),
    "rows.csv": source(
        *(f"R{number}" for number in range(10_000)), bad=tuple(f"R{number}" for number in range(10_000))
    ),
}


def test_a_poisoned_file_holds_up_nothing_else_in_the_folder(house):
    """Every one of them is refused or set aside in seconds, and the good files between them go out."""
    good = {f"{number:02}-good.csv": source(f"G{number}") for number in range(len(POISONED) + 1)}
    for (number, (name, content)), (fine, sound) in zip(
        enumerate(POISONED.items()), good.items(), strict=False
    ):
        house.put(fine, sound)
        house.put(f"{number:02}-{name}", content)
    house.put("good.xlsx", xlsx([HEADER.split(","), ["7", "G99", "a", "0", "0", "OTHER"]]))
    house.take()
    began = time.monotonic()
    house.drain()
    assert time.monotonic() - began < SECONDS * len(POISONED)
    ends = {one.name: one.state for one in house.ledger.submissions(limit=100)}
    poisoned = {name: state for name, state in ends.items() if "good" not in name}
    assert len(poisoned) == len(POISONED)
    assert {name: state for name, state in poisoned.items() if state not in {"REJECTED", "QUARANTINED"}} == {}
    assert {name: state for name, state in ends.items() if "good" in name and state != "CLOSED"} == {}
    assert len(house.far.files) == len(POISONED) + 1
