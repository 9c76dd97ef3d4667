"""The bad-input catalogue, as far as delimited text is concerned: one case a row, named by its number."""

from __future__ import annotations

import codecs

import pytest

from tests.workbooks import xlsx

COLUMNS_TOO_MANY = ",".join(f"c{position}" for position in range(100_000)).encode()
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

REFUSED = {
    "16 size 0": (b"", [("E-EMPTY", "")]),
    "16 nothing but blanks": (b"\r\n  \r\n", [("E-EMPTY", "")]),
    "16 nothing but a mark": (codecs.BOM_UTF8, [("E-EMPTY", "")]),
    "17 only header": (b"a,b\n", [("E-NOROWS", "")]),
    "17 header and blank lines": (b"a,b\n\n\n", [("E-NOROWS", "")]),
    "22 PDF": (b"%PDF-1.7\n%\xe2\xe3\n", [("E-TYPE", "")]),
    "22 gzip": (b"\x1f\x8b\x08\x00rest", [("E-TYPE", "")]),
    "22 HTML": (b"\r\n<!DOCTYPE html>\n<table><tr><td>a,b", [("E-TYPE", "")]),
    "22 HTML with a mark": (codecs.BOM_UTF8 + b"<html>a,b\n", [("E-TYPE", "")]),
    "22 HTML in UTF-16": (codecs.BOM_UTF16_LE + "<table>a,b\n".encode("utf-16-le"), [("E-TYPE", "")]),
    "22 XML": (b'<?xml version="1.0"?>\n<orders/>', [("E-TYPE", "")]),
    "22 XML without declaration": (b"<orders>\n<order>1,2</order></orders>", [("E-TYPE", "")]),
    "22 JSON object": (b'{"a": 1, "b": 2}\n', [("E-TYPE", "")]),
    "22 JSON array": (b'[\n {"a": 1},\n {"a": 2}]\n', [("E-TYPE", "")]),
    "23 xlsx": (b"PK\x03\x04....xl/workbook.xml", [("E-TYPE", "")]),
    "23 zip": (b"PK\x03\x04....orders.csv", [("E-TYPE", "")]),
    "23 BIFF": (OLE + bytes(600), [("E-TYPE", "")]),
    "23 encrypted xlsx": (OLE + "EncryptedPackage".encode("utf-16-le"), [("E-TYPE", "")]),
    "25 UTF-16 not declared": (codecs.BOM_UTF16_LE + "a,b\n1,2\n".encode("utf-16-le"), [("E-ENC", "")]),
    "26 UTF-16 without mark": ("a,b\n1,2\n".encode("utf-16-le"), [("E-ENC", "")]),
    "26 UTF-16 big-endian without mark": ("a,b\n1,2\n".encode("utf-16-be"), [("E-ENC", "")]),
    "27 cp1252 in UTF-8": (b"a,b\n1,2\n3,caf\xe9\n", [("E-ENC", "line 3")]),
    "29 NUL": (b"a,b\n1,2\n3,\x00\n", [("E-NUL", "line 3")]),
    "29 nothing but NUL": (bytes(5_000), [("E-NUL", "line 1")]),
    "33 unclosed quote": (b'a,b,c\n1,2,3\n4,"5,6\n7,8,9\n', [("E-QUOTE", "line 3")]),
    "33 unclosed quote in the header": (b'a,"b\n1,2\n', [("E-QUOTE", "line 1")]),
    "33 closed by the next quote": (b'a,b\n1,"2\n3,"4"\n5,6\n', [("E-QUOTE", "line 2")]),
    "33 behind a cell of two lines": (b'a,b\n"x\ny","z\n3,4\n', [("E-QUOTE", "line 3")]),
    "34 text after closing quote": (b'a,b\n1,"2" pipe\n', [("E-QUOTE", "line 2")]),
    "38 duplicate header": (b"a,b,a\n1,2,3\n", [("E-HDRDUP", "line 1")]),
    "39 duplicate after trim and case": (b"Order,SKU, order \n1,2,3\n", [("E-HDRDUP", "line 1")]),
    "40 empty header": (b"a,,c\n1,2,3\n", [("E-HDREMPTY", "line 1")]),
    "40 no names at all": (b",,\n1,2,3\n", [("E-HDREMPTY", "line 1")]),
    "40 blank first line": (b"\na,b\n1,2\n", [("E-HDREMPTY", "line 1")]),
    "46 a line above 1 MiB": (b"a,b\n1,2\n3," + b"x" * 1_048_576, [("E-LINELEN", "line 3")]),
    "48 100,000 columns": (COLUMNS_TOO_MANY + b"\n1\n", [("E-COLCAP", "line 1")]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_the_file_is_refused_with_code_and_line(read, case):
    """A file that cannot be used as a whole is refused under its code, with the line where there is one."""
    content, refused = REFUSED[case]
    assert read(content).refused == refused


@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_says_what_to_do(read, case):
    """Every refusal tells what is wrong and what the sender can do."""
    for finding in read(REFUSED[case][0]).findings:
        assert finding.words
        assert finding.mend


@pytest.mark.parametrize(
    ("content", "declared"),
    [(b"a;b\n1;2\n", ","), (b"a\tb\n1\t2\n", ","), (b"a,b\n1,2\n", ";"), (b"a|b\n1|2,5\n", ",")],
    ids=["44 semicolons", "45 tabs", "44 commas", "44 pipes with decimal commas"],
)
def test_another_delimiter_than_declared_is_named(read, content, declared):
    """A file with another delimiter is refused whole, and the words say which one it looks like."""
    reading = read(content, delimiter=declared)
    assert reading.refused == [("E-DELIM", "")]
    assert "looks like" in reading.findings[0].words


ACCEPTED = {
    "24 UTF-8 mark": (codecs.BOM_UTF8 + b"a,b\n1,2\n", [["1", "2"]], {"N-BOM"}),
    "28 double-encoded": ("a,b\n1,cafÃ©\n".encode(), [["1", "cafÃ©"]], {"W-MOJIBAKE"}),
    "30 lone CR": (b"a,b\r1,2\r3,4\r", [["1", "2"], ["3", "4"]], {"N-NEWLINE"}),
    "31 mixed": (b"a,b\r\n1,2\n3,4\r\n", [["1", "2"], ["3", "4"]], {"N-NEWLINE"}),
    "31 not mixed: LF inside quotes": (b'a,b\r\n1,"2\n3"\r\n', [["1", "2\n3"]], set()),
    "32 newline inside quotes": (b'a,b\n1,"2\n3"\n4,5\n', [["1", "2\n3"], ["4", "5"]], set()),
    "32 CR inside quotes": (b'a,b\n1,"2\r3"\n4,5\n', [["1", "2\r3"], ["4", "5"]], set()),
    "35 quote inside a cell": (b'a,b\n1,5" pipe\n', [["1", '5" pipe']], set()),
    "35 doubled quotes": (b'a,b\n1,"5"" pipe"\n', [["1", '5" pipe']], set()),
    "50 odd separators": (
        "a,b\n1,x\u2028y\u2029z\x0bq\x0cr\x1cs\x85t\n".encode(),
        [["1", "x\u2028y\u2029z\x0bq\x0cr\x1cs\x85t"]],
        set(),
    ),
    "51 trailing blank lines": (b"a,b\n1,2\n\n\r\n  \n,\n", [["1", "2"]], {"N-NEWLINE"}),
    "no line end at the end": (b"a,b\n1,2", [["1", "2"]], set()),
    "blanks around cells stay": (b"a,b\n 1 ,\t2\n", [[" 1 ", "\t2"]], set()),
    "just 32 KiB": (b"a,b\n1," + b"x" * 32_768 + b"\n", [["1", "x" * 32_768]], set()),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_what_is_unusual_but_clear_is_read_as_it_stands(read, case):
    """Records come out cell for cell, nothing is damaged, and the notes say what was unusual."""
    content, records, notes = ACCEPTED[case]
    reading = read(content)
    assert (reading.records, reading.damaged, set(reading.notes)) == (records, [], notes)


DAMAGED = {
    "36 long": (b"a,b\n1,2\n3,4,5\n6,7\n", (2, 3, ["3", "4", "5"], "E-COLS")),
    "37 short": (b"a,b\n1,2\n3\n6,7\n", (2, 3, ["3"], "E-COLS")),
    "43 header once more": (b"a,b\n1,2\na,b\n6,7\n", (2, 3, ["a", "b"], "E-ROWHDR")),
    "43 with other blanks": (b"a,b\n1,2\na, B\n6,7\n", (2, 3, ["a", " B"], "E-ROWHDR")),
    "47 long cell": (
        b"a,b\n1,2\n3," + b"x" * 32_769 + b"\n6,7\n",
        (2, 3, ["3", "x" * 32_769], "E-FIELDLEN"),
    ),
    "47 long cell of short lines": (
        b'a,b\n1,2\n3,"' + b"x\n" * 16_385 + b'"\n6,7\n',
        (2, 3, ["3", "x\n" * 16_385], "E-FIELDLEN"),
    ),
    "51 blank in the middle": (b"a,b\n1,2\n\n6,7\n", (2, 3, [], "E-BLANK")),
    "51 empty cells in the middle": (b"a,b\n1,2\n,\n6,7\n", (2, 3, [], "E-BLANK")),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_record_is_handed_over_and_the_rest_is_read(read, case):
    """The record goes to `damaged` with number, line, its cells as they stand and code; the others come."""
    content, damaged = DAMAGED[case]
    reading = read(content)
    assert reading.damaged == [damaged]
    assert reading.records == [["1", "2"], ["6", "7"]]
    assert [number for number, _ in reading.places] == [1, 3]


@pytest.mark.parametrize(
    "footer",
    [
        b"Total,,9.00",
        b"TOTAL:,,9",
        b',Summe,"1.234,50"',
        b",,Total",
        b"Grand total,,USD 9.00",
        b"Total,9",
        b"Total,,(9.00)",
        b"\xc3\x81ltal,,x\nTotal,,9",
    ],
)
def test_52_a_line_of_totals_at_the_end_is_damaged(read, footer):
    """A last record of a word for a total, numbers and gaps is given back as E-FOOTER."""
    reading = read(b"id,sku,amount\n1,x,4.50\n" + footer + b"\n\n", delimiter=",")
    assert [code for _, _, _, code in reading.damaged] == ["E-FOOTER"]


@pytest.mark.parametrize(
    "record",
    [
        "Total,x,9.00",  # has an id-like cell
        "Total,12,9.00",  # no cell is empty
        "Total eclipse,,9.00",  # not just the word
        "1,Total,9.00",  # the word is not the first cell filled
        "1,,9.00",
    ],
)
def test_52_a_real_record_is_never_taken_for_a_footer(read, record):
    """What could be an order is read, though it names a total and stands last."""
    reading = read(f"id,sku,amount\n0,x,1\n{record}\n".encode())
    assert (reading.records[-1], reading.damaged) == (record.split(","), [])


def test_52_blank_lines_before_the_totals_belong_to_them(read, open_any):
    """A spreadsheet leaves one out; where a record follows, one may be missing there."""
    end = b"id,sku,amount\n1,x,4\n\n,,\nTotal,,9\n"
    assert [(*one[:2], one[3]) for one in read(end + b"\n").damaged] == [
        (2, 3, "E-FOOTER"), (3, 4, "E-FOOTER"), (4, 5, "E-FOOTER")
    ]  # fmt: skip
    reading = read(end + b"\n2,y,5\n")
    assert [(*one[:2], one[3]) for one in reading.damaged] == [
        (2, 3, "E-BLANK"), (3, 4, "E-BLANK"), (5, 6, "E-BLANK")
    ]  # fmt: skip
    assert reading.places == [(1, 2), (4, 5), (6, 7)]
    book = xlsx(("S", [["id", "sku", "amount"], [1, "x", 4], [], ["Total", None, 9]]))
    assert [(number, code) for number, _, code, _ in open_any(book).damaged] == [
        (2, "E-FOOTER"),
        (3, "E-FOOTER"),
    ]


def test_52_totals_in_the_middle_are_an_ordinary_record(read):
    """Only the last record may be a footer; one held back comes out in its place, number and line."""
    reading = read(b"id,sku,amount\n1,x,4\nTotal,,9\n\n2,y,5\n")
    assert reading.records == [["1", "x", "4"], ["Total", "", "9"], ["2", "y", "5"]]
    assert reading.places == [(1, 2), (2, 3), (4, 5)]
    assert reading.damaged == [(3, 4, [], "E-BLANK")]


def test_25_utf16_is_read_where_it_is_declared(read):
    """UTF-16 with its mark is decoded when the feed declares it, in either byte order."""
    for mark, codec in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        reading = read(mark + "a,b\r\n1,čaj\r\n".encode(codec), encoding=("utf-8", "utf-16"))
        assert (reading.records, set(reading.notes)) == ([["1", "čaj"]], {"N-BOM"})


def test_27_a_declared_fallback_is_used_and_noted(read):
    """Windows-1252 is read as declared; the note names the byte that ruled out UTF-8, and its line."""
    reading = read(b"a,b\n1,caf\xe9\n", encoding=("utf-8", "cp1252"))
    assert reading.records == [["1", "café"]]
    assert "0xE9" in reading.notes["N-ENC"]
    assert "line 2" in reading.notes["N-ENC"]


def test_27_the_refusal_names_byte_and_offset(read):
    """The words of E-ENC name the byte's value and where it is in the file."""
    assert "byte 0xE9 at offset 9" in read(b"a,b\n1,caf\xe9\n").findings[0].words


def test_38_both_places_of_a_repeated_name_are_said(read):
    """E-HDRDUP names both columns; all repeated names come at once."""
    reading = read(b"a,b,a,B\n1,2,3,4\n")
    assert [code for code, _ in reading.refused] == ["E-HDRDUP", "E-HDRDUP"]
    assert "columns 1 and 3" in reading.findings[0].words
    assert "columns 2 and 4" in reading.findings[1].words
