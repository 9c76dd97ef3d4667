from __future__ import annotations

import pytest

from agent.feedback.naming import names_for_patterns, rejects_name


@pytest.mark.parametrize(
    ("name", "generation", "paper", "expected"),
    [
        ("refunds.csv", 0, "1-rejects", "refunds.rejects.csv"),
        ("refunds.csv", 2, "1-rejects", "refunds.rejects-2.csv"),
        ("refunds", 0, "1-rejects", "refunds.rejects"),
        ("refunds.xlsx", 0, "1-rejects.xlsx", "refunds.rejects.xlsx"),
        ("refunds.XLS", 0, "1-rejects.xlsx", "refunds.rejects.xlsx"),
        ("refunds.xlsb", 1, "1-rejects.xlsx", "refunds.rejects-1.xlsx"),
        ("refunds.ods", 0, "1-rejects.xlsx", "refunds.rejects.xlsx"),
        ("refunds.xml", 0, "1-rejects.xlsx", "refunds.rejects.xlsx"),
        ("refunds.xml", 0, "1-rejects", "refunds.rejects.xml"),
        ("refunds.xls", 0, "1-rejects", "refunds.rejects.xls"),
        ("x" * 251 + ".csv", 0, "1-rejects", "x" * 243 + ".rejects.csv"),
    ],
)
def test_a_rejects_file_is_named_for_what_it_is(name, generation, paper, expected):
    """After the dropped file; where that form is only read, its ending is that of the form written."""
    assert rejects_name(name, generation, paper=paper) == expected


@pytest.mark.parametrize("name", ["refunds.xls", "refunds.xlsb", "refunds.ods", "refunds.xml"])
def test_it_is_taken_back_where_the_file_was_taken(name):
    """A feed that takes *.xls only takes the rejects file of one, too, though that is an .xlsx."""
    assert name in names_for_patterns(rejects_name(name, 0, paper="1-rejects.xlsx"))
    assert name in names_for_patterns(rejects_name(name, 3, paper="1-rejects.xlsx"))


def test_other_names_stand_for_themselves():
    """Nothing else is known by another name."""
    for name in ("refunds.csv", "refunds.xlsx", "rejects.xlsx", "refunds.rejects.csv", "a.rejects.xlsx.csv"):
        assert names_for_patterns(name) == (name,)
