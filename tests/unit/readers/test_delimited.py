from __future__ import annotations

import codecs
import csv
import io
import re

import pytest

from agent.errors import RefusedFile
from agent.readers.base import MEND_COLUMN, REASON_COLUMN, SHIFTED
from agent.readers.delimited import open_delimited

RETURNED = f"{REASON_COLUMN},{MEND_COLUMN}"


def test_number_and_line_belong_to_the_record_being_handled(read):
    """Line is where the record begins, also behind cells of several lines; blank lines count as records."""
    reading = read(b'a,b\n1,"x\ny\r\nz"\n"q\n",2\n\n3,4\n5\n6,7\n')
    assert reading.places == [(1, 2), (2, 5), (4, 8), (6, 10)]
    assert [place[:2] for place in reading.damaged] == [(3, 7), (5, 9)]


def test_line_may_be_asked_for_again_or_not_at_all():
    """The line is the same however often it is asked for, and whether or not it was asked for before."""
    content = b'"a\n",b\n1,2\n"3\n3","4\n\n4"\n5,6\n"7\n",8\n9,10\n'
    expected = [3, 4, 8, 9, 11]
    for asked in ([0, 1, 2, 3, 4], [0, 0, 1, 1, 2, 2, 3, 3, 4, 4], [2], [3], [4], [1, 4], [2, 3, 4]):
        source = open_delimited(
            io.BytesIO(content), encoding=("utf-8",), delimiter=",", canonical=None, damaged=_never
        )
        lines = [source.line for index, _ in enumerate(source) for _ in range(asked.count(index))]
        assert lines == [expected[index] for index in asked]


def test_cells_side_by_side_make_no_line_end(read):
    """A cell that ends in CR beside one that begins with LF holds two line ends, not one CRLF."""
    assert read(b'a,b\r\n"1\r","\n2"\r\n3,4\r\n').places == [(1, 2), (2, 5)]


def _never(*damaged):
    raise AssertionError(damaged)


def test_the_lines_of_an_old_computer_are_counted(read):
    """Lone carriage returns part lines, also inside quotes."""
    assert read(b'a,b\r1,"x\ry"\r2,3\r').places == [(1, 2), (2, 4)]


