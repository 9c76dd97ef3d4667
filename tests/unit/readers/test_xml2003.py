"""XML spreadsheets of Excel 2003: read as workbooks are, with the same findings."""

from __future__ import annotations

import io
import time
import tracemalloc

import pytest

from agent.readers import open_source
from agent.readers.base import Listener, Reading
from agent.readers.sheetxmlvalues import value_of
from tests.costs import at_cost
from tests.workbooks import xml2003

HEADER = ["Order", "SKU", "Amount"]
TABLE = [HEADER, ["00120", "a", 1.5], ["R2", "b\nc & <d>", 2]]
HEAD = "".join(f'<Cell><Data ss:Type="String">{name}</Data></Cell>' for name in HEADER)
MEGABYTE = 2**20


def sheet(*rows, **how):
    """Make a spreadsheet of the usual header and the XML of some rows."""
    return xml2003(("S", f"<Row>{HEAD}</Row>{''.join(rows)}"), **how)


def cell(kind, text, attributes=""):
    """Write a cell."""
    return f'<Cell {attributes}><Data ss:Type="{kind}">{text}</Data></Cell>'


def row(*cells, attributes=""):
    """Write a row."""
    return f"<Row {attributes}>{''.join(cells)}</Row>\n"


R1 = row(cell("String", "R1"), cell("String", "a"), cell("Number", "1"))


def test_it_is_a_workbook_by_its_content(open_any):
    """Whatever the feed calls it, unless that is no workbook."""
    for form in ("auto", "xml2003", "xls", "xlsx"):
        opened = open_any(xml2003(("Refunds", TABLE)), format=form)
        assert opened.columns == tuple(HEADER)
        assert opened.records == [["00120", "a", "1.5"], ["R2", "b\nc & <d>", "2"]]
        assert opened.places == [(1, "Refunds, row 2"), (2, "Refunds, row 3")]
    for form, how in (("csv", {}), ("json", {}), ("xml", {})):
        assert open_any(xml2003(TABLE), format=form, **how).refused == [("E-TYPE", "")]


def test_where_records_are_declared_it_is_xml_like_any_other(open_any):
    """The feed says what it wants; the cells have no names then."""
    opened = open_any(xml2003(TABLE), records="Workbook.Worksheet.Table.Row", lists=("Cell",))
    assert opened.columns == ("Cell",)
    assert len(opened.records) == 3


def test_another_document_that_only_names_it_is_none(open_any):
    """By its root, not by a word somewhere."""
    content = b"<r><o><a>urn:schemas-microsoft-com:office:spreadsheet</a></o></r>"
    assert open_any(content).columns == ("a",)


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "windows-1252"])
def test_prefixed_names_and_encodings(open_any, codec):
    """Any prefix stands for the namespace, and attributes may have none; what is of others is passed over."""
    content = (
        f'<?xml version="1.0" encoding="{codec.removesuffix("-sig")}"?>\n<!-- a comment -->\n'
        '<s:Workbook xmlns:s="urn:schemas-microsoft-com:office:spreadsheet" xmlns:o="urn:o">'
        '<o:Row/><s:Worksheet s:Name="Rückgaben"><s:Table><o:Row><o:Cell/></o:Row>'
        '<s:Row><s:Cell><s:Data s:Type="String">Order</s:Data></s:Cell></s:Row>'
        '<s:Row Index="4"><s:Cell><o:Data>no</o:Data>'
        '<s:Data Type="String">caf<![CDATA[é <1>]]></s:Data></s:Cell></s:Row>'
        "</s:Table></s:Worksheet></s:Workbook>"
    )
    opened = open_any(content.encode(codec), sheet="Rückgaben")
    assert opened.records == [["café <1>"]]
    assert opened.damaged == [(1, "Rückgaben, row 2", "E-BLANK", ""), (2, "Rückgaben, row 3", "E-BLANK", "")]


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("String", " x\n", " x\n"),
        ("", "7", "7"),
        ("Number", " 64.760000000000005 ", 64.76),
        ("Number", "-1.5E-3", -0.0015),
        ("Number", "1.2345678E7", 12345678.0),
        ("Number", "00120", "00120"),
        ("Number", "1E5", "1E5"),
        ("Number", "0", 0.0),
        ("Number", "007.50", 7.5),
        ("Number", "", ""),
        ("Number", "1,5", None),
        ("Number", "NaN", None),
        ("Number", "1.0e999", None),
        ("Number", "1_000", None),
        ("Number", "٣", None),
        ("Boolean", "1", True),
        ("Boolean", "2", None),
        ("DateTime", "next week", None),
        ("DateTime", "2024-02-30T00:00:00.000", None),
        ("DateTime", "20240301", None),
        ("Integer", "1", None),
    ],
)
def test_a_cell_holds_what_its_type_says(kind, text, expected):
    """A number that is written as none could be is the text it is; whatever does not fit its type is nothing."""
    found = value_of(kind, text)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-03-02T00:00:00.000", "2024-03-02"),
        ("2024-03-02", "2024-03-02"),
        ("2024-03-02T10:11:12.000", "2024-03-02T10:11:12"),
        ("2024-03-02T10:11:12Z", "2024-03-02T10:11:12+00:00"),
        ("1899-12-31T07:05:00.000", "07:05:00"),
    ],
)
def test_dates_are_isos(open_any, text, expected):
    """A day without a time is a day, a time without a day a time."""
    opened = open_any(sheet(row(cell("String", "R1"), cell("DateTime", text), cell("Boolean", "1"))))
    assert opened.records == [["R1", expected, "TRUE"]]


