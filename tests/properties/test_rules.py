"""What holds for the impact rules whatever text they are given."""

import csv
import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.impact import cells
from agent.impact.amounts import minor
from agent.impact.batchfile import line
from agent.impact.dialect import canonical
from agent.impact.rules import row_rules
from agent.model import Change, Fault, Level

CODES = {"VALIDATED": Change.APPROVAL, "RETURNED": Change.REVERSAL, "OPEN": None}
HEADERS = {
    Level.ORDER: ["ActionID", "Oid", "ActionTrackerID", "Amount", "currencyCode", "CustomerStatus", "Reason"],
    Level.ITEM: ["ActionID", "Oid", "ActionTrackerID", "SKU", "Amount", "Quantity", "Category", "Reason"],
    Level.MOBILE: ["ActionID", "Amount", "Reason"],
    Level.RESET: ["Oid", "ActionTrackerID", "Reason"],
}
RULES = {
    level: row_rules(level, header, codes=CODES, currency="", max_amount=Decimal("999999.99"))
    for level, header in HEADERS.items()
}
COLUMNS = [
    pytest.param(rule, id=f"{level}-{name}")
    for level, rules in RULES.items()
    for name, rule in zip(rules.header, rules.columns, strict=True)
]

anything = st.text(st.characters(exclude_categories=()))
nearly = st.text("0123456789.,-+eE_ ()$€٣\u00a0=@\tMnaN/#ORDER_UPT", max_size=50)
numbers = st.decimals(min_value=0, max_value=10**7, places=2).map(str)
texts = anything | nearly | numbers


@pytest.mark.parametrize("rule", COLUMNS)
@given(text=texts)
def test_a_rule_gives_a_text_that_it_gives_again_or_a_fault(rule, text):
    """No rule raises on any text, what it lets through is a fixed point, and can be encoded."""
    found = rule(text)
    if isinstance(found, Fault):
        assert found.field
        assert len(found.found) <= 61
    else:
        assert found == rule(found)
        assert found == found.encode("utf-8").decode("utf-8")


@given(text=texts)
def test_ids_and_free_text_pass_to_the_letter_or_not_at_all(text):
    """Only blanks alone become the empty cell."""
    for column, level in (("Oid", Level.ORDER), ("Category", Level.ITEM), ("CustomerStatus", Level.ORDER)):
        rules = RULES[level]
        found = rules.columns[rules.header.index(column)](text)
        assert isinstance(found, Fault) or found == text or not text.strip()


@given(text=(st.text("nNuUlL0123456789.eE+-_ab", max_size=12) | texts).filter(lambda text: text.strip()))
def test_the_short_way_for_plain_ids_lets_nothing_pass_that_the_long_way_refuses(text):
    """What passes an id rule is no formula, is visible, trimmed, and no word for nothing."""
    if not isinstance(cells.identifier("Oid", size=64)(text), Fault):
        checks = (cells.formula, cells.unwritable, cells.untrimmed, cells.unfilled)
        assert [check(text, "Oid") for check in checks] == [None] * 4
        assert text.casefold() not in {"nan", "none", "undefined"}
        assert len(text) <= 64


@given(value=st.decimals(min_value=0, max_value=Decimal("999999.99"), places=2))
def test_an_amount_means_the_same_before_and_after(value):
    """However it is written with a point, its hundredths are the same."""
    rules = RULES[Level.MOBILE]
    written = {
        rules.columns[1](form) for form in (str(value), f"{value:f}", f"00{value:f}", f" {value:f}\u00a0")
    }
    assert len(written) == 1
    assert minor(written.pop()) == value * 100


cell_texts = st.sampled_from(
    ["", "0", "5.00", "5.50", "USD", "JPY", "O1", "2", "VALIDATED", "RETURNED", "OTHER"]
)


@pytest.mark.parametrize("level", [Level.ORDER, Level.ITEM])
@given(rows=st.lists(st.lists(cell_texts, min_size=8, max_size=8), min_size=1, max_size=12))
def test_what_was_judged_before_does_not_change_a_verdict(level, rows):
    """Verdicts are remembered by shape; a fresh judge says the same."""
    width = len(HEADERS[level])
    for row in rows:
        row[width - 1] = row[width - 1] or "OTHER"
        fresh = row_rules(level, HEADERS[level], codes=CODES, currency="", max_amount=Decimal(1000))
        assert fresh.judge(row[:width]) == RULES[level].judge(row[:width])


@given(rows=st.lists(st.lists(cell_texts, min_size=8, max_size=8), min_size=2, max_size=6))
def test_faults_of_an_order_name_rows_that_exist(rows):
    """Each index is a row's, and no row is named twice."""
    for level in (Level.ORDER, Level.ITEM):
        found = RULES[level].judge_order([row[: len(HEADERS[level])] for row in rows])
        indices = [index for index, fault in found if fault.code != "W-MANYMODS"]
        assert set(indices) <= set(range(len(rows)))
        assert len(indices) == len(set(indices))


@given(row=st.lists(anything.filter(lambda text: "\x00" not in text), min_size=2, max_size=6))
def test_any_line_reads_back(row):
    """An independent reader finds the cells that were written."""
    assert [row] == list(csv.reader([line(row)], strict=True))


@given(name=anything)
def test_a_canonical_name_is_its_own_canonical_name(name):
    """Naming a column twice changes nothing."""
    assert canonical(name) == canonical(canonical(name))


HUGE = [
    "9" * 5000,
    "0" * 5000,
    "1." + "0" * 5000,
    "1E+" + "9" * 5000,
    "1," * 2500,
    "." * 5000,
    "(" * 5000,
    " " * 5000,
]


@pytest.mark.parametrize("rule", COLUMNS)
@pytest.mark.parametrize("text", HUGE, ids=range(len(HUGE)))
def test_a_huge_text_is_answered_in_less_than_a_millisecond(rule, text):
    """The best of five goes: a number is never expanded, and no pattern goes back and forth."""
    spent = []
    for _ in range(5):
        started = time.thread_time()
        rule(text)
        spent.append(time.thread_time() - started)
    assert min(spent) < 0.001