def test_line_ends_cut_by_a_block_are_one(read):
    """CRLF that falls on the edge between two blocks of any size read is still one line end."""
    for size in (16_384, 65_536):
        rows = "12,34\r\n" * ((size - len("a,b\r\n\r")) // len("12,34\r\n"))
        filler = "x" * (size - len(f"a,b\r\n{rows},\r"))
        content = f"a,b\r\n{rows}{filler},\r\n2,3\r\n".encode()
        assert content[size - 1 : size + 1] == b"\r\n"
        reading = read(content)
        assert (reading.notes, reading.damaged) == ({}, [])
        assert reading.places == [(number, number + 1) for number in range(1, len(reading.records) + 1)]


def test_a_letter_cut_by_a_block_is_whole(read):
    """A letter of several bytes that falls on the edge between two blocks is read as one."""
    for size in (16_384, 65_536):
        for before in range(1, 4):
            rows = "1,2\n" * ((size - before) // 4 - 3)
            text = "x" * (size - before - len(rows) - len("a,b\n1,"))
            content = f"a,b\n{rows}1,{text}\U0001f600\n".encode()
            assert content[size - before : size - before + 4] == "\U0001f600".encode()
            assert read(content).records[-1] == ["1", f"{text}\U0001f600"]


@pytest.mark.parametrize("codec", ["shift_jis", "gb18030", "utf-16-le", "utf-32-be", "cp037"])
def test_other_encodings_are_read_when_declared(read, codec):
    """Bytes that look like delimiters or line ends of other encodings are decoded before any look."""
    text = "id,name\n" + "".join(f"{number},ソ能表{number}\n" for number in range(5_000))
    if codec == "cp037":
        text = text.replace("ソ能表", "é")
    reading = read(text.encode(codec), encoding=(codec,))
    assert len(reading.records) == 5_000
    assert reading.records[-1] == text.splitlines()[-1].split(",")


def test_the_offset_of_a_bad_byte_counts_in_any_encoding(read):
    """E-ENC names the place in the file's own bytes, wherever the blocks fall."""
    good = "id,name\n" + "1,ソ\n" * 40_000
    content = good.encode("shift_jis") + b"\xff\n"
    finding = read(content, encoding=("shift_jis",)).findings[0]
    assert f"byte 0xFF at offset {len(content) - 2} is not shift_jis" in finding.words
    assert finding.place == "line 40002"


def test_a_truncated_letter_at_the_end_is_refused(read):
    """A file cut off inside a letter is not UTF-8."""
    assert read("a,b\n1,é".encode()[:-1]).refused == [("E-ENC", "line 2")]


def test_a_mark_settles_the_encoding_only_where_it_is_declared(read):
    """With a UTF-8 mark a file is UTF-8, even if another declared encoding would have been first."""
    content = codecs.BOM_UTF8 + "a,b\n1,é\n".encode()
    assert read(content, encoding=("cp1252", "utf-8")).records == [["1", "é"]]
    assert read(content, encoding=("cp1252",)).refused == [("E-ENC", "")]


def test_utf16_as_only_encoding_needs_its_mark(read):
    """Without a mark nothing says how the bytes of declared UTF-16 are ordered."""
    assert read(b"a,b\n1,2\n", encoding=("utf-16",)).refused == [("E-ENC", "")]


def test_a_nul_is_a_nul_also_with_fallbacks(read):
    """A fallback that can read any byte does not make a NUL acceptable, nor hide it behind E-ENC."""
    assert read(b"a,b\n1,\x00\n", encoding=("utf-8", "latin-1")).refused == [("E-NUL", "line 2")]


def test_names_lose_the_blanks_around_them(read):
    """Column names are trimmed; what was written is kept for the rejects file."""
    reading = read(b" Order , SKU\n1,2\n")
    assert reading.columns == ("Order", "SKU")
    assert reading.source.header.written == (" Order ", " SKU")


def test_canonical_names_and_their_repetition(read):
    """With `canonical` the columns have canonical names; two spellings of one column are a repetition."""
    names = {"order_id": "Oid", "oid": "Oid", "sku": "SKU"}
    assert read(b"order_id,sku\n1,2\n", canonical=names.__getitem__).columns == ("Oid", "SKU")
    reading = read(b"order_id,oid\n1,2\n", canonical=names.__getitem__)
    assert reading.refused == [("E-HDRDUP", "line 1")]
    assert "order_id" in reading.findings[0].words


def test_nameless_columns_at_the_end_must_be_empty(read):
    """Spreadsheets leave such columns; they are dropped, and a value in one damages its record."""
    reading = read(b'a,b,,\n1,2,,\n3,4,,x\n"5\n",6,,\n')
    assert (reading.columns, reading.records) == (("a", "b"), [["1", "2"], ["5\n", "6"]])
    assert reading.damaged == [(2, 3, ["3", "4", "", "x"], "E-COLS")]
    assert reading.places == [(1, 2), (3, 4)]


def test_the_two_columns_of_a_rejects_file_are_dropped(read):
    """A rejects file that comes back has the sender's columns only, whatever stands in ours."""
    reading = read(f'a,b,{RETURNED}\n1,2,"why,\nso",how\n3,4,,\n'.encode())
    assert (reading.columns, reading.records) == (("a", "b"), [["1", "2"], ["3", "4"]])
    assert reading.places == [(1, 2), (2, 4)]


def test_our_columns_elsewhere_are_refused(read):
    """Moved to the front they would be sent, or written twice."""
    assert read(f"{REASON_COLUMN},a,b\n1,2,3\n".encode()).refused == [("E-HDRDUP", "line 1")]


def test_a_shifted_record_is_known_by_its_mark(read):
    """A short record filled up by a spreadsheet has the right width, but its reason gives it away."""
    reading = read(f"a,b,c,{RETURNED}\n1,2,{SHIFTED} too few,add one,\n".encode())
    assert [code for *_, code in reading.damaged] == ["E-COLS"]
    assert "column 3" in reading.words[0]


def test_a_shifted_record_is_never_taken_for_a_blank_one(read):
    """The sender's cells may be empty and a value stand under one of our names; it is not lost unsaid."""
    reading = read(f"a,b,{RETURNED},\n,,7,{SHIFTED} too many,remove one\n".encode())
    assert [code for *_, code in reading.damaged] == ["E-COLS"]


def test_a_mended_record_may_keep_the_mark_in_its_place(read):
    """Once the cells are in line, the reason stands in its own column and is dropped."""
    assert read(f"a,b,c,{RETURNED}\n1,2,3,{SHIFTED} too few,add one\n".encode()).records == [["1", "2", "3"]]


def test_the_faulty_record_is_found_behind_many_others(read):
    """The line of an open quote is right though csv gives up only far behind it."""
    content = "a,b\n" + '1,"x\ny"\n' * 3_000 + '2,"open\n' + "3,4\n" * 200_000
    reading = read(content.encode())
    assert reading.refused == [("E-QUOTE", "line 6002")]
    assert len(reading.records) == 3_000


def test_a_quote_that_closes_later_is_named_with_both_lines(read):
    """The words say where the quote opens and where it closes in front of other text."""
    finding = read(b'a,b\n1,"2\n3,4\n5,"6"\n').findings[0]
    assert finding.place == "line 2"
    assert "opens on line 2" in finding.words
    assert "on line 4" in finding.words


def test_a_quote_closed_far_too_late_is_not_said_to_be_open(read):
    """A cell beyond csv's own limit is refused by the line it opens on, in words true of it."""
    reading = read(b'a,b\n1,"' + b"x\n" * 100_000 + b'"\n2,3\n')
    assert reading.refused == [("E-QUOTE", "line 2")]
    assert "not closed within 131,072 characters" in reading.findings[0].words


def test_a_cell_beyond_csvs_own_limit_refuses_the_file(read):
    """Such a cell cannot be handed over whole; the refusal names its line."""
    assert read(b"a,b\n1,2\n3," + b"x" * 200_000 + b"\n").refused == [("E-FIELDLEN", "line 3")]


def test_a_file_of_damaged_records_only_is_not_empty(read):
    """E-NOROWS is for files without records; damaged ones count."""
    reading = read(b"a,b\n1\n2,3,4\n")
    assert (reading.refused, len(reading.damaged), reading.source.number) == ([], 2, 2)


def test_blank_lines_at_the_end_do_not_count(read):
    """`number` ends at the last record, the footer included."""
    assert read(b"a,b\n1,2\n\n\n").source.number == 1
    assert read(b"a,b\n1,2\nTotal,2\n\n\n").source.number == 2


def test_damaged_and_sound_records_come_in_the_order_of_the_file():
    """Number by number, each record is either yielded or handed to `damaged`, none twice, none left out."""
    content = b"a,b\n1,2\n\n\nTotal,9\n3\n,x\n\na,b\nTotal,1\n,\n4,5,6\nSum,2\n\n"
    seen = []
    source = open_delimited(
        io.BytesIO(content),
        encoding=("utf-8",),
        delimiter=",",
        canonical=None,
        damaged=lambda number, line, _cells, _fault: seen.append((number, line)),
    )
    seen.extend((source.number, source.line) for _ in source)
    assert seen == [(number, number + 1) for number in range(1, 13)]
    assert source.number == 12


def test_the_stream_is_left_open(read):
    """The caller's stream is never closed, whatever becomes of the file."""
    for content in (b"a,b\n1,2\n", b"", b'a,b\n1,"2'):
        stream = io.BytesIO(content)
        read(stream)
        assert not stream.closed


def test_the_form_of_the_file_is_told(read):
    """Encoding, mark, delimiter, line end and quoting are those of the file."""
    form = read(codecs.BOM_UTF8 + b'"a";"b"\r\n"1";"2"\r\n').source.form
    assert (form.codec, form.mark, form.delimiter) == ("utf-8", codecs.BOM_UTF8, ";")
    assert (form.line_end, form.all_quoted) == ("\r\n", True)
    assert not read(b'"a";"b"\r\n"1";2\r\n').source.form.all_quoted


def test_a_consumer_that_fails_is_not_mistaken_for_csv(read):
    """An error raised while a record is handled leaves as it is."""
    source = open_delimited(
        io.BytesIO(b"a,b\n1,2\n"), encoding=("utf-8",), delimiter=",", canonical=None, damaged=_never
    )
    with pytest.raises(csv.Error, match="mine"):
        _fail_on(source)


def _fail_on(source):
    for _ in source:
        raise csv.Error("mine")


def test_the_whole_sample_matches_csv_reader(retail):
    """A real export is read exactly as csv.reader reads it, and every line number is right."""
    reader = csv.reader(io.StringIO(retail, newline=""))
    columns, *records = reader
    source = open_delimited(
        io.BytesIO(retail.encode()), encoding=("utf-8",), delimiter="auto", canonical=None, damaged=_never
    )
    assert source.columns == tuple(columns)
    assert [list(cells) for cells in source] == records


@pytest.fixture
def retail():
    """A text in the manner of a shop's export: quotes, commas, several lines, other alphabets."""
    rows = io.StringIO(newline="")
    writer = csv.writer(rows)
    writer.writerow(["InvoiceNo", "StockCode", "Description", "Quantity"])
    for number in range(4_000):
        text = ["WHITE, HEART", 'T-LIGHT 5" HOLDER', "zwei\nZeilen", "čaj 茶", ""][number % 5]
        writer.writerow([str(536_365 + number // 7), f"8512{number % 97}A", text, str(number % 11 - 3)])
    return rows.getvalue()


def test_no_refusal_has_row_contents_in_its_words(read):
    """Words of a refusal may be logged: they hold names, places and bytes, never a cell of a record."""
    for content in (b'a,b\n1,"secret"x\n', b'a,b\n1,"secret\n', b"a,b\nsecret,\xff\n", b"a,b\nsecret,\x00\n"):
        for finding in read(content).findings:
            assert not re.search("secret", str(finding))


def test_reading_twice_is_no_way_to_get_records_again():
    """A source is walked once; RefusedFile leaves the walk and nothing follows."""
    source = open_delimited(
        io.BytesIO(b'a,b\n1,2\n3,"4'), encoding=("utf-8",), delimiter=",", canonical=None, damaged=_never
    )
    walk = iter(source)
    assert next(walk) == ["1", "2"]
    with pytest.raises(RefusedFile):
        next(walk)
    assert next(walk, None) is None


def test_a_blank_record_of_two_lines_is_one_record():
    """Blank records are counted as records, not as lines, whatever line ends stand in their quotes."""
    damaged = []
    source = open_delimited(
        io.BytesIO(b'a,b,c\r\n"\n"\r\n\r\n1,2,3\r\n'),
        encoding=("utf-8",),
        delimiter=",",
        canonical=None,
        damaged=lambda number, line, _cells, fault: damaged.append((number, line, fault.code)),
    )
    assert [(source.number, source.line) for _ in source] == [(3, 5)]
    assert damaged == [(1, 2, "E-BLANK"), (2, 4, "E-BLANK")]


TITLED = b'Refunds of "May\n;;\n\nOrder;New total\nA-1;"9,50\n"\nA-2\nA-3;0\n'


def test_what_stands_above_the_header_is_passed_over(read):
    """Whatever it is; lines are counted from the file's first, and the delimiter is that of the table."""
    reading = read(TITLED, header_row=4)
    assert reading.columns == ("Order", "New total")
    assert (reading.places, [one[:2] for one in reading.damaged]) == ([(1, 5), (3, 8)], [(2, 7)])
    assert (reading.source.detected.header_row, reading.source.detected.delimiter) == (4, "semicolon")


def test_a_hint_for_spreadsheets_may_be_passed_over(read):
    """As any other line above the header."""
    assert read(b"sep=;\r\na;b\r\n1;2\r\n", header_row=2).records == [["1", "2"]]


def test_faults_of_a_later_header_have_its_line(read):
    """So have those of what is behind it."""
    assert read(b"title\n\na,a\n1,2\n", header_row=3).refused == [("E-HDRDUP", "line 3")]
    assert read(b'title\na,b\n1,2\n3,"4\n', header_row=2).refused == [("E-QUOTE", "line 4")]
    assert read(b"title\na,b\n", header_row=4).refused == [("E-HDREMPTY", "")]


def test_a_rejects_file_has_its_header_in_the_first_line(read):
    """The agent writes it so, and takes it back whatever the feed says of other files."""
    content = f"Order,New total,{REASON_COLUMN},{MEND_COLUMN}\nA-2,0,E-COLS,add it\n".encode()
    assert read(content, header_row=4).records == [["A-2", "0"]]
