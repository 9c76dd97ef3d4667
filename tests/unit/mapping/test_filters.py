"""What the filters read and what they refuse: only what is declared, nothing guessed."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from agent.mapping import filters
from agent.mapping.dates import DateReader
from agent.mapping.filters import (
    Memo,
    cell_text,
    decimal_number,
    feed_filters,
    numbered,
    order_id_text,
    reason_filter,
    whole_number,
)
from agent.mapping.lookups import Tables
from agent.mapping.mapping import FeedTemplate
from agent.mapping.problems import BadValueError
from agent.mapping.records import Record
from agent.settings.models import Dates, Numbers

POINT = Numbers()
REASONS = {"Customer changed mind": "ITEM_RETURNED", "fraud": "FRAUD", "Damaged  goods": "DAMAGED"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Customer changed mind", "ITEM_RETURNED"),
        ("  customer   CHANGED mind ", "ITEM_RETURNED"),
        ("customer\u00a0changed\u00a0mind", "ITEM_RETURNED"),
        ("FRAUD", "FRAUD"),
        ("damaged goods", "DAMAGED"),
        ("ITEM_RETURNED", "ITEM_RETURNED"),
        ("OTHER_CODE", "OTHER_CODE"),
    ],
)
def test_reason_found(text: str, expected: str) -> None:
    """Case and blanks do not matter in the feed's table; a code stands as it is."""
    assert expected == reason_filter(REASONS)(text)


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("customer changed mint", "customer changed mind"),
        ("damagd goods", "damaged goods"),
        ("zzz", ""),
        ("", ""),
    ],
)
def test_reason_unknown(text: str, near: str) -> None:
    """An undeclared reason is refused, with the nearest declared one where there is one."""
    with pytest.raises(BadValueError) as refused:
        reason_filter(REASONS)(text)
    fault = refused.value.fault
    guess = f"did you mean {near!r}? " if near else ""
    assert ("E-REASON", f"{guess}add it under `reasons:`", text) == (fault.code, fault.mend, fault.found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("fraud", "FRAUD"), ("anything", "OTHER"), ("", "OTHER"), ("FRAUD", "FRAUD"), ("UNDECLARED", "OTHER")],
)
def test_reason_default(text: str, expected: str) -> None:
    """With a default nothing is refused, and what is declared still wins."""
    assert expected == reason_filter({"fraud": "FRAUD", "default": "OTHER"})(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#1001", "#1001"),
        (" \ufeff1001\u00a0", "1001"),
        ("00123", "00123"),
        ("1E5", "1E5"),
        ("12E7", "12E7"),
        ("", ""),
    ],
)
def test_order_id_kept(text: str, expected: str) -> None:
    """An id is kept as it is, blanks around it gone; 1E5 may be somebody's id."""
    assert expected == order_id_text(text)


@pytest.mark.parametrize("text", ["1.23457E+12", "1,23457E+12", "9.9e15", "1E+15", " 4.5E+09 "])
def test_order_id_destroyed(text: str) -> None:
    """What a spreadsheet leaves of a long number is no id any more."""
    with pytest.raises(BadValueError) as refused:
        order_id_text(text)
    assert refused.value.fault.code == "E-SCIID"


def record(**cells: str) -> Record:
    """Make a record of these columns."""
    return Record(list(cells.values()), {name: index for index, name in enumerate(cells)}, 1, 2)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"SKU1": "a", "Amount1": "1", "SKU2": "b", "Amount2": "2"}, [("a", "1"), ("b", "2")]),
        ({"SKU1": "", "Amount1": "", "SKU2": "b", "Amount2": "2"}, [("b", "2")]),
        ({"SKU1": "a", "Amount1": ""}, [("a", "")]),
        ({"SKU10": "j", "SKU9": "i"}, [("i", ""), ("j", "")]),
        ({"SKU2": "b", "Amount1": "1"}, [("", "1"), ("b", "")]),
        ({"SKU": "x", "SKU0": "x", "SKU01": "x", "SKU1a": "x", "SKU²": "x", "SKU\u0661": "x"}, []),
    ],
)
def test_numbered(cells: dict[str, str], expected: list[tuple[str, str]]) -> None:
    """Each filled number gives its cells, in the numbers' order; what only looks numbered gives none."""
    found = [(item["SKU"], item["Amount"]) for item in numbered(record(**cells), "SKU", "Amount")]
    assert expected == found


def test_numbered_wants_a_record() -> None:
    """Text instead of a record is a mistake that names itself."""
    with pytest.raises(BadValueError, match="works on a record"):
        list(numbered("text", "SKU"))


@pytest.mark.parametrize(
    ("value", "expected"),
    [("a", "a"), (2, "2"), (Decimal("1E+2"), "100"), (Decimal("0.10"), "0.10"), (1.5, "1.5"), ("", "")],
)
def test_cell_text(value: object, expected: str) -> None:
    """Numbers are written out in full."""
    assert expected == cell_text(value)