def test_rich_text_is_its_text(open_any):
    """Fonts, line ends, entities; no comment, and not how it is pronounced."""
    rich = (
        '<Cell><ss:Data ss:Type="String" xmlns="http://www.w3.org/TR/REC-html40"><B>a</B>b'
        '<Font html:Color="#FF0000" xmlns:html="http://www.w3.org/TR/REC-html40">c<I>d</I></Font>&#10;&#233;&amp;'
        "<x:PhoneticText>no<B>no</B></x:PhoneticText>e</ss:Data>"
        '<Comment ss:Author="x"><ss:Data xmlns="http://www.w3.org/TR/REC-html40"><B>no</B></ss:Data></Comment>'
        '<NamedCell ss:Name="no"/></Cell>'
    )
    assert open_any(sheet(row(rich, cell("String", "x")))).records == [["abcd\né&e", "x", ""]]


def test_a_text_may_lie_over_many_blocks(open_any):
    """And the parser tells of it in pieces."""
    rows = [[f"R{at}", "é" * (at * 37 % 9_000), at] for at in range(300)]
    opened = open_any(xml2003([HEADER, *rows]))
    assert opened.records == [[order, sku, str(amount)] for order, sku, amount in rows]


def test_gaps_are_empty_rows_and_cells(open_any):
    """Places are those that ss:Index says; rows that are left out after ss:Span count, too."""
    rows = (
        row(cell("String", "R1"), cell("Number", "3", 'ss:Index="3"'), attributes='ss:Index="4" ss:Span="1"'),
        row("<Cell/>", cell("String", "x")),
        row(attributes='ss:Index="1048576"'),
    )
    opened = open_any(sheet(*rows))
    assert opened.records == [["R1", "", "3"], ["", "x", ""]]
    assert [place for _, place in opened.places] == ["S, row 4", "S, row 6"]
    assert [place for _, place, _, _ in opened.damaged] == ["S, row 2", "S, row 3", "S, row 5"]


def test_the_table_may_begin_anywhere(open_any):
    """Empty rows and columns before it do not count; a title above is passed over where the feed says so."""
    head = HEAD.replace("<Cell>", '<Cell ss:Index="3">', 1)
    values = cell("String", "R1", 'ss:Index="3"') + cell("Error", "#N/A")
    table = f'<Row ss:Index="3">{head}</Row>{row(values)}'
    assert open_any(xml2003(("S", table))).damaged == [(1, "S!D4", "E-CELL", "SKU")]
    titled = xml2003([["Refunds of March"], *TABLE])
    assert open_any(titled, header_row=2).records[0] == ["00120", "a", "1.5"]
    assert open_any(titled, header_row=9).refused == [("E-HDREMPTY", "Sheet1, row 9")]


def test_sheets_are_never_guessed(open_any):
    """As with other workbooks, by name or number; a hidden one is no second table."""
    book = xml2003(("Refunds", TABLE), ("Notes", [["x"], ["y"]]), ("Empty", []))
    assert open_any(book).refused == [("E-SHEET", "")]
    assert open_any(book, sheet="Notes").records == [["y"]]
    assert open_any(book, sheet="1").columns == tuple(HEADER)
    assert open_any(book, sheet="4").refused == [("E-SHEET", "")]
    assert open_any(book, sheet="Empty").refused == [("E-EMPTY", "")]
    visible = "<x:WorksheetOptions><x:Visible>Sheet{}</x:Visible></x:WorksheetOptions></Worksheet>"
    for state in ("Hidden", "VeryHidden"):
        hidden = book.replace(
            b'</Worksheet>\n<Worksheet ss:Name="Empty',
            (visible.format(state) + '\n<Worksheet ss:Name="Empty').encode(),
        )
        opened = open_any(hidden)
        assert (len(opened.records), opened.notes.keys()) == (2, {"N-SHEET"})
        assert "“Notes”" in opened.notes["N-SHEET"]
    shown = book.replace(b"</Worksheet>", visible.format("Visible").encode())
    assert open_any(shown).refused == [("E-SHEET", "")]
    assert open_any(xml2003(("", TABLE))).places[0] == (1, "Sheet1, row 2")


