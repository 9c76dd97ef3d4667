"""Cell rules, column by column: what is written, or which fault comes back."""

from decimal import Decimal

import pytest

from agent.impact.rules import row_rules
from agent.model import Change, Fault, Level

HEADERS = {
    Level.ORDER: ["ActionID", "Oid", "ActionTrackerID", "Amount", "currencyCode", "CustomerStatus", "Reason"],
    Level.ITEM: ["ActionID", "Oid", "ActionTrackerID", "SKU", "Amount", "Quantity", "Category", "Reason"],
    Level.MOBILE: ["ActionID", "Amount", "Reason"],
    Level.RESET: ["Oid", "ActionTrackerID", "Reason"],
}


def rule(column, level=Level.ORDER, codes=(), max_amount="999999.99"):
    """Give the rule of one column."""
    rules = row_rules(level, HEADERS[level], codes=dict(codes), currency="", max_amount=Decimal(max_amount))
    return rules.columns[rules.header.index(column)]


def answer(found):
    """Give the code of a fault, or the text."""
    return found.code if isinstance(found, Fault) else found


ID_CASES = [
    ("O9999935", "O9999935"),
    ("9217374917472", "9217374917472"),
    ("00012", "00012"),
    ("a b/c#1", "a b/c#1"),
    ("5E3", "5E3"),
    ("-17", "-17"),
    ("Straße", "Straße"),
    ("null-1", "null-1"),
    ("", ""),
    ("  ", ""),
    ("1.23457E+12", "E-SCIID"),
    ("1,23457E+12", "E-SCIID"),
    ("1E+11", "E-SCIID"),
    ("1.5e16", "E-SCIID"),
    (" O1", "E-TRIM"),
    ("O1\u00a0", "E-TRIM"),
    ("N/A", "E-NULLTXT"),
    ("null", "E-NULLTXT"),
    ("NaN", "E-NULLTXT"),
    ("undefined", "E-NULLTXT"),
    ("#REF!", "E-NULLTXT"),
    ("#N/A", "E-NULLTXT"),
    ("#WERT!", "E-NULLTXT"),
    ("####", "E-NULLTXT"),
    ("#" * 17, "#" * 17),
    ("##", "##"),
    ("O\u200b1", "E-CTRL"),
    ("O\u202e1", "E-CTRL"),
    ("O\x071", "E-CTRL"),
    ("O1\n2", "E-CTRL"),
    ("O\ufffd1", "E-CTRL"),
    ("O\ud8001", "E-CTRL"),
    ("=1+1", "E-FORMULA"),
    ("@SUM(A1)", "E-FORMULA"),
    ("+cmd|x", "E-FORMULA"),
    ("\t=1", "E-FORMULA"),
]


@pytest.mark.parametrize(("text", "expected"), ID_CASES)
@pytest.mark.parametrize(
    ("column", "level"), [("ActionID", Level.ORDER), ("Oid", Level.ORDER), ("SKU", Level.ITEM)]
)
def test_an_id_is_kept_to_the_letter_or_refused(column, level, text, expected):
    """Nothing in an id is altered; what cannot be the true id does not pass."""
    wanted = "E-REQ" if expected == "" and column == "SKU" else expected
    assert wanted == answer(rule(column, level)(text))


@pytest.mark.parametrize(
    ("column", "level", "size"),
    [
        ("Oid", Level.ORDER, 64),
        ("SKU", Level.ITEM, 255),
        ("ActionID", Level.ITEM, 255),
        ("Category", Level.ITEM, 255),
        ("CustomerStatus", Level.ORDER, 40),
    ],
)
def test_texts_are_as_long_as_the_pages_say(column, level, size):
    """The stated size passes, one more does not."""
    assert "x" * size == rule(column, level)("x" * size)
    assert rule(column, level)("x" * (size + 1)).code == "E-LEN"


def test_a_hidden_character_is_named():
    """The finding names the code point, so that it can be looked for."""
    assert "U+200B ZERO WIDTH SPACE" in rule("Oid")("O\u200b1").words


def test_the_words_of_a_fault_never_hold_the_value():
    """Words go to the ledger; the value stands in `found`, cut short."""
    for column in HEADERS[Level.ORDER]:
        fault = rule(column)("=jane.doe@example.com" * 30)
        assert "jane" not in fault.words + fault.mend
        assert fault.found.startswith("=jane")
        assert len(fault.found) <= 61
        assert fault.field == column


