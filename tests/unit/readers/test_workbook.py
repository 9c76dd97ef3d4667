from __future__ import annotations

import datetime as dt
import io
import zipfile

import pytest

from agent.readers.cellvalues import cell_text, column_letters, column_position
from tests import oldbooks
from tests.workbooks import ods, repacked, xlsx

HEADER = ["Order", "SKU", "Amount"]
MOMENT = dt.datetime(2024, 3, 2, 10, 11, 12)  # noqa: DTZ001 - sheets know no zones
SHEET, BOOK = "xl/worksheets/sheet1.xml", "xl/workbook.xml"


def test_cells_are_the_text_they_hold(open_any):
    """Texts keep every character; numbers are the shortest text that reads back equal; dates are ISO's."""

    def dated(book, sheet):
        day, moment = (
            book.add_format({"num_format": "dd/mm/yyyy"}),
            book.add_format({"num_format": "d.m.yy hh:mm"}),
        )
        sheet.write_datetime(1, 5, dt.date(2024, 3, 2), day)
        sheet.write_datetime(1, 6, MOMENT, moment)
        sheet.write_boolean(1, 7, True)  # noqa: FBT003 - their method

    rows = [[*"abcdefgh"], ["00120.50", " x\ny\u00a0", 21, 64.760000000000005, 1e15, "", "", ""]]
    opened = open_any(xlsx(("Refunds", rows), edit=dated))
    assert opened.records == [
        [
            "00120.50",
            " x\ny\u00a0",
            "21",
            "64.76",
            "1000000000000000",
            "2024-03-02",
            "2024-03-02T10:11:12",
            "TRUE",
        ]
    ]
    assert opened.places == [(1, "Refunds, row 2")]
    assert (opened.damaged, opened.notes) == ([], {})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (21.0, "21"),
        (0.1, "0.1"),
        (1e-7, "1e-07"),
        (1.234567890123457e18, "1.234567890123457e+18"),
        (-12.5, "-12.5"),
        (dt.timedelta(days=1, hours=12, microseconds=5), "36:00:00.000005"),
        (dt.time(7, 5), "07:05:00"),
    ],
)
def test_a_value_becomes_text(value, text):
    """Nothing is rounded, and nothing that was not there is added."""
    assert cell_text(value) == text


def test_columns_are_lettered_as_spreadsheets_do():
    """A to Z, then AA; and back."""
    assert [column_letters(at) for at in (0, 25, 26, 701, 702, 16383)] == ["A", "Z", "AA", "ZZ", "AAA", "XFD"]
    assert all(column_position(column_letters(at)) == at for at in range(2000))


def test_an_opendocument_spreadsheet_is_read_as_well(open_any):
    """The same records come out of .ods."""
    opened = open_any(ods([HEADER, ["R1", "00120", 21.5]]))
    assert (opened.columns, opened.records) == (tuple(HEADER), [["R1", "00120", "21.5"]])


def test_a_file_is_read_by_its_content_and_a_declared_format_must_fit(open_any):
    """A CSV in a workbook feed is read as what auto finds, or refused where the feed declares another format."""
    book = xlsx([HEADER, ["R1", "a", 1]])
    assert open_any(book, format="xlsx").records == open_any(book).records
    refused = open_any(book, format="json", records="a")
    assert refused.refused == [("E-TYPE", "")]
    assert "xlsx" in refused.words[0]
    assert open_any(book, format="csv").refused == [("E-TYPE", "")]


def test_the_table_may_begin_anywhere(open_any):
    """Empty rows and columns before the table do not count, and places are those of the sheet."""
    rows = [[], [], [None, None, *HEADER], [None, None, "R1", "a", 1]]
    opened = open_any(
        xlsx(("S", rows), edit=lambda _, sheet: sheet.write_formula(3, 4, "=1/0", None, "#DIV/0!"))
    )
    assert opened.damaged == [(1, "S!E4", "E-CELL", "Amount")]


def test_header_row_passes_over_what_stands_above(open_any):
    """A title above the header is passed over where the feed says so."""
    rows = [["Refunds of March"], HEADER, ["R1", "a", 1]]
    assert open_any(xlsx(rows)).refused == [] or open_any(xlsx(rows)).damaged
    assert open_any(xlsx(rows), header_row=2).records == [["R1", "a", "1"]]
    assert open_any(xlsx(rows), header_row=9).refused == [("E-HDREMPTY", "Sheet1, row 9")]