@pytest.mark.parametrize("value", [None, True, False, [], {}, ("a",), object(), b"a"])
def test_cell_text_refused(value: object) -> None:
    """What is neither text nor number has no place in a cell."""
    with pytest.raises(BadValueError) as refused:
        cell_text(value)
    assert refused.value.fault.code == "T-CELL"


@pytest.mark.parametrize("read", [whole_number, decimal_number])
@pytest.mark.parametrize("text", ["", "x", "1e3", "\u0663", "1_0", "nan", "9" * 5_000])
def test_int_and_float_refuse_what_is_no_number(read, text: str) -> None:
    """Jinja's own give 0, which reverses an order; a default is taken only where it is given."""
    with pytest.raises(BadValueError) as refused:
        read(text)
    assert refused.value.fault.code == "E-NUM"
    assert read(text, 7) == 7


def test_int_and_float_are_exact() -> None:
    """No binary fractions: 0.1 + 0.2 is 0.3."""
    assert decimal_number("0.1") + decimal_number("0.2") == Decimal("0.3")
    assert whole_number(Decimal("2.00")) == 2
    with pytest.raises(BadValueError):
        whole_number(Decimal("2.5"))


def test_filters_remember_and_forget() -> None:
    """A value is worked out once; long texts and failures are not remembered, and the memory is bounded."""
    asked: list[str] = []

    def answer(text: str) -> str:
        asked.append(text)
        return text.upper()

    memo = Memo(answer)
    assert [memo["a"], memo["a"], memo["b" * 65], memo["b" * 65]] == ["A", "A", "B" * 65, "B" * 65]
    assert asked == ["a", "b" * 65, "b" * 65]
    for number in range(25_000):
        assert memo[str(number)] == str(number)
    assert len(memo) <= 20_000


def examples() -> list[tuple[str, list[str], str]]:
    """Return the examples in the module's table: an expression, what its columns hold, what it gives."""
    rows = re.findall(
        r"^\| `\{\{ (.*) \}\}` \| (.*) \| (.*) \| `(.*)` \|$", filters.__doc__ or "", re.MULTILINE
    )
    return [
        (
            expression.replace("\\|", "|"),
            [one for one in re.findall("`([^`]*)`", given) if ": " not in one],
            gives,
        )
        for expression, _, given, gives in rows
    ]


@pytest.mark.parametrize(("expression", "cells", "gives"), examples())
def test_the_examples_that_people_read_are_true(expression: str, cells: list[str], gives: str) -> None:
    """As written in the table, for a feed with German numbers and dates."""
    columns = tuple(dict.fromkeys(re.findall(r"row\.(\w+)", expression)))
    row = f"1,2,{{{{ {expression} }}}},4"
    source = f"Oid,ActionTrackerID,Amount,Reason\n{{% for row in rows %}}\n{row}\n{{% endfor %}}\n"
    template = FeedTemplate(
        source,
        {},
        numbers=Numbers(preset="de"),
        dates=DateReader(Dates(preset="de")),
        reasons={"Too small": "ITEM_RETURNED"},
        tables={"cats": {"Shoes": "Footwear"}},
    )
    bound = template.bind(columns)
    ((_, _, cell, _),) = bound.cells_of([cells], frozenset({2}))
    assert gives == cell


def test_there_are_examples_of_every_filter() -> None:
    """The table forgets none that a feed has of its own."""
    told = " ".join(re.findall(r"\| (\w+)", (filters.__doc__ or "").replace("\\", "")))
    ours = feed_filters(POINT, DateReader(Dates()), {}, Tables({})).keys() - {"cell_text"}
    assert [name for name in ours if name not in told] == []
    assert len(examples()) >= 8


def test_filters_take_numbers_too() -> None:
    """What an expression worked out goes through a filter like text; 1 and True are not mixed up."""
    amount = feed_filters(POINT, DateReader(Dates()), {}, Tables({}))["amount"]
    assert [amount(2), amount(Decimal("2.50"))] == ["2", "2.50"]
    with pytest.raises(BadValueError):
        amount(True)  # noqa: FBT003 - the very value in question


@pytest.mark.parametrize("number", [whole_number, decimal_number])
def test_a_blank_that_is_counted_with_is_called_so(number) -> None:
    """To write a filter before it, as for a text, would mend nothing."""
    with pytest.raises(BadValueError) as refused:
        number("")
    assert (refused.value.fault.code, "blank" in refused.value.fault.words) == ("E-NUM", True)
    assert 'or "0"' in refused.value.fault.mend


def test_a_template_can_keep_a_record_back() -> None:
    """What it says is told as it stands, with the text it was asked of."""
    with pytest.raises(BadValueError) as refused:
        filters.refuse("odd", "all is new", "ask")
    fault = refused.value.fault
    assert (fault.code, fault.words, fault.mend, fault.found) == (
        "E-UNTOLD", "cannot be told: all is new", "ask", "odd"
    )  # fmt: skip