HIDDEN = row(cell("String", "R2"), attributes='ss:Hidden="1"')


def test_many_sheets_take_no_time(open_any):
    """However many names there are to compare."""
    book = xml2003(*((f"S{at}", []) for at in range(30_000)), ("S", TABLE))
    began = time.process_time()
    assert len(open_any(book).records) == 2
    assert time.process_time() - began < 5


def test_hidden_rows_are_as_the_feed_declares(open_any):
    """Refused, read or skipped."""
    book = sheet(R1, HIDDEN)
    assert open_any(book).damaged == [(2, "S, row 3", "E-CELL", "")]
    assert open_any(book, hidden_rows="read").records[1:] == [["R2", "", ""]]
    skipped = open_any(book, hidden_rows="skip")
    assert (len(skipped.records), list(skipped.notes)) == (1, ["N-HIDDEN"])


MERGED = (
    row(cell("String", "R1", 'ss:MergeDown="1"'), cell("String", "a"), cell("Number", "1")),
    row(cell("String", "b", 'ss:Index="2"'), cell("Number", "2")),
    row(cell("String", "R3"), cell("String", "c", 'ss:MergeAcross="1"'), cell("String", "behind")),
)


def test_merged_cells_are_told_as_in_other_workbooks(open_any):
    """Each by its place; those below another may be filled down; the next cell stands behind what is covered."""
    book = sheet(*MERGED[:2], MERGED[2].replace(cell("String", "behind"), ""))
    assert open_any(book).damaged == [(2, "S!A3", "E-CELL", "Order"), (3, "S!C4", "E-CELL", "Amount")]
    opened = open_any(book, filled={"Order"}, used={"Order", "SKU"})
    assert opened.records == [["R1", "a", "1"], ["", "b", "2"], ["R3", "c", ""]]
    behind = open_any(sheet(R1, MERGED[2]))
    assert behind.damaged == [(2, "S, row 3", "E-COLS", "")]
    assert "column D" in behind.words[0]


DAMAGED = {
    "a formula without a value": ('<Cell ss:Formula="=RC[-1]"/>', "E-FORMULACELL"),
    "a formula with an empty number": (cell("Number", "", 'ss:Formula="=RC[-1]"'), "E-FORMULACELL"),
    "an error": (cell("Error", "#REF!", 'ss:Formula="=1/0"'), "E-CELL"),
    "an error as LibreOffice writes it": (cell("String", "#DIV/0!", 'ss:Formula="of:=1/0"'), "E-CELL"),
    "another error as LibreOffice writes it": (cell("String", "Err:507", 'ss:Formula="of:=1/0"'), "E-CELL"),
    "no number": (cell("Number", "1,50"), "E-CELL"),
    "no day": (cell("DateTime", "02.03.2024"), "E-CELL"),
    "no type there is": (cell("Integer", "1"), "E-CELL"),
    "a text that is too long": (cell("String", "x" * 32_769), "E-FIELDLEN"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_cell_that_cannot_be_told_is_named(open_any, case):
    """The other records are read, and a column that nobody uses does no harm."""
    content, code = DAMAGED[case]
    book = sheet(R1, row(cell("String", "R2"), cell("String", "b"), content))
    opened = open_any(book)
    assert opened.damaged == [(2, "S!C3", code, "Amount")]
    assert all(opened.mends)
    assert len(opened.records) == 1
    if code != "E-FIELDLEN":
        assert open_any(book, used={"Order"}).damaged == []


def test_a_formula_with_a_value_is_its_value(open_any):
    """Also where that is an empty text."""
    cells = (cell("Number", "3", 'ss:Formula="=1+2"'), cell("String", "", 'ss:Formula="=&quot;&quot;"'))
    assert open_any(sheet(row(cell("String", "R1"), *cells))).records == [["R1", "3", ""]]


STYLES = (
    '<Style ss:ID="Default"/><Style ss:ID="five"><NumberFormat ss:Format="00000"/></Style>'
    '<Style ss:ID="child" ss:Parent="five"><Font/></Style>'
    '<Style ss:ID="plain" ss:Parent="five"><NumberFormat/></Style>'
    '<Style ss:ID="named"><NumberFormat ss:Format="Percent"/></Style>'
    '<Style ss:ID="inv"><NumberFormat ss:Format="&quot;INV-&quot;0"/></Style>'
)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (cell("Number", "120", 'ss:StyleID="five"'), "E-IDNUM"),
        (cell("Number", "120", 'ss:StyleID="child"'), "E-IDNUM"),
        (cell("Number", "120", 'ss:StyleID="inv"'), "E-IDNUM"),
        (cell("Number", "120", 'ss:StyleID="plain"'), ""),
        (cell("Number", "120000", 'ss:StyleID="five"'), ""),
        (cell("Number", "00120", 'ss:StyleID="five"'), ""),
        (cell("String", "00120", 'ss:StyleID="five"'), ""),
        (cell("Number", "1.5"), "E-IDNUM"),
        (cell("Boolean", "1"), "E-IDNUM"),
        (cell("DateTime", "2024-03-02T00:00:00.000"), "E-IDNUM"),
        (cell("Number", "1.2345678901234567E+19"), "E-SCIID"),
        (cell("Number", "12345678901234567890"), "E-SCIID"),
        (cell("Number", "1234567890123456"), "W-IDPREC"),
        (cell("Number", "123456789012345"), ""),
    ],
)
def test_ids_that_are_numbers_are_told_as_in_other_workbooks(open_any, content, code):
    """What is lost, and what only a format shows; what stands there as it was written is no loss."""
    opened = open_any(sheet(row(content, cell("String", "a")), R1, styles=STYLES), identifiers={"Order"})
    assert [found for _, _, found, _ in (*opened.damaged, *opened.remarked)] == ([code] if code else [])