def test_sheets_are_never_guessed(open_any):
    """One sheet with something in it is read; of several the feed must name one, by name or number."""
    table, other = [HEADER, ["R1", "a", 1]], [["x"], ["y"]]
    book = xlsx(("Refunds", table), ("Notes", other), ("Empty", []))
    refused = open_any(book)
    assert refused.refused == [("E-SHEET", "")]
    assert "“Refunds”, “Notes”" in refused.words[0]
    assert open_any(book, sheet="Refunds").records == [["R1", "a", "1"]]
    assert open_any(book, sheet="2").columns == ("x",)
    missing = open_any(book, sheet="Refund")
    assert (missing.refused, "“Refunds”" in missing.words[0]) == ([("E-SHEET", "")], True)
    assert open_any(xlsx(("Refunds", table), ("Empty", []))).records == [["R1", "a", "1"]]
    assert open_any(book, sheet="Empty").refused == [("E-EMPTY", "")]


def test_hidden_sheets_are_not_looked_at_and_that_is_said(open_any):
    """A hidden sheet of lists beside the table is no second table."""
    book = xlsx(
        ("Refunds", [HEADER, ["R1", "a", 1]]),
        ("Lists", [["x"]]),
        edit=lambda made, _: made.worksheets()[1].hide(),
    )
    opened = open_any(book)
    assert (opened.records, list(opened.notes)) == ([["R1", "a", "1"]], ["N-SHEET"])


def test_a_formula_that_was_never_worked_out_is_no_empty_cell(open_any):
    """Neither where no value is stored, nor where its writer stored a nought and asks to be recalculated."""
    book = xlsx(
        ("S", [HEADER, ["R1", "a", 1], ["R2", "b"]]), edit=lambda _, one: one.write_formula(2, 2, "=C2*2")
    )
    assert open_any(book).damaged == [(2, "S!C3", "E-FORMULACELL", "Amount")]
    settled = [(BOOK, b' fullCalcOnLoad="1"', b"")]
    assert open_any(repacked(book, settled)).records[1] == ["R2", "b", "0"]
    for empty in (b"", b"<v></v>", b"<v/>"):
        bare = repacked(
            book, [*settled, (SHEET, b"<v>0</v></c></row></sheetData>", empty + b"</c></row></sheetData>")]
        )
        assert open_any(bare).damaged == [(2, "S!C3", "E-FORMULACELL", "Amount")]


def test_rows_of_nothing_but_such_formulas_are_not_lost(open_any):
    """The library that reads values sees nothing in them, though they stand below all others."""
    book = xlsx(
        ("S", [["Amount"], [1]]), edit=lambda _, one: [one.write_formula(row, 0, "=1") for row in (2, 4)]
    )
    bare = repacked(book, [(SHEET, b"<f>1</f><v>0</v>", b"<f>1</f>")])
    assert [
        (number, place) for number, place, code, _ in open_any(bare).damaged if code == "E-FORMULACELL"
    ] == [
        (2, "S!A3"),
        (3, "S!A5"),
    ]


def test_a_formula_that_gives_an_empty_text_was_worked_out(open_any):
    """Excel stores an empty value of type text for it."""
    book = xlsx([HEADER, ["R1", "", 1]], edit=lambda _, one: one.write_formula(1, 1, '=""', None, ""))
    plain = repacked(book, [(BOOK, b' fullCalcOnLoad="1"', b"")])
    assert open_any(repacked(plain, [(SHEET, b'r="B2"', b'r="B2" t="str"')])).damaged == []


def test_an_error_counts_only_in_a_column_that_is_used(open_any):
    """The record is given back where the template uses the cell, and read where it does not."""
    book = xlsx([HEADER, ["R1", "a", 1]], edit=lambda _, one: one.write_formula(1, 1, "=X", None, "#NAME?"))
    assert open_any(book).damaged == [(1, "Sheet1!B2", "E-CELL", "SKU")]
    assert open_any(book, used=frozenset({"Order"})).records == [["R1", "", "1"]]


def test_merged_cells_are_given_back_unless_they_are_filled_down(open_any):
    """A record whose cell is a part of merged ones has no value of its own; `fill_down:` says what is meant."""
    rows = [HEADER, ["", "a", 1], ["", "b", 2], ["R2", "c", 3]]
    book = xlsx(("S", rows), edit=lambda _, one: one.merge_range(1, 0, 2, 0, "R1"))
    opened = open_any(book)
    assert opened.damaged == [(2, "S!A3", "E-CELL", "Order")]
    assert "A2:A3" in opened.words[0]
    assert open_any(book, filled=["Order"]).records == [["R1", "a", "1"], ["", "b", "2"], ["R2", "c", "3"]]


