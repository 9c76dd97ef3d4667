from __future__ import annotations

import pytest

from agent.feedback.naming import names_for_patterns, rejects_name


@pytest.mark.parametrize(
    ("name", "generation", "expected"),
    [
        ("refunds.csv", 0, "refunds.rejects.csv"),
        ("refunds.csv", 2, "refunds.rejects-2.csv"),
        ("refunds", 0, "refunds.rejects"),
        ("refunds.xlsx", 0, "refunds.rejects.xlsx"),
        ("refunds.XLS", 0, "refunds.rejects.xlsx"),
        ("refunds.xlsb", 1, "refunds.rejects-1.xlsx"),
        ("refunds.ods", 0, "refunds.rejects.xlsx"),
        ("x" * 251 + ".csv", 0, "x" * 243 + ".rejects.csv"),
    ],
)
def test_a_rejects_file_is_named_for_what_it_is(name, generation, expected):
    """After the dropped file; where that form is only read, its ending is that of the form written."""
    assert rejects_name(name, generation) == expected


@pytest.mark.parametrize("name", ["refunds.xls", "refunds.xlsb", "refunds.ods"])
def test_it_is_taken_back_where_the_file_was_taken(name):
    """A feed that takes *.xls only takes the rejects file of one, too, though that is an .xlsx."""
    assert name in names_for_patterns(rejects_name(name, 0))
    assert name in names_for_patterns(rejects_name(name, 3))


def test_other_names_stand_for_themselves():
    """Nothing else is known by another name."""
    for name in ("refunds.csv", "refunds.xlsx", "rejects.xlsx", "refunds.rejects.csv", "a.rejects.xlsx.csv"):
        assert names_for_patterns(name) == (name,)
