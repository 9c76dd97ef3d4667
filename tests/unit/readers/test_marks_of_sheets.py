"""What a sheet has beside values is searched for in time that grows with the sheet, whatever stands in it."""

from __future__ import annotations

import io
import time

import pytest

from agent.readers.odsmarks import marks_of_ods
from agent.readers.sheetmarks import find_marks

MANY = 12_000  # beginnings of tags without an end in one block: looked through to its end from each, they take minutes
BEFORE = b"<sheetData>".ljust(262_144)  # the first block


@pytest.mark.parametrize(
    ("tag", "behind"),
    [(b"<row ", b"hidden=x></row>"), (b"<row ", b"</row>"), (b"<f ", b"></row>")],
    ids=["hidden", "row", "formula"],
)
def test_tags_without_an_end_in_an_xlsx_do_not_take_quadratic_time(tag, behind):
    """They are no XML, which is found when the values are read."""
    began = time.process_time()
    find_marks(io.BytesIO(BEFORE + tag * MANY + behind), recalculates=False, padded={})
    assert time.process_time() - began < 2


def test_tags_without_an_end_in_an_ods_do_not_take_quadratic_time():
    """In a comment they are sound."""
    began = time.process_time()
    content = b"<table:table-row table:visibility=" * MANY
    marks_of_ods(io.BytesIO(b"<a><!--%b--></a>" % content), io.BytesIO(b"<none/>"))
    assert time.process_time() - began < 2
