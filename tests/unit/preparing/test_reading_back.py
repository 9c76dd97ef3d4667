"""What is written is read back (row 116), and templates that do not end are ended (row 113)."""

from __future__ import annotations

import csv
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import RefusedFile
from agent.impact.batchfile import encode, line, reads_back
from agent.preparing.batches import DraftSet
from agent.preparing.job import Job
from agent.preparing.memo import _written
from agent.preparing.pipeline import prepare
from agent.settings.models import Feed

HEADER = ("Oid", "ActionTrackerID", "Amount", "Reason")
CELL = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=40)
LAVISH = '{% for one in "x" * 3000 %}{% for other in "x" * 3000 %}'


def test_a_cell_that_would_read_back_as_another_stops_the_file():
    """Whatever went wrong in writing it: left without quotes, quotes not doubled, a letter lost."""
    wrong = {
        "a,b": ["a,b", '"a,b', 'a",b"'],
        'say "so"': ['say "so"', '"say "so""', '"say ""so"'],
        "plain": ['"plai"', "plai", '"plain" ', '"plain","x"', '"plain"\r\n"x"'],
        "": ['"'],
    }
    for cell, writings in wrong.items():
        assert _written(cell) == encode(cell)
        for written in writings:
            with pytest.raises(RefusedFile, match="would not read back"):
                _written(cell, {cell: written}.__getitem__)


@given(st.lists(CELL, min_size=2))
def test_a_line_of_cells_that_read_back_reads_back(cells):
    """So a draft needs no second reading, cell by cell."""
    assert [cells] == list(csv.reader([line(cells)], strict=True))


@given(CELL)
def test_every_cell_reads_back(cell):
    """The writer is right for every text that the rules let through."""
    assert reads_back(cell, encode(cell))


@pytest.mark.parametrize("damage", [b"", b"O2,1,0,OTHER\r\n", b"x"])
def test_a_draft_that_lost_or_won_bytes_is_not_sent(tmp_path, damage):
    """Its size and its lines are those that were written, or nothing goes."""
    drafts = DraftSet(tmp_path, HEADER, 10)
    _, draft = drafts.room_for(1)
    draft.add("O1,1,0,OTHER\r\n", 1)
    assert drafts.finished()[0].rows == 1
    draft.path.write_bytes(draft.path.read_bytes()[: None if damage else -1] + damage)
    with pytest.raises(RefusedFile, match="would not read back"):
        drafts.finished()


def run(tmp_path, inner: str):
    """Prepare one record with a template whose row stands in these loops."""
    (tmp_path / "source.csv").write_text("Order\nO1\n", encoding="utf-8")
    (tmp_path / "scratch").mkdir()
    ends = "{% endfor %}" * inner.count("{% for")
    source = (
        f"{','.join(HEADER)}\n{{% for row in rows %}}\n{inner}\n{{{{ row.Order }}}},1,0,OTHER\n{ends}\n"
        "{% endfor %}\n"
    )
    feed = Feed(name="refunds", level="order", template="t", destination="impact", delimiter="comma")
    job = Job(feed, source, "", tmp_path / "source.csv", tmp_path / "scratch", 100)
    return prepare(job, lambda _: None)


def test_a_template_that_does_not_end_is_ended(tmp_path):
    """Nine million rows for one record: refused within 5 seconds, with the record's line."""
    started = time.monotonic()
    done = run(tmp_path, LAVISH)
    assert time.monotonic() - started < 5
    assert (done.verdict, done.drafts) == ("refused", ())
    (group,) = [group for group in done.groups if group.code == "T-LIMIT"]
    assert group.examples[0].place == "line 2"
    assert "200,000 rows for one record" in done.reason


def test_many_rows_for_one_record_are_no_mistake_by_themselves(tmp_path):
    """An order larger than a batch is told as that."""
    done = run(tmp_path, '{% for one in "x" * 2000 %}')
    assert [group.code for group in done.groups] == ["E-ORDERSIZE"]
