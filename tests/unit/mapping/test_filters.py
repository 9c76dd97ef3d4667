"""What the filters read and what they refuse: only what is declared, nothing guessed."""

from __future__ import annotations

from decimal import Decimal

import pytest

from agent.mapping.filters import (
    Memo,
    cell_text,
    date_filter,
    decimal_number,
    feed_filters,
    number_text,
    numbered,
    order_id_text,
    quantity_text,
    reason_filter,
    whole_number,
)
from agent.mapping.problems import BadValueError
from agent.mapping.records import Record
from agent.settings.models import Numbers

POINT = Numbers()
ENGLISH = Numbers(decimal=".", thousands=",", currency_signs=("$", "USD"))
GERMAN = Numbers(decimal=",", thousands=".", currency_signs=("€", "EUR"))
SWISS = Numbers(decimal=".", thousands="'")
FRENCH = Numbers(decimal=",", thousands="\u202f", currency_signs=("€",))
WITHOUT_SIGN = Numbers(decimal=",", thousands=".", currency_signs=("€",), negative="absolute")
REASONS = {"Customer changed mind": "ITEM_RETURNED", "fraud": "FRAUD", "Damaged  goods": "DAMAGED"}


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        ("", POINT, ""),
        (" \u00a0\t", POINT, ""),
        ("0", POINT, "0"),
        ("12.50", POINT, "12.50"),
        ("  12.50  ", POINT, "12.50"),
        ("\u00a012.50\u202f", POINT, "12.50"),
        ("007", POINT, "007"),
        ("-3.5", POINT, "-3.5"),
        ("- 3.5", POINT, "-3.5"),
        ("1,234,567.89", ENGLISH, "1234567.89"),
        ("1234567.89", ENGLISH, "1234567.89"),
        ("$12", ENGLISH, "12"),
        ("$ 12.00", ENGLISH, "12.00"),
        ("12.00 USD", ENGLISH, "12.00"),
        ("-$12.00", ENGLISH, "-12.00"),
        ("$-12.00", ENGLISH, "-12.00"),
        ("1.234,50 €", GERMAN, "1234.50"),
        ("1.234,50\u00a0€", GERMAN, "1234.50"),
        ("EUR 1.234", GERMAN, "1234"),
        ("1234,5", GERMAN, "1234.5"),
        ("-1.234,50 €", GERMAN, "-1234.50"),
        ("1'234'567.05", SWISS, "1234567.05"),
        ("1\u202f234,50\u202f€", FRENCH, "1234.50"),
        ("-12,00 €", WITHOUT_SIGN, "12.00"),
        ("12,00 €", WITHOUT_SIGN, "12.00"),
        ("9" * 40, POINT, "9" * 40),
    ],
)
def test_amount_read(text: str, form: Numbers, expected: str) -> None:
    """A number as the feed declares them becomes the same number with a point and nothing else."""
    assert expected == number_text(text, form)


@pytest.mark.parametrize(
    ("text", "form", "hint"),
    [
        ("12,50", POINT, "if ',' is the decimal"),
        ("1,234.50", POINT, "if ',' is the decimal"),
        ("12.50", GERMAN, "declares ','"),
        ("1.23,50", GERMAN, "declares ','"),
        ("1.2345,00", GERMAN, "declares ','"),
        ("1234.567", GERMAN, "declares ','"),
        (".123", GERMAN, "declares ','"),
        ("1..234", GERMAN, "declares ','"),
        ("1.234.", GERMAN, "declares ','"),
        ("1,234,56", ENGLISH, "declares '.'"),
        ("1,2,3", ENGLISH, "declares '.'"),
        ("1.5.5", POINT, "declares '.'"),
        ("1.", POINT, "declares '.'"),
        (".5", POINT, "declares '.'"),
        ("-", POINT, "declares '.'"),
        ("--5", POINT, "declares '.'"),
        ("5-", POINT, "declares '.'"),
        ("+5", POINT, "declares '.'"),
        ("5 5", POINT, "declares '.'"),
        ("5 €", POINT, "currency_signs"),
        ("$5", GERMAN, "currency_signs"),
        ("€ € 5", Numbers(), "currency_signs"),
        ("(12.50)", POINT, "accounting negative"),
        ("($12.50)", ENGLISH, "accounting negative"),
        ("1E5", POINT, "spreadsheet"),
        ("1.5e+10", POINT, "spreadsheet"),
        ("1E-2", POINT, "spreadsheet"),
        ("\u0663", POINT, "only 0-9"),
        ("\uff11\uff12.\uff15\uff10", POINT, "only 0-9"),
        ("12.5\u0660", POINT, "only 0-9"),
        ("²", POINT, "only 0-9"),
        ("\u221212", POINT, "only 0-9"),
        ("NaN", POINT, "declares '.'"),
        ("inf", POINT, "declares '.'"),
        ("1_000", POINT, "declares '.'"),
        ("0x10", POINT, "declares '.'"),
        ("n/a", POINT, "declares '.'"),
        ("=1+1", POINT, "declares '.'"),
        ("5\n", POINT, "declares '.'"),
    ],
)
def test_amount_refused(text: str, form: Numbers, hint: str) -> None:
    """What is no number as declared is refused with the value found and a hint that fits it."""
    with pytest.raises(BadValueError) as refused:
        number_text(text, form)
    fault = refused.value.fault
    assert (fault.code, fault.found) == ("E-NUM", text)
    assert hint in fault.mend