@pytest.mark.parametrize(
    ("text", "expected"),
    [("M.8882.4808.1063415", "M.8882.4808.1063415"), ("1000.4636.158133", "E-MOBILEID"), ("", "E-REQ")],
)
def test_a_mobile_action_id_begins_with_m(text, expected):
    """As on the official sample; elsewhere any id will do."""
    assert expected == answer(rule("ActionID", Level.MOBILE)(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("16027", "16027"),
        ("016027", "016027"),
        ("1234567890", "1234567890"),
        ("12345678901", "E-LEN"),
        ("١٦٠٢٧", "E-DIGITS"),
        ("\uff11\uff16\uff10\uff12\uff17", "E-DIGITS"),
        ("16027 ", "E-TRIM"),
        ("16027.0", "E-NUM"),
        ("-16027", "E-NUM"),
        ("Shop", "E-NUM"),
        ("+16027", "E-FORMULA"),
        ("16\u200b027", "E-CTRL"),
        ("N/A", "E-NULLTXT"),
        ("", ""),
    ],
)
def test_a_tracker_is_a_number_in_ascii_digits(text, expected):
    """Ten digits at most, kept as written."""
    assert expected == answer(rule("ActionTrackerID")(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("19.99", "19.99"),
        ("19.9", "19.90"),
        ("19", "19.00"),
        ("007.5", "7.50"),
        (" 12.50 ", "12.50"),
        ("0", "0"),
        ("0.00", "0"),
        ("00", "0"),
        ("0.01", "0.01"),
        ("999999.99", "999999.99"),
        ("", ""),
        (" ", ""),
        ("1000000", "E-LIMIT"),
        ("999999999999999999999", "E-LIMIT"),
        ("-0", "E-NEG"),
        ("-12.50", "E-NEG"),
        ("\u221212.50", "E-NEG"),
        ("1.234", "E-SCALE"),
        ("1.000", "E-SCALE"),
        ("1.", "E-NUM"),
        (".5", "E-NUM"),
        ("12,5", "E-NUM"),
        ("1,234", "E-NUM"),
        ("1,234.56", "E-NUM"),
        ("1.234,56", "E-NUM"),
        ("1 234.56", "E-NUM"),
        ("$12", "E-NUM"),
        ("12 USD", "E-NUM"),
        ("(12.50)", "E-NUM"),
        ("NaN", "E-NUM"),
        ("inf", "E-NUM"),
        ("1e400", "E-NUM"),
        ("1E+999999", "E-NUM"),
        ("1_000", "E-NUM"),
        ("+5", "E-NUM"),
        ("=1+1", "E-NUM"),
        ("twelve", "E-NUM"),
        ("9" * 5000, "E-NUM"),
        ("١٢٣", "E-DIGITS"),
        ("\uff11\uff12", "E-DIGITS"),
        ("N/A", "E-NULLTXT"),
        ("#REF!", "E-NULLTXT"),
    ],
)
def test_an_amount_is_a_plain_number_with_two_places(text, expected):
    """Written with two places, and nothing as 0; all else is refused and never guessed."""
    assert expected == answer(rule("Amount")(text))


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("12,5", "decimal comma?"),
        ("1,234", "thousands, or a decimal comma?"),
        ("1,234.56", "commas between the thousands"),
        ("1.234,56", "points between the thousands"),
        ("1 234,56", "gaps between the thousands"),
        ("$12", "sign or unit"),
        ("12 USD", "sign or unit"),
        ("(12.50)", "accounting negative?"),
        ("1e400", "scientific notation"),
        ("1_000", "underscore"),
        ("١٢٣", "U+0661 ARABIC-INDIC DIGIT ONE"),
        ("9" * 5000, "5000 characters"),
    ],
)
def test_a_refused_amount_says_what_it_looks_like(text, hint):
    """The words name the likeliest cause."""
    assert hint in rule("Amount")(text).words


@pytest.mark.parametrize(
    ("limit", "passes", "fails"),
    [
        ("999999.99", "999999.99", "1000000.00"),
        ("50", "50", "50.01"),
        ("0.50", "0.5", "0.51"),
        ("100", "99.99", "100.01"),
    ],
)
def test_the_limit_of_the_feed_itself_passes(limit, passes, fails):
    """One hundredth more does not."""
    read = rule("Amount", max_amount=limit)
    assert not isinstance(read(passes), Fault)
    assert read(fails).code == "E-LIMIT"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2", "2"),
        ("002", "2"),
        ("0", "0"),
        ("", ""),
        (" 2 ", "2"),
        ("1234567890123456", "1234567890123456"),
        ("12345678901234567", "E-LIMIT"),
        ("2.0", "E-NUM"),
        ("2.5", "E-NUM"),
        ("1.234", "E-NUM"),
        ("-1", "E-NEG"),
        ("+2", "E-NUM"),
        ("1,000", "E-NUM"),
        ("two", "E-NUM"),
        ("\uff12", "E-DIGITS"),
        ("null", "E-NULLTXT"),
        ("9" * 5000, "E-NUM"),
    ],
)
def test_a_quantity_is_a_whole_number(text, expected):
    """Of 16 digits at most, 0 or more."""
    assert expected == answer(rule("Quantity", Level.ITEM)(text))


