"""The same records in every form: what goes in comes out, cell for cell, whichever reader reads it."""

from __future__ import annotations

import gzip
import io
import json
import math
from decimal import Decimal
from xml.sax.saxutils import escape

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import RefusedFile
from agent.readers import open_source
from agent.readers.base import Column, Listener, Reading
from agent.readers.cellvalues import number_text
from tests.workbooks import ods, xlsx, xml2003

NAMES = ["Order", "SKU", "Amount"]
LETTERS = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn"), exclude_characters="\ufeff")
TEXT = st.text(LETTERS, max_size=30)
FIRST = st.text(st.sampled_from("0123456789abcXYZ.-"), min_size=1, max_size=22)  # no blank record, no total
RECORDS = st.lists(st.tuples(FIRST, TEXT, TEXT), min_size=1, max_size=15)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


def read(content, **reading):
    """Read what must be sound."""

    def never(*told):
        raise AssertionError(told)

    source = open_source(io.BytesIO(content), Reading(**reading), Listener(never, never))
    return list(source.columns), [list(cells) for cells in source]


def expected(records):
    """Give the records as they must come out."""
    return NAMES, [list(record) for record in records]


@given(RECORDS)
@settings(deadline=None)
def test_texts_of_a_workbook(records):
    """Every character of a text cell, leading zeros, blanks and what looks like a formula."""
    assert read(xlsx([NAMES, *records])) == expected(records)


@given(RECORDS, st.lists(NUMBERS, min_size=1, max_size=15))
@settings(deadline=None)
def test_texts_and_numbers_of_an_xml_spreadsheet(records, numbers):
    """Every character that XML can have; numbers in the shortest text that reads back equal."""
    rows = [
        [first, sku.replace("\ufffe", "").replace("\uffff", ""), numbers[at % len(numbers)]]
        for at, (first, sku, _) in enumerate(records)
    ]
    wanted = [(first, sku, number_text(number)) for first, sku, number in rows]
    assert read(xml2003([NAMES, *rows])) == expected(wanted)


@given(
    st.lists(st.tuples(FIRST, st.text(st.sampled_from("abc 09é<&\u00a0"), min_size=1), NUMBERS), min_size=1)
)
@settings(deadline=None, max_examples=50)
def test_numbers_of_an_opendocument_sheet(records):
    """The shortest text that reads back equal."""
    records = [(first, f"x{text.strip()}", number) for first, text, number in records]
    columns, found = read(ods([NAMES, *[(one, text.replace(" ", ""), at) for one, text, at in records]]))
    assert columns == NAMES
    assert [cells[2] for cells in found] == [number_text(number) for _, _, number in records]


@given(st.lists(NUMBERS, min_size=1, max_size=30))
@settings(deadline=None)
def test_numbers_of_a_workbook(numbers):
    """XlsxWriter writes 16 digits, so what it wrote is the truth here; the text reads back as that very number."""
    written = [float(f"{number:.16G}") for number in numbers]
    _, found = read(xlsx([["Order", "Amount"], *[["R", number] for number in numbers]]))
    assert [float(cells[1]) for cells in found] == written
    assert all(len(cells[1]) <= len(repr(number)) for cells, number in zip(found, written, strict=True))
    assert not any(cells[1].endswith(".0") for cells in found)
    assert all(
        math.copysign(1, float(cells[1])) == math.copysign(1, at) or not at
        for cells, at in zip(found, written, strict=True)
    )


@given(RECORDS, st.sampled_from([None, 1]), st.booleans())
@settings(deadline=None)
def test_json_in_every_layout(records, indent, as_ascii):
    """A document, lines of it, and either packed."""
    objects = [dict(zip(NAMES, record, strict=True)) for record in records]
    document = json.dumps(objects, indent=indent, ensure_ascii=as_ascii).encode()
    lines = "\n".join(json.dumps(one, ensure_ascii=as_ascii) for one in objects).encode()
    inside = json.dumps({"a": {"b": objects}, "c": objects}, ensure_ascii=as_ascii).encode()
    assert read(document) == read(lines) == read(inside, records="a.b") == expected(records)
    assert read(gzip.compress(document)) == expected(records)


@given(
    st.lists(
        st.from_regex(r"-?(?:0|[1-9][0-9]{0,40})(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,5})?", fullmatch=True),
        min_size=1,
    ),
    st.sampled_from([".", ","]),
)
@settings(deadline=None)
def test_numbers_of_json_are_worth_what_is_written(numbers, decimal):
    """To the last digit and sign, with the declared mark; the very text where it has no exponent."""
    records = ",".join(f'{{"n": {number}}}' for number in numbers)
    _, found = read(f"[{records}]".encode(), decimal=decimal)
    for number, (cell,) in zip(numbers, found, strict=True):
        text = cell.replace(decimal, ".")
        assert number == text or "e" in number.lower()
        assert Decimal(number) == Decimal(text)
        assert Decimal(number).is_signed() == Decimal(text).is_signed()
        assert "." not in cell or decimal == "."


@given(RECORDS)
@settings(deadline=None)
def test_xml(records):
    """Elements and attributes; what is no more than blanks in an element is a value as well."""
    rows = "".join(
        f"<o><Order>{first}</Order><SKU>{escape(sku)}</SKU><Amount>{escape(amount)}</Amount></o>\n"
        for first, sku, amount in records
    )
    assert read(f"<r>\n{rows}</r>".encode()) == expected(records)


@given(RECORDS)
@settings(deadline=None)
def test_fixed_widths(records):
    """Cells of their full width come out to the letter when nothing is trimmed."""
    columns = (Column("Order", 1, 22), Column("SKU", 23, 30, "none"), Column("Amount", 53, 30, "none"))
    lines = "".join(f"{first:22}{sku:30}{amount:30}\n" for first, sku, amount in records)
    full = [[first, f"{sku:30}", f"{amount:30}"] for first, sku, amount in records]
    assert read(lines.encode(), format="fixed", columns=columns) == (NAMES, full)


SEEDS = [
    xlsx([NAMES, ["R1", "a", 1.5]]),
    ods([NAMES, ["R1", "a", 1.5]]),
    b'[{"a": 1, "b": [{"c": null}]}, {"a": 2.50}]',
    b'{"a": 1}\n{"a": 2}\n',
    b'<?xml version="1.0"?><r><o i="1"><a>1</a></o><o><a>2</a><a>3</a></o></r>',
    gzip.compress(b"a,b\n1,2\n"),
]


@given(st.sampled_from(SEEDS), st.lists(st.tuples(st.integers(0, 10_000), st.binary(max_size=3)), max_size=6))
@settings(deadline=None, max_examples=300)
def test_whatever_is_dropped_ends_in_records_or_a_refusal(seed, changes):
    """No damage leads to anything else."""
    content = bytearray(seed)
    for at, piece in changes:
        content[at % len(content) : at % len(content) + 1] = piece
        content = content or bytearray(b"x")
    said = []
    try:
        source = open_source(io.BytesIO(bytes(content)), Reading(), Listener(_no_one, _no_one))
        said = [cells for cells in source if len(cells) != len(source.columns)]
    except RefusedFile as refused:
        said = [finding for finding in refused.findings if not (finding.words and finding.mend)]
    assert said == []


def _no_one(*told):
    """Listen, and make nothing of it."""