def test_hidden_rows_wait_for_a_word(open_any):
    """Whether a hidden row is meant nobody can tell; the feed may say to read or to skip them."""
    rows = [HEADER, ["R1", "a", 1], ["R2", "b", 2], ["R3", "c", 3]]
    book = xlsx(("S", rows), edit=lambda _, one: one.set_row(2, None, None, {"hidden": True}))
    assert open_any(book).damaged == [(2, "S, row 3", "E-CELL", "")]
    assert len(open_any(book, hidden_rows="read").records) == 3
    skipped = open_any(book, hidden_rows="skip")
    assert [cells[0] for cells in skipped.records] == ["R1", "R3"]
    assert list(skipped.notes) == ["N-HIDDEN"]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (1234567890123456789, "E-SCIID"),  # no cell holds such a number
        (9007199254740992, "E-SCIID"),
        (12.5, "E-IDNUM"),
        (-5, "E-IDNUM"),
        (True, "E-IDNUM"),
        (dt.date(2024, 3, 2), "E-IDNUM"),
    ],
)
def test_an_id_that_lost_something_is_given_back(open_any, value, code):
    """By sheet and cell; and only where the column is used as an identifier."""
    book = xlsx(("S", [HEADER, [value, "a", 1]]), options={"default_date_format": "yyyy-mm-dd"})
    assert open_any(book, identifiers=["Order"]).damaged == [(1, "S!A2", code, "Order")]
    assert open_any(book).damaged == []


def test_a_number_of_16_digits_is_remarked_and_an_ordinary_one_is_not(open_any):
    """Excel keeps 15 digits of what is typed, so the sixteenth may have been another."""
    book = xlsx(("S", [HEADER, [1234567890123000, "a", 1], [5021, "b", 2]]))
    opened = open_any(book, identifiers=["Order"])
    assert opened.remarked == [(1, "S!A2", "W-IDPREC", "Order")]
    assert [cells[0] for cells in opened.records] == ["1234567890123000", "5021"]


def test_a_column_of_texts_may_hold_something_else_further_down(open_any):
    """However many texts come before it, a number is written and looked at as if it were the first cell."""
    texts = [[f"R{at}", "00120", "1.50"] for at in range(600)]
    others = [[1234567890123000, "", 2.5], ["R601", 7, "x"], [12.5, "b", True], ["R603", "c", 0.1]]
    opened = open_any(xlsx(("S", [HEADER, *texts, *others])), identifiers=["Order"])
    assert opened.records == [
        *texts, ["1234567890123000", "", "2.5"], ["R601", "7", "x"], ["R603", "c", "0.1"]
    ]  # fmt: skip
    assert opened.remarked == [(601, "S!A602", "W-IDPREC", "Order")]
    assert opened.damaged == [(603, "S!A604", "E-IDNUM", "Order")]


def test_only_the_row_with_something_odd_is_kept_back(open_any):
    """What is sound before and behind an odd row comes out in its order, under its own number and place."""

    def odd(book, sheet):
        sheet.set_row(2, None, None, {"hidden": True})
        sheet.write_formula(4, 2, "=1/0", None, "#DIV/0!")

    rows = [[f"R{at}", "a", at] for at in range(1, 8)]
    rows[5:5] = [["", "", ""]]
    opened = open_any(xlsx(("S", [HEADER, *rows]), edit=odd))
    assert opened.damaged == [
        (2, "S, row 3", "E-CELL", ""),
        (4, "S!C5", "E-CELL", "Amount"),
        (6, "S, row 7", "E-BLANK", ""),
    ]
    assert opened.records == [[f"R{at}", "a", str(at)] for at in (1, 3, 5, 6, 7)]
    assert opened.places == [(number, f"S, row {number + 1}") for number in (1, 3, 5, 7, 8)]


@pytest.mark.parametrize(
    "written", [b'<c\nt="e"\nr="B2">', b'<c r="B2" t = "e">', b'<c r="B2" t=\n"e">', b"<c r=\"B2\" t ='e'>"]
)
def test_a_cell_is_found_however_it_is_written(open_any, written):
    """An error in a cell whose place does not stand where programs commonly put it is an error all the same."""
    book = xlsx([HEADER, ["R1", "a", 1]], edit=lambda _, one: one.write_formula(1, 1, "=X", None, "#NAME?"))
    usual = b'<c r="B2" t="e"><f>X</f>'
    opened = open_any(repacked(book, [(SHEET, usual, written)]))
    assert opened.damaged == [(1, "Sheet1!B2", "E-CELL", "SKU")]


