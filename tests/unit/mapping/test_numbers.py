"""Which numbers are read and which are refused: only what is declared, nothing guessed."""

from __future__ import annotations

import pytest

from agent.mapping.numbers import number_text, quantity_text
from agent.mapping.problems import BadValueError
from agent.settings.models import Numbers

POINT = Numbers()
ENGLISH = Numbers(decimal=".", thousands=",", currency_signs=("$", "USD"))
GERMAN = Numbers(decimal=",", thousands=".", currency_signs=("€", "EUR"))
SWISS = Numbers(decimal=".", thousands="'")
FRENCH = Numbers(decimal=",", thousands="\u202f", currency_signs=("€",))
WITHOUT_SIGN = Numbers(decimal=",", thousands=".", currency_signs=("€",), negative="absolute")
BRACKETS = Numbers(preset="en-US", minus=("before", "behind", "brackets"))


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        ("", POINT, ""),
        (" \u00a0\t", POINT, ""),
        ("0", POINT, "0"),
        ("0A$", Numbers(preset="en-AU"), "0"),  # $ is no sign before A$ was looked for
        ("-A$ 1,234.50", Numbers(preset="en-AU"), "-1234.50"),
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
        ("0.125", POINT, "0.125"),
        ("12.5000", POINT, "12.5000"),
        ("1234.567", POINT, "1234.567"),
        ("1,234.567", ENGLISH, "1234.567"),
        ("\u221212", POINT, "-12"),
        ("1 234,50 kr", Numbers(preset="sv"), "1234.50"),
        ("\u22121\u00a0234,50", Numbers(preset="sv"), "-1234.50"),
        ("CHF 1\u2019234.50", Numbers(preset="de-CH"), "1234.50"),
        ("1'234'567.05", Numbers(preset="de-CH"), "1234567.05"),
        ("R$ 1.234,50", Numbers(preset="pt-BR"), "1234.50"),
        ("€ -12,50", Numbers(preset="nl"), "-12.50"),
        ("1.234", Numbers(three_decimals="read"), "1.234"),
        ("(12.50)", BRACKETS, "-12.50"),
        ("($1,234.50)", BRACKETS, "-1234.50"),
        ("$(12.50)", BRACKETS, "-12.50"),
        ("(12.50 $)", BRACKETS, "-12.50"),
        ("12.50-", BRACKETS, "-12.50"),
        ("12.50- $", BRACKETS, "-12.50"),
        ("12,5 %", Numbers(preset="de", percent="number"), "12.5"),
        ("12,5 %", Numbers(preset="de", percent="fraction"), "0.125"),
        ("12,5", Numbers(preset="de", percent="fraction"), "12.5"),
        ("(3%)", Numbers(minus=("brackets",), percent="fraction"), "-0.03"),
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
        ("5-", POINT, "a minus behind the number?"),
        ("-5-", BRACKETS, "a minus behind the number?"),
        ("-(5)", BRACKETS, "declares '.'"),
        ("(-5)", BRACKETS, "an accounting negative?"),
        ("(5", BRACKETS, "declares '.'"),
        ("()", BRACKETS, "an accounting negative?"),
        ("12 %", POINT, "a percentage?"),
        ("5 %%", Numbers(percent="number"), "a percentage?"),
        ("0,123", ENGLISH, "groups of three digits"),
        ("0123,456", ENGLISH, "groups of three digits"),
        ("1,23,4", ENGLISH, "groups of three digits"),
        ("12,50", ENGLISH, "groups of three digits"),
        ("1'234\u2019567", SWISS, "groups of three digits"),
        ("1 234\u202f567,00", FRENCH, "groups of three digits"),
        ("12,5", POINT, "a decimal comma?"),
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
        ("NaN", POINT, "declares '.'"),
        ("inf", POINT, "declares '.'"),
        ("1_000", POINT, "underscore"),
        ("0x10", POINT, "declares '.'"),
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


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("\u0663", "U+0663 ARABIC-INDIC DIGIT THREE"),
        ("\uff11\uff12.\uff15\uff10", "U+FF11 FULLWIDTH DIGIT ONE"),
        ("12.5\u0660", "U+0660"),
        ("²", "U+00B2"),
    ],
)
def test_digits_of_other_scripts_are_named(text: str, named: str) -> None:
    """They look like numbers, and only 0 to 9 are."""
    with pytest.raises(BadValueError) as refused:
        number_text(text, POINT)
    assert refused.value.fault.code == "E-DIGITS"
    assert named in refused.value.fault.words


@pytest.mark.parametrize("text", ["n/a", "N/A", "NULL", "#REF!", " #N/A "])
def test_words_for_nothing_are_no_numbers(text: str) -> None:
    """The same code as where they stand in a column that no filter reads."""
    with pytest.raises(BadValueError) as refused:
        number_text(text, POINT)
    assert refused.value.fault.code == "E-NULLTXT"


@pytest.mark.parametrize(
    ("text", "form", "found", "mend"),
    [
        ("1,234", POINT, "1,234 (1234.00 or 1.234)", "decimal and thousands"),
        ("1.234", POINT, "1.234 (1234.00 or 1.234)", "three_decimals"),
        ("$12.500", Numbers(currency_signs=("$",)), "$12.500 (12500.00 or 12.500)", "three_decimals"),
        ("-1.234", POINT, "-1.234 (1234.00 or 1.234)", "three_decimals"),
        ("1.234", ENGLISH, "1.234 (1234.00 or 1.234)", "three_decimals"),
        ("1,234", GERMAN, "1,234 (1234.00 or 1.234)", "three_decimals"),
        ("999,000", Numbers(decimal=","), "999,000 (999000.00 or 999.000)", "three_decimals"),
    ],
)
def test_what_could_be_two_numbers_shows_both(text: str, form: Numbers, found: str, mend: str) -> None:
    """Both readings stand with the value; the words say how they differ, the cure how to declare it."""
    with pytest.raises(BadValueError) as refused:
        number_text(text, form)
    fault = refused.value.fault
    assert (fault.code, fault.found) == ("E-NUM", found)
    assert "parts thousands, or it is the decimal sign" in fault.words
    assert mend in fault.mend


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


@pytest.mark.parametrize("text", ["2.5", "0.01", "two", "2x", "1E2", "2.000", "2,0", "(2)"])
def test_quantity_refused(text: str) -> None:
    """A quantity is whole and in figures."""
    with pytest.raises(BadValueError) as refused:
        quantity_text(text, POINT)
    assert refused.value.fault.code == "E-NUM"
