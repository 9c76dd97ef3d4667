"""Some hundreds of generated files: what is accepted is what was meant, what is refused names its cause."""

from __future__ import annotations

import csv
import io
import time
from collections import Counter

import pytest

from agent.model import Level, Severity
from agent.preparing.job import Job
from agent.settings.models import Feed, Limits
from agent.workers import Workers
from tests.generated import TEMPLATE, generated

CASES = {one.name: one for one in generated()}
MEMORY = 512 * 2**20
SECONDS = 5.0


@pytest.fixture(scope="module")
def workers():
    """Prepare in the real, limited process."""
    made = Workers(Limits(memory=MEMORY, time=30.0, processor_time=SECONDS))
    yield made
    made.close()


def test_there_are_enough_of_them():
    """No two of one name, three hundred at least, and every format among them."""
    assert len(CASES) == sum(1 for _ in generated()) >= 300
    endings = Counter(name.rpartition(".")[2] for name in CASES)
    assert {
        "csv",
        "xlsx",
        "xls",
        "xlsb",
        "ods",
        "json",
        "ndjson",
        "xml",
        "txt",
        "gz",
        "zip",
    } <= endings.keys()


@pytest.mark.parametrize("name", CASES)
def test_what_is_accepted_is_what_was_meant(name, workers, tmp_path):
    """Row for row; a damage is named by one of its codes and by no other, and keeps back no more than it must."""
    case = CASES[name]
    source, scratch = tmp_path / "source", tmp_path / "scratch"
    source.write_bytes(case.content)
    scratch.mkdir()
    feed = Feed(
        name="shop",
        level=Level.ITEM,
        template="t",
        destination="d",
        bad_rows={"at_most": "100%"},
        **case.feed,
    )
    began = time.monotonic()
    made = workers.prepare(Job(feed, TEMPLATE, "", source, scratch, 100))
    assert (
        time.monotonic() - began < 6 * SECONDS
    )  # the processor time is limited, to 5 s; the machine has other work
    errors = {group.code for group in made.groups if group.severity is Severity.ERROR}
    assert errors <= case.codes
    assert bool(errors) == bool(case.codes)
    meant = [] if case.whole else [row for at, row in enumerate(case.meant) if at not in case.kept]
    assert _sent(made, scratch) == [(row.order, row.item, row.amount, row.day) for row in meant]
    counts = made.counts
    assert counts.records == counts.sent + counts.kept_back + counts.repeated + counts.skipped
    assert all(
        example.words and example.mend
        for group in made.groups
        if group.code in errors
        for example in group.examples
    )


def _sent(made, scratch):
    """Read all batches back."""
    lines = []
    for draft in made.drafts:
        (_, *rows) = csv.reader(io.StringIO((scratch / draft.file).read_text(encoding="utf-8"), newline=""))
        lines += [(row[0], row[2], row[3], row[5]) for row in rows]
    return lines