def test_days_counted_from_1904_are_the_same_days(open_any):
    """Dates of an old Macintosh workbook are read as meant, and that is said."""
    for old in (False, True):
        book = xlsx(
            [["Date"], [dt.date(2024, 3, 2)]],
            options={"date_1904": old, "default_date_format": "yyyy-mm-dd"},
        )
        opened = open_any(book)
        assert (opened.records, list(opened.notes)) == ([["2024-03-02"]], ["N-DATE1904"] * old)


def test_blank_rows_and_totals_end_the_table(open_any):
    """Blank rows at the end are none, in the middle they are damaged; a last line of totals is no order."""
    rows = [HEADER, ["R1", "a", 1], ["", "", ""], ["R2", "b", 2], ["Total", "", 3], [" ", "", ""]]
    assert open_any(xlsx(("S", rows))).damaged == [
        (2, "S, row 3", "E-BLANK", ""),
        (4, "S, row 5", "E-FOOTER", ""),
    ]
    again = [HEADER, ["R1", "a", 1], HEADER, ["Total", "", 3], ["R2", "b", 2]]
    opened = open_any(xlsx(again))
    assert [(number, code) for number, _, code, _ in opened.damaged] == [(2, "E-ROWHDR")]
    assert [cells[0] for cells in opened.records] == ["R1", "Total", "R2"]


def test_a_value_without_a_column_is_not_passed_over(open_any):
    """What stands behind the last named column is no part of a record, so the record is given back."""
    opened = open_any(xlsx(("S", [HEADER, ["R1", "a", 1, "x"], ["R2", "b", 2]])))
    assert opened.damaged == [(1, "S, row 2", "E-COLS", "")]
    assert "column D" in opened.words[0]
    assert open_any(xlsx([HEADER])).refused == [("E-NOROWS", "")]


def test_cells_that_have_a_format_and_nothing_in_them_do_no_harm(open_any):
    """A row coloured up to the last column is no wide table."""

    def coloured(book, sheet):
        red = book.add_format({"bg_color": "red"})
        for column in range(16_384):
            sheet.write_blank(2, column, None, red)

    opened = open_any(xlsx([HEADER, ["R1", "a", 1]], edit=coloured))
    assert (opened.refused, opened.records) == ([], [["R1", "a", "1"]])


def test_a_list_whose_first_columns_are_called_id_and_p_is_a_table(open_any):
    """A SYLK table begins with ID;P as well, but with its program's name behind it."""
    assert open_any(b"ID;Price\n1;2\n").columns == ("ID", "Price")