@pytest.mark.parametrize("column", ["Category", "CustomerStatus"])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Footwear", "Footwear"),
        ("Men's, 5\" heel", "Men's, 5\" heel"),
        ("-20 % sale", "-20 % sale"),
        ("one\u2028two", "one\u2028two"),
        ("one\x85two", "one\x85two"),
        ("\u0645\u06cc\u200c\u062e\u0648", "\u0645\u06cc\u200c\u062e\u0648"),
        ("None", "None"),
        ("", ""),
        ("one\ntwo", "E-CTRL"),
        ("one\x00two", "E-CTRL"),
        ("one\udc80two", "E-CTRL"),
        ("Footwear ", "E-TRIM"),
        ("#N/A", "E-NULLTXT"),
        ("=1+1", "E-FORMULA"),
        ("@SUM(A1)", "E-FORMULA"),
        ("+cmd|x", "E-FORMULA"),
        ("\t=1", "E-FORMULA"),
    ],
)
def test_free_text_is_kept_or_refused_never_altered(column, text, expected):
    """Line separators that are no line end of a batch stay; formulas and line breaks do not pass."""
    level = Level.ITEM if column == "Category" else Level.ORDER
    assert expected == answer(rule(column, level)(text))


@pytest.mark.parametrize(
    ("text", "expected", "mend"),
    [
        ("USD", "USD", ""),
        ("JPY", "JPY", ""),
        ("", "", ""),
        ("usd", "E-CUR", "USD"),
        ("USD ", "E-CUR", "USD"),
        ("EURO", "E-CUR", "EUR"),
        ("\u0415UR", "E-CUR", "EUR"),
        ("XXX", "E-CUR", "such as USD"),
        ("ZZZ", "E-CUR", "such as USD"),
        ("$", "E-CUR", "such as USD"),
        ("x" * 10_000, "E-CUR", "such as USD"),
        ("=EUR", "E-FORMULA", ""),
        ("N/A", "E-NULLTXT", ""),
    ],
)
def test_a_currency_is_a_code_of_iso_4217(text, expected, mend):
    """Three capital letters; the code that was meant is suggested."""
    found = rule("currencyCode")(text)
    assert expected == answer(found)
    assert mend in getattr(found, "mend", "")


def test_a_homoglyph_in_a_currency_is_named():
    """The letter that only looks Latin is told by its code point."""
    assert "U+0415 CYRILLIC CAPITAL LETTER IE" in rule("currencyCode")("\u0415UR").words


CODES = {"VALIDATED_ORDER": Change.APPROVAL, "ORDER RETURNED": None}


@pytest.mark.parametrize(
    ("text", "expected", "mend"),
    [
        ("ITEM_RETURNED", "ITEM_RETURNED", ""),
        ("ORDER_UPDATE", "ORDER_UPDATE", ""),
        ("VALIDATED_ORDER", "VALIDATED_ORDER", ""),
        ("ORDER RETURNED", "ORDER RETURNED", ""),
        ("item_returned", "E-REASON", "write ITEM_RETURNED"),
        ("Item Returned", "E-REASON", "write ITEM_RETURNED"),
        (" OTHER", "E-REASON", "write OTHER"),
        ("ORDER_UPDATED", "E-REASON", "did you mean ORDER_UPDATE?"),
        ("VALIDATED", "E-REASON", "did you mean VALIDATED_ORDER?"),
        ("damaged", "E-REASON", "map the text under `reasons:`"),
        ("RESET", "E-REASON", "a feed of level reset"),
        ("APPROVED", "E-REASON", "add APPROVED to `codes:`"),
        ("REJECTED", "E-REASON", "add REJECTED to `codes:`"),
        ("MP_RETURNED", "E-REASON", "a code for files"),
        ("x" * 65, "E-LEN", "reasons:"),
        ("=OTHER", "E-FORMULA", ""),
        ("OTHER\u200b", "E-CTRL", ""),
        ("", "E-REQ", ""),
    ],
)
def test_a_reason_is_an_allowed_code_to_the_letter(text, expected, mend):
    """Standard codes and those of the feed pass; for others the nearest is suggested."""
    found = rule("Reason", codes=CODES)(text)
    assert expected == answer(found)
    assert mend in getattr(found, "mend", "")


@pytest.mark.parametrize("code", ["APPROVED", "REJECTED"])
@pytest.mark.parametrize("level", [Level.ORDER, Level.ITEM, Level.MOBILE])
def test_approved_and_rejected_pass_where_the_feed_lists_them(code, level):
    """Also on mobile rows, whose official sample has REJECTED without saying where it comes from."""
    assert rule("Reason", level)(code).code == "E-REASON"
    assert code == rule("Reason", level, {code: None})(code)


@pytest.mark.parametrize(
    ("text", "expected"), [("RESET", "RESET"), ("OTHER", "E-REASON"), ("reset", "E-REASON")]
)
def test_a_reset_file_holds_nothing_but_resets(text, expected):
    """RESET is its only reason."""
    assert expected == answer(rule("Reason", Level.RESET, CODES)(text))


@pytest.mark.parametrize(
    ("level", "column"),
    [
        (Level.ITEM, "SKU"),
        (Level.ITEM, "Reason"),
        (Level.MOBILE, "Amount"),
        (Level.RESET, "Oid"),
        (Level.RESET, "ActionTrackerID"),
    ],
)
def test_a_column_that_every_row_needs_is_never_empty(level, column):
    """Blanks alone count as empty."""
    assert [answer(rule(column, level)(text)) for text in ("", "\u00a0 ")] == ["E-REQ", "E-REQ"]