def test_the_style_of_a_cell_is_that_of_its_row_column_or_table_where_it_has_none(open_any):
    """In this order; percentages are shown as percentages."""
    columns = '<Column ss:StyleID="five" ss:Span="1"/><Column/><Column ss:Index="9" ss:StyleID="five"/>'
    rows = (
        row(cell("Number", "1"), cell("String", "a"), cell("Number", "0.2")),
        row(cell("Number", "1"), cell("String", "a"), cell("Number", "0.2"), attributes='ss:StyleID="plain"'),
        row(cell("Number", "1", 'ss:StyleID="inv"'), attributes='ss:StyleID="plain"'),
    )
    book = xml2003(("S", f"{columns}<Row>{HEAD}</Row>{''.join(rows)}"), styles=STYLES)
    opened = open_any(book.replace(b"<Table>", b'<Table ss:StyleID="named">'), identifiers={"Order"})
    assert [number for number, _, _, _ in opened.damaged] == [1, 3]
    assert opened.records == [["1", "a", "0.2"]]
    assert open_any(book.replace(b"<Table>", b'<Table ss:StyleID="named">')).records[0][2] == "20%"


def test_numbers_are_written_with_the_mark_that_the_feed_declares(open_any):
    """Whatever texts are written with."""
    assert open_any(xml2003(TABLE), decimal=",").records[0][2] == "1,5"


