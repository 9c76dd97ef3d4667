from __future__ import annotations

from agent.readers.base import REASON_COLUMN, Column

COLUMNS = (Column("Order", 1, 8), Column("Amount", 10, 7, "left"), Column("Note", 17, 5, "none"))
LINES = b"00000120    1.10ab c \nR2          22.5     \r\n"


def test_columns_are_cut_where_the_feed_declares_them(open_any):
    """Filling blanks are left out as declared, all else stays."""
    opened = open_any(LINES, format="fixed", columns=COLUMNS)
    assert opened.columns == ("Order", "Amount", "Note")
    assert opened.records == [["00000120", "1.10", "ab c "], ["R2", "22.5", "     "]]
    assert opened.places == [(1, "line 1"), (2, "line 2")]


def test_lines_above_are_passed_over(open_any):
    """As many as the feed says."""
    assert (
        len(open_any(b"Order    Amount\n" + LINES, format="fixed", columns=COLUMNS, header_row=1).records)
        == 2
    )


def test_a_line_too_short_or_too_long_is_damaged(open_any):
    """A short one may have lost digits; what stands behind the columns belongs to none."""
    content = LINES + b"R3           1.1\n" + b"R4          1.10abcd x\n" + b"R5          1.10abcde   \n"
    opened = open_any(content, format="fixed", columns=COLUMNS)
    assert [(number, place, code) for number, place, code, _ in opened.damaged] == [
        (3, "line 3", "E-COLS"),
        (4, "line 4", "E-COLS"),
    ]
    assert opened.records[-1][0] == "R5"


def test_letters_count_and_not_bytes(open_any):
    """Widths are characters of the declared encoding."""
    line = "Ä0000120    1.10ab c \n"
    for codec in ("utf-8", "cp1252"):
        opened = open_any(line.encode(codec), format="fixed", columns=COLUMNS, encoding=(codec,))
        assert opened.records == [["Ä0000120", "1.10", "ab c "]]


def test_what_a_rejects_file_added_is_left_out(open_any):
    """So it may be dropped back as it is."""
    content = LINES.replace(b" \r\n", f"   [{REASON_COLUMN}] E-REQ is empty\r\n".encode())
    opened = open_any(content, format="fixed", columns=COLUMNS)
    assert (opened.damaged, len(opened.records)) == ([], 2)


def test_another_format_is_refused(open_any):
    """A workbook, a JSON document or nothing at all is no text of fixed widths."""
    for content, code in ((b'[{"a": 1}]', "E-TYPE"), (b"", "E-EMPTY"), (b"\n\n", "E-NOROWS")):
        assert [found for found, _ in open_any(content, format="fixed", columns=COLUMNS).refused] == [code]
