"""What `lookup` finds, and what it says where there is nothing to find."""

from __future__ import annotations

import time

import pytest
from jinja2 import StrictUndefined

from agent.mapping.dates import DateReader
from agent.mapping.lookups import Tables
from agent.mapping.mapping import FeedTemplate
from agent.mapping.problems import BadValueError, TemplateRefusedError
from agent.settings.models import Dates, Numbers

TABLES = {"categories": {"Shoes": "Footwear", "Hüte": "Headwear", "0012": "Other", "None": ""}}
HEAD = "Oid,ActionTrackerID,Category,Reason\n{% for row in rows %}\n"


def template(cell: str) -> FeedTemplate:
    """Read a template with this cell."""
    source = f"{HEAD}{{{{ row.Oid }}}},16027,{{{{ {cell} }}}},OTHER\n{{% endfor %}}\n"
    return FeedTemplate(
        source, {"name": "refunds"}, numbers=Numbers(), dates=DateReader(Dates()), reasons={}, tables=TABLES
    )


@pytest.mark.parametrize(
    ("value", "default", "expected"),
    [
        ("Shoes", None, "Footwear"),
        (" Shoes\u00a0", None, "Footwear"),
        ("0012", None, "Other"),
        ("None", None, ""),
        ("None", "x", ""),
        ("Boots", "Other", "Other"),
        ("Boots", "", ""),
        ("Boots", 7, "7"),
    ],
)
def test_a_value_is_found_or_its_default(value, default, expected):
    """Letters count, blanks around do not; an empty entry is an answer."""
    assert Tables(TABLES).lookup(value, "categories", default) == expected


@pytest.mark.parametrize(
    ("value", "near"), [("shoes", "Shoes"), ("Shoe", "Shoes"), ("12", "0012"), ("zzzz", ""), ("", "")]
)
def test_an_unknown_value_is_refused_with_the_nearest(value, near):
    """The words name the table; the value stands in `found`."""
    with pytest.raises(BadValueError) as refused:
        Tables(TABLES).lookup(value, "categories")
    fault = refused.value.fault
    assert (fault.code, fault.words, fault.found) == ("E-LOOKUP", "is not in the table 'categories'", value)
    assert fault.mend.startswith(f"did you mean {near!r}? " if near else "add it to the table")


def test_a_name_that_nobody_has_set_is_told_as_such():
    """Not as a value that the table lacks."""
    with pytest.raises(Exception, match="is undefined"):
        Tables(TABLES).lookup(StrictUndefined(name="colour"), "categories")


def test_many_unknown_values_in_a_large_table_take_no_time():
    """The nearest is looked for among some entries only, and remembered."""
    tables = Tables({"large": {f"category {number}": "x" for number in range(100_000)}})
    started = time.monotonic()
    for _ in range(200):
        with pytest.raises(BadValueError):
            tables.lookup("kategory", "large")
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("cell", "words", "mend"),
    [
        ('row.Cat | lookup("category")', "no table 'category'", "did you mean 'categories'?"),
        ('row.Cat | lookup("zzz")', "no table 'zzz'", "`tables:`"),
        ("row.Cat | lookup(row.Table)", "does not name its table", "in quotes"),
        ("row.Cat | lookup", "does not name its table", "in quotes"),
    ],
)
def test_a_table_that_is_not_there_is_found_without_a_file(cell, words, mend):
    """With the template's line."""
    with pytest.raises(TemplateRefusedError) as refused:
        template(cell)
    (problem,) = refused.value.problems
    assert (problem.code, problem.line) == ("T-TABLE", 3)
    assert words in problem.words
    assert mend in problem.mend


def test_a_lookup_of_one_column_is_worked_out_once_per_value():
    """It is pure: the cell is taken out of the loop like those of the other filters."""
    bound = template('row.Cat | lookup("categories")').bind(("Oid", "Cat"))
    assert list(bound.functions) == [2]
    assert bound.functions[2]("Shoes") == "Footwear"
    assert bound.functions[2]("Boots").code == "E-LOOKUP"