WHOLE = sheet(R1)
REFUSED = {
    "document type": (WHOLE.replace(b"<Workbook", b"<!DOCTYPE Workbook>\n<Workbook"), "Q-DTD", "line 3"),
    "entity": (
        WHOLE.replace(b"<Workbook", b'<!DOCTYPE w [<!ENTITY e "R9">]>\n<Workbook').replace(b"R1", b"&e;"),
        "Q-DTD",
        "line 3",
    ),
    "undeclared entity": (WHOLE.replace(b">R1<", b">&nbsp;<"), "E-XML", "line 6, column 191"),
    "cut off": (WHOLE[:-30], "E-XML", None),
    "cut off in the first row": (WHOLE[: WHOLE.index(b"SKU")], "E-XML", None),
    "crossed": (WHOLE.replace(b"</Cell></Row>", b"</Row></Cell>"), "E-XML", None),
    "not of its encoding": (WHOLE.replace(b"R1", b"\xe9"), "E-ENC", "line 6"),
    "deep": (WHOLE.replace(b"R1", b"<b>" * 300 + b"</b>" * 300), "E-DEPTH", "line 6"),
    "an index that goes back": (sheet(R1, row(attributes='ss:Index="2"')), "E-WORKBOOK", "line 7"),
    "an index of a cell that goes back": (
        sheet(row(cell("String", "a"), cell("String", "b", 'ss:Index="1"'))),
        "E-WORKBOOK",
        "line 6",
    ),
    "an index within merged cells": (
        sheet(row(cell("String", "a", 'ss:MergeAcross="2"'), cell("String", "b", 'ss:Index="2"'))),
        "E-WORKBOOK",
        "line 6",
    ),
    # as LibreOffice writes them: the row below is shifted to the left, for itself as well
    "a value below merged cells": (
        sheet(MERGED[0], row(cell("String", "b"), cell("Number", "2"))),
        "E-WORKBOOK",
        "line 7",
    ),
    "merged cells over others": (
        sheet(MERGED[0], row('<Cell ss:MergeAcross="1"/>')),
        "E-WORKBOOK",
        "line 7",
    ),
    "an index that is no number": (sheet(row(attributes='ss:Index="x"')), "E-WORKBOOK", "line 6"),
    "an index without end": (sheet(row(attributes=f'ss:Index="{"9" * 99}"')), "E-WORKBOOK", "line 6"),
    "a row below the last": (sheet(R1.replace("<Row", '<Row ss:Index="1048577"')), "E-WORKBOOK", "line 6"),
    "two values": (sheet(row("<Cell><Data>1</Data><Data>2</Data></Cell>")), "E-WORKBOOK", "line 6"),
    "two sheets of one name": (xml2003(("S", TABLE), ("S", TABLE)), "E-WORKBOOK", None),
    "a cell far outside": (sheet(row(cell("String", "x", 'ss:Index="16385"'))), "E-COLCAP", ""),
    "a cell outside of all": (sheet(row(cell("String", "x", 'ss:Index="1001"'))), "E-COLCAP", ""),
    "a cell far below and to the right": (
        sheet(row(cell("String", "x", 'ss:Index="900"'), attributes='ss:Index="900000"')),
        "E-COLCAP",
        "",
    ),
    "too many columns": (xml2003([[f"c{at}" for at in range(1_001)], ["x"]]), "E-COLCAP", ""),
    "merged beyond measure": (
        sheet(row('<Cell ss:MergeAcross="999999999"/>') * 2_100),
        "E-WORKBOOK",
        None,
    ),
    "a row without end": (sheet(f"<Row>{'<Cell/>' * 700_000}</Row>"), "E-FIELDLEN", None),
    "a text without end": (sheet(row(cell("String", "x" * 5_000_000))), "E-FIELDLEN", None),
    "nothing in it": (xml2003(), "E-EMPTY", ""),
    "no rows": (xml2003(("S", [])), "E-EMPTY", ""),
    "only a header": (xml2003([HEADER]), "E-NOROWS", ""),
    "rows that are no table's": (
        b'<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"><Row><Cell>A</Cell></Row></Workbook>',
        "E-EMPTY",
        "",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_unsafe_damaged_or_too_large_is_refused(open_any, case):
    """By line and column, in little time and memory."""
    content, code, place = REFUSED[case]
    opened, seconds, peak = at_cost(lambda: open_any(content))
    assert [found for found, _ in opened.refused] == [code]
    assert place is None or opened.refused[0][1] == place
    assert opened.mends[0]
    assert seconds < 5
    assert peak < 32 * MEGABYTE


@pytest.mark.parametrize(
    "end", [b"</Data>", b"</Cell>", b"</Row>", b"</Table>", b"</Worksheet>", b"</Workbook>"]
)
def test_a_file_cut_off_anywhere_is_refused_as_a_whole(open_any, end):
    """None of its records is used."""
    opened = open_any(WHOLE[: WHOLE.rindex(end)])
    assert [code for code, _ in opened.refused] == ["E-XML"]
    assert opened.refused[0][1].startswith("line ")
    assert opened.records == []


def test_as_many_empty_rows_as_there_can_be_are_none(open_any):
    """Programs format whole columns, and write each row of them."""
    empty = b'<Row ss:Height="15">' + b'<Cell ss:StyleID="x"/>' * 3 + b"</Row>\n"
    content = WHOLE.replace(b"</Table>", empty * 200_000 + b"</Table>")
    tracemalloc.start()
    opened = open_any(io.BytesIO(content))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert opened.records == [["R1", "a", "1"]]
    assert opened.damaged == []
    assert peak < 2 * MEGABYTE


def test_memory_does_not_grow_with_the_rows():
    """A block of rows at a time."""
    content = xml2003([HEADER, *([f"R{at}", "a", at % 4 / 4] for at in range(40_000))])
    tracemalloc.start()
    source = open_source(io.BytesIO(content), Reading(), Listener(lambda *_: None, lambda *_: None))
    count = sum(1 for _ in source)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 40_000
    assert peak < len(content) / 4