def test_a_workbook_that_is_cut_off_is_refused(open_any):
    """However much of it is missing."""
    book = xlsx([HEADER, *([f"R{at}", "a", at] for at in range(500))])
    for cut in range(100, len(book), len(book) // 40):
        assert open_any(book[:cut]).refused[0][0] in {"E-ARCHIVE", "E-WORKBOOK"}


def test_a_sheet_with_bytes_changed_is_refused(open_any):
    """A damaged part never gives other records; the checksum of its part tells."""
    book = xlsx([HEADER, *([f"R{at}", "a", at] for at in range(500))])
    truth = open_any(book).records
    for at in range(0, len(book), len(book) // 150):
        changed = bytearray(book)
        changed[at] ^= 0x15
        opened = open_any(io.BytesIO(bytes(changed)))
        assert opened.refused or opened.records == truth


@pytest.mark.parametrize("form", ["00000000", '"0"0000000', "0000-0000", "[Red]00000000", "00000000;-0"])
def test_zeros_that_are_only_a_format_are_no_part_of_an_id(open_any, form):
    """The sender sees 00001234 and the file holds 1234; nobody can tell which of them the shop knows."""

    def padded(book, sheet):
        style = book.add_format({"num_format": form})
        sheet.write_number(1, 0, 1234, style)
        sheet.write_number(2, 0, 12345678, style)
        sheet.write_number(1, 2, 5, book.add_format({"num_format": "0.00"}))

    book = xlsx(("S", [HEADER, [None, "a"], [None, "b", 2]]), edit=padded)
    opened = open_any(book, identifiers=["Order", "Amount"])
    assert opened.damaged == [(1, "S!A2", "E-IDNUM", "Order")]
    assert "00001234" in opened.words[0]
    assert open_any(book).damaged == []
    assert opened.records[-1][0] == "12345678"


def test_a_number_is_written_with_the_mark_that_the_feed_declares(open_any):
    """Where the point parts thousands, 2.125 would be read as 2125; whole numbers and texts stay as they are."""
    rows = [HEADER, ["1.10", 12345, 2.125], ["R2", "b.c", -19.9]]
    for content in (xlsx(rows), ods(rows), oldbooks.xls(rows), oldbooks.xlsb(rows)):
        assert open_any(content, decimal=",").records == [["1.10", "12345", "2,125"], ["R2", "b.c", "-19,9"]]


MANY = 4_000  # rows: more text than is looked at at once
TWICE = {  # a row, and what it becomes: the place that is found
    "a cell twice": ('<c r="B{}"><v>7</v></c>', '<c r="B{0}"><v>7</v></c><c r="B{0}"><v>8</v></c>', "B"),
    "apart": ("</row>", '<c r="A{}"><v>8</v></c></row>', "A"),
    "the row twice": ("</row>", '</row><row r="{0}"><c r="B{0}"><v>8</v></c></row>', "B"),
    "the row in two": ('<c r="B{}">', '</row><row r="{0}"><c r="B{0}">', "B"),
    "a row without its number": ("</row>", '</row><row><c r="A{}"><v>8</v></c></row>', "A"),
    "in the next row": ('<c r="A{1}"', '<c r="B{0}"><v>8</v></c><c r="A{1}"', "B"),
    "with a zero": ("</row>", '<c r="B0{}"><v>8</v></c></row>', "B"),
}


def _big(*, blanks):
    rows = [
        ["Id", "N", "Note"],
        *([f"R{at}", 7, None if at % 3 and blanks else "x"] for at in range(2, MANY)),
    ]
    return xlsx(("S", rows))


@pytest.fixture(scope="module")
def big():
    """Two sheets of many rows: each row with all cells, and some without."""
    return {blanks: _big(blanks=blanks) for blanks in (False, True)}


@pytest.mark.parametrize("case", TWICE)
@pytest.mark.parametrize("blanks", [False, True], ids=["full", "blanks"])
@pytest.mark.parametrize("row", [2, 1501, MANY - 2])
def test_a_cell_that_stands_twice_is_no_value(open_any, big, case, blanks, row):
    """Nobody can tell which of the two is meant; it is found by its place, and in no other column does it harm."""
    was, becomes, column = TWICE[case]
    text = zipfile.ZipFile(io.BytesIO(big[blanks])).read(SHEET).decode()
    at = text.index(f'<row r="{row}"')
    if case == "in the next row":
        was, becomes = was.format(row, row + 1), becomes.format(row, row + 1)
    changed = text[:at] + text[at:].replace(was.format(row), becomes.format(row), 1)
    assert changed != text
    content = repacked(big[blanks], [(SHEET, text.encode(), changed.encode())])
    names = ("Id", "N", "Note")
    name = names["ABC".index(column)]
    opened = open_any(content)
    assert opened.damaged == [(row - 1, f"S!{column}{row}", "E-CELL", name)]
    assert len(opened.records) == MANY - 3
    assert open_any(content, used=frozenset(names) - {name, "Note"}).damaged == []


ROWS = ['<row r="2"><c r="B2"><v>7</v></c></row>', '<row r="3"><c r="B3"><v>8</v></c></row>']


@pytest.mark.parametrize(
    ("rows", "refused"),
    [
        (ROWS[::-1], "row 2 of a sheet stands behind row 3"),
        ([*ROWS, ROWS[0]], "row 2 of a sheet stands behind row 3"),
        (
            [*ROWS, '<row r="4"><c r="A4"><v>1</v></c><c r="B2"><v>1</v></c></row>'],
            "row 2 of a sheet stands behind row 4",
        ),
        ([ROWS[0], '<row r="2"/>', ROWS[1], '<row r="2"/>'], ""),
        (['<row r="2"><c r="B2" s="0"/><c r="B2"><v>7</v></c><c r="B2"/></row>', ROWS[1]], ""),
    ],
)
def test_rows_out_of_order_refuse_the_file_where_they_hold_anything(open_any, rows, refused):
    """A value may stand behind thousands of others with the same place; what is empty takes no place from any."""
    made = xlsx(("S", [[None, "N"], [None, 7.0], [None, 8.0]]))
    text = zipfile.ZipFile(io.BytesIO(made)).read(SHEET)
    was = text[text.index(b'<row r="2"') : text.index(b"</sheetData")]
    opened = open_any(repacked(made, [(SHEET, was, "".join(rows).encode())]))
    assert [code for code, _ in opened.refused] == ["E-WORKBOOK"] * bool(refused)
    assert refused in "".join(opened.words)
    assert opened.records == ([] if refused else [["7"], ["8"]])


def test_a_name_that_stands_twice_refuses_the_file(open_any):
    """The column would have the one or the other."""
    made = xlsx(("S", [["Id", "N"], ["a", 1]]))
    content = repacked(made, [(SHEET, b'<c r="B1"', b'<c r="B1"><v>1</v></c><c r="B1"')])
    assert open_any(content).refused == [("E-CELL", "S!B1")]