@pytest.mark.parametrize("many", [41, 5_000, 1_000_000])
def test_a_number_too_long_is_refused_unread(many: int) -> None:
    """Thousands of digits cost nothing and are not quoted whole."""
    with pytest.raises(BadValueError, match="far too long") as refused:
        number_text("9" * many, POINT)
    assert len(refused.value.fault.found) <= 64


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        ("", POINT, ""),
        ("2", POINT, "2"),
        ("2.00", POINT, "2"),
        ("2,0", GERMAN, "2"),
        ("1.000", GERMAN, "1000"),
        (" 2 ", POINT, "2"),
        ("-2", POINT, "-2"),
        ("-2", WITHOUT_SIGN, "2"),
    ],
)
def test_quantity_read(text: str, form: Numbers, expected: str) -> None:
    """A whole number loses decimals that say nothing."""
    assert expected == quantity_text(text, form)


@pytest.mark.parametrize("text", ["2.5", "0.01", "two", "2x", "1E2", "\u0662", "2,0", "(2)"])
def test_quantity_refused(text: str) -> None:
    """A quantity is whole and in figures."""
    with pytest.raises(BadValueError) as refused:
        quantity_text(text, POINT)
    assert refused.value.fault.code == "E-NUM"


@pytest.mark.parametrize(
    ("text", "formats", "expected"),
    [
        ("2026-03-01", ("%Y-%m-%d",), "2026-03-01"),
        (" 2026-03-01 ", ("%Y-%m-%d",), "2026-03-01"),
        ("01.03.2026", ("%d.%m.%Y",), "2026-03-01"),
        ("29.02.2024", ("%d.%m.%Y",), "2024-02-29"),
        ("12/01/2010 08:26", ("%m/%d/%Y %H:%M",), "2010-12-01T08:26:00"),
        ("12/01/2010 00:00", ("%m/%d/%Y %H:%M",), "2010-12-01T00:00:00"),
        ("2026-03-01", ("%d.%m.%Y", "%Y-%m-%d"), "2026-03-01"),
        ("03/04/2026", ("%d/%m/%Y", "%m/%d/%Y"), "2026-04-03"),
        ("2026-03-01T10:00:00+02:00", ("%Y-%m-%dT%H:%M:%S%z",), "2026-03-01T10:00:00+02:00"),
    ],
)
def test_date_read(text: str, formats: tuple[str, ...], expected: str) -> None:
    """The first declared form that fits is taken; a form with a clock gives date and time."""
    assert expected == date_filter(formats)(text)


@pytest.mark.parametrize(
    "text", ["", "2026-02-29", "01.03.2026", "2026-03-01 x", "२०२६-०३-०१", "45000", "today"]
)
def test_date_refused(text: str) -> None:
    """What fits no declared form is refused, and the forms are named."""
    with pytest.raises(BadValueError) as refused:
        date_filter(("%Y-%m-%d",))(text)
    fault = refused.value.fault
    assert (fault.code, fault.mend) == ("E-DATE", "declared: %Y-%m-%d")


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


def test_filters_take_numbers_too() -> None:
    """What an expression worked out goes through a filter like text; 1 and True are not mixed up."""
    filters = feed_filters(POINT, ("%Y-%m-%d",), {})
    assert [filters["amount"](2), filters["amount"](Decimal("2.50"))] == ["2", "2.50"]
    with pytest.raises(BadValueError):
        filters["amount"](True)  # noqa: FBT003 - the very value in question
