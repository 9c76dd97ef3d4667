from __future__ import annotations

import re
from dataclasses import astuple, fields, replace
from datetime import date

from agent.ledger.ids import BatchOrigin, batch_id, submission_id

DAY = date(2026, 11, 21)
ORIGIN = BatchOrigin("refunds", "impact-sftp", "ab" * 32, "t1", "m1", 0, 1)
LETTERS = "[0-9a-hjkmnp-tv-z]"


def test_ids_are_short_and_readable():
    """Day and eight characters for a submission, twenty for a batch, none easily mistaken for another."""
    assert re.fullmatch(rf"20261121-{LETTERS}{{8}}", submission_id(DAY, "refunds", "ab" * 32, "1:2:3:4"))
    assert re.fullmatch(rf"{LETTERS}{{20}}", batch_id(ORIGIN))


def test_ids_stay_what_they_are():
    """The same origin gives the same id in every version: the far side may have seen it."""
    assert (submission_id(DAY, "refunds", "ab" * 32, "1:2:3:4"), batch_id(ORIGIN)) == (
        "20261121-94t40qnx",
        "q5w0e5f1yhz1cxt0nq6t",
    )


def test_each_part_of_a_batchs_origin_counts():
    """Another feed, destination, file, template, mapping, generation or number is another batch."""
    others = [
        replace(ORIGIN, **{field.name: part + 1 if isinstance(part, int) else part + "x"})
        for field, part in zip(fields(ORIGIN), astuple(ORIGIN), strict=True)
    ]
    assert len({batch_id(one) for one in (ORIGIN, *others)}) == 8


def test_each_part_of_a_submissions_origin_counts():
    """Another day, feed, file, fingerprint or try is another submission."""
    given = (DAY, "refunds", "ab" * 32, "1:2:3:4", 0)
    others = [(date(2026, 11, 22), "orders", "cd" * 32, "5:6:7:8", 1)[place] for place in range(5)]
    ids = {submission_id(*given[:place], other, *given[place + 1 :]) for place, other in enumerate(others)}
    assert len(ids | {submission_id(*given)}) == 6


def test_parts_do_not_run_into_each_other():
    """`ab` + `c` is not `a` + `bc`."""
    assert batch_id(replace(ORIGIN, feed="ab", destination="c")) != batch_id(
        replace(ORIGIN, feed="a", destination="bc")
    )


def test_any_name_can_be_part_of_an_origin():
    """A feed or fingerprint with bytes that are no UTF-8 has an id as well."""
    assert submission_id(DAY, "refunds", "ab" * 32, "\udcff") != submission_id(DAY, "refunds", "ab" * 32, "")
