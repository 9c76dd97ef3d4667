from __future__ import annotations

import codecs
import csv
import io

import pytest

from agent.errors import RefusedFile
from agent.feedback.owed import OTHERS
from agent.feedback.rejects import LONGEST, KeptBack, write_rejects
from agent.readers.base import MEND_COLUMN, REASON_COLUMN, SHIFTED
from agent.readers.delimited import open_delimited

ADDED = f"{REASON_COLUMN},{MEND_COLUMN}"


def rejects(content, kept_back, *, encoding=("utf-8",), delimiter="auto", everything=False):
    """Write the rejects file of some bytes; return its bytes."""
    target = io.BytesIO()
    lines = first_lines(content, encoding=encoding, delimiter=delimiter)
    source = open_delimited(
        io.BytesIO(content),
        encoding=encoding,
        delimiter=delimiter,
        canonical=str.upper,
        damaged=lambda *_: None,
    )
    written = write_rejects(
        source,
        kept_back=(_kept(number, words, *lines.get(number, (10_000, False))) for number, *words in kept_back),
        target=target,
        everything=everything,
    )
    assert written == len(kept_back) or everything
    return target.getvalue()


def _kept(number, words, line, blank):
    return KeptBack(number, line, *words, blank=blank)


def first_lines(content, *, encoding, delimiter):
    """Read bytes; return by its number the line on which each record begins, and whether it is blank."""
    lines = {}
    source = open_delimited(
        io.BytesIO(content),
        encoding=encoding,
        delimiter=delimiter,
        canonical=None,
        damaged=lambda number, line, _cells, fault: lines.update({number: (line, fault.code == "E-BLANK")}),
    )
    for _ in source:
        lines[source.number] = (source.line, False)
    return lines


def reread(content, *, encoding=("utf-8",), delimiter="auto"):
    """Read bytes; return the columns, the sound records and the codes of the damaged ones."""
    codes = []
    source = open_delimited(
        io.BytesIO(content),
        encoding=encoding,
        delimiter=delimiter,
        canonical=None,
        damaged=lambda *damaged: codes.append(damaged[3].code),
    )
    return source.columns, [list(cells) for cells in source], codes


def resaved(content):
    """Do what a spreadsheet does when it saves a file: make all records as wide as the widest."""
    records = list(csv.reader(io.StringIO(content.decode(), newline="")))
    width = max(map(len, records))
    saved = io.StringIO(newline="")
    csv.writer(saved).writerows([*record, *[""] * (width - len(record))] for record in records)
    return saved.getvalue().encode()


def test_the_records_kept_back_are_written_with_reason_and_mend():
    """Header as written, the records asked for and no others, reason and mend last."""
    content = b'Order , SKU\n1,a\n2,"b, c"\n3,d\n'
    assert rejects(content, [(2, "bad", "mend it")]) == (
        f'Order , SKU,{ADDED}\n2,"b, c",bad,mend it\n'.encode()
    )


@pytest.mark.parametrize(
    "content",
    [
        codecs.BOM_UTF8 + "Größe;b\r\n1;é\r\n".encode(),
        b"a\tb\r1\t2\r",
        b'"a","b"\n"1","2"\n',
        codecs.BOM_UTF16_LE + "a|b\r\n1|č\r\n".encode("utf-16-le"),
        "a;b\n1;ä€\n".encode("cp1252"),
    ],
    ids=["mark and semicolons", "tabs and CR", "all quoted", "UTF-16", "cp1252"],
)
def test_the_form_is_that_of_the_source(content):
    """Without the two added columns the bytes are those of the source."""
    encoding = ("utf-8", "utf-16", "cp1252")
    written = rejects(content, [(1, "w", "m")], encoding=encoding)
    codec = "utf-16" if content.startswith(codecs.BOM_UTF16_LE) else "cp1252"
    text = written.decode(codec)
    for name in (REASON_COLUMN, MEND_COLUMN, "w", "m"):
        for delimiter in ",;\t|":
            text = text.replace(f'{delimiter}"{name}"', "", 1).replace(f"{delimiter}{name}", "", 1)
    assert text == content.decode(codec)


def test_it_may_be_dropped_back_as_it_is():
    """Read again, the rejects file has the sender's columns and exactly the records kept back."""
    content = b'a,b\r\n1,"x\r\ny"\r\n2,=1+1\r\n3,"5"" pipe"\r\n 4 ,\r\n'
    kept_back = [(number, "why; so, what", 'say "so"') for number in (1, 2, 3, 4)]
    assert reread(rejects(content, kept_back)) == reread(content)


def test_a_second_round_adds_no_further_columns():
    """A rejects file of a rejects file has the two columns once, with the new reasons."""
    once = rejects(b"a,b\n1,2\n3,4\n", [(1, "old", "old"), (2, "old", "old")])
    assert rejects(once, [(2, "new", "newer")]) == f"a,b,{ADDED}\n3,4,new,newer\n".encode()


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t=", "\r\n=", " =", "\uff1d"])
def test_our_texts_are_never_formulas(sign):
    """A reason that a spreadsheet would run is disarmed; the sender's own cells are left alone."""
    text = f'{sign}HYPERLINK("http://example.net")'
    written = rejects(b"a,b\n=1+1,-2\n", [(1, text, text)])
    record = list(csv.reader(io.StringIO(written.decode(), newline="")))[1]
    assert record[:2] == ["=1+1", "-2"]
    assert [cell[0] for cell in record[2:]] == ["'", "'"]


def test_our_texts_stay_on_one_line_and_short():
    """Line breaks, control characters and endless reasons would spoil the file or have it refused."""
    written = rejects(b"a,b\n1,2\n", [(1, "one\ntwo\x00\x1bthree", "x" * 100_000)])
    record = list(csv.reader(io.StringIO(written.decode())))[1]
    assert record[2] == "one two three"
    assert len(record[3]) == LONGEST
    assert reread(written)[1:] == ([["1", "2"]], [])


def test_the_mark_of_a_shifted_record_is_ours_alone():
    """A reason that has the mark in it does not make a sound record look shifted."""
    written = rejects(b"a,b\n1,2\n", [(1, "why", f"{SHIFTED} how")])
    assert reread(written)[1:] == ([["1", "2"]], [])


def test_letters_the_encoding_lacks_are_replaced_in_our_texts_only():
    """A reason with other letters than the source's encoding has must not stop the writing."""
    written = rejects(b"a,b\n1,\xe9\n", [(1, "→ čaj", "")], encoding=("utf-8", "cp1252"))
    assert written == f"a,b,{ADDED}\n1,é,? ?aj,\n".encode("cp1252")


DAMAGED = b"a,b,c\n1,2\n1,2,3,4\n\n1\na,b,c\n1,2,3,4,5\nTotal,,9\n"
DAMAGED_CODES = ["E-COLS", "E-COLS", "E-BLANK", "E-COLS", "E-ROWHDR", "E-COLS", "E-FOOTER"]


def test_damaged_records_are_written_and_refused_again():
    """Not mended, each damaged record is refused again for the same reason, however often it comes back."""
    content = DAMAGED
    for _ in range(4):
        assert reread(content)[1:] == ([], DAMAGED_CODES)
        content = rejects(content, [(number, "why", "how") for number in range(1, 8)])


def test_a_spreadsheet_cannot_make_damaged_records_sound():
    """Filled up with empty cells, a record out of line is still known, and loses no cell on the way."""
    content = DAMAGED
    for _ in range(3):
        content = resaved(rejects(content, [(number, "why", "how") for number in range(1, 8)]))
        assert reread(content)[1:] == ([], DAMAGED_CODES)
    records = list(csv.reader(io.StringIO(content.decode(), newline="")))
    long = next(record for record in records if "5" in record)
    assert [cell for cell in long if cell] == ["1", "2", "3", "4", "5", f"{SHIFTED} why", "how"]


def test_a_mended_record_is_sound_again():
    """The missing cell filled in before the reason, the record is read with the rest."""
    written = rejects(b"a,b,c\n1,2\n", [(1, "too few", "add one")]).decode()
    mended = written.replace(f"1,2,{SHIFTED}", f"1,2,3,{SHIFTED}")
    assert reread(mended.encode()) == (("a", "b", "c"), [["1", "2", "3"]], [])


def test_a_record_without_our_cells_stays_refused():
    """A record of a returned file that lacks just our two cells is not made sound by getting them back."""
    returned = f"a,b,{ADDED}\n1,2\n3,4,x,y\n".encode()
    assert reread(returned)[1:] == ([["3", "4"]], ["E-COLS"])
    again = rejects(returned, [(1, "why", "how")])
    assert reread(again)[1:] == ([], ["E-COLS"])


def test_nameless_columns_are_kept_in_place():
    """Columns without a name keep their place before ours, and a value in one is not lost."""
    content = b"a,b,,\n1,2,,\n3,4,x,\n"
    written = rejects(content, [(1, "why", ""), (2, "why", "")])
    assert written == f"a,b,,,{ADDED}\n1,2,,,why,\n3,4,x,,why,\n".encode()
    assert reread(written)[1:] == ([["1", "2"]], ["E-COLS"])


def test_everything_is_written_when_nothing_was_sent():
    """Each record of the file comes back; those without a reason of their own get a common one."""
    written = rejects(b"a,b\n1,2\n3\n5,6\n", [(2, "why", "how")], everything=True)
    assert written == f'a,b,{ADDED}\n1,2,"{OTHERS}",\n3,{SHIFTED} why,how\n5,6,"{OTHERS}",\n'.encode()


@pytest.mark.parametrize("numbers", [[3], [2, 1], [1, 1], [0]])
def test_a_number_that_does_not_come_by_is_an_error(numbers):
    """A rejects file that would lack a record is never taken for a good one."""
    with pytest.raises(ValueError, match=r"is not in the|has no line"):
        rejects(b"a,b\n1,2\n3,4\n", [(number, "why", "how") for number in numbers])


def test_an_unreadable_source_is_refused():
    """What the reader refuses, it refuses here too."""
    with pytest.raises(RefusedFile):
        rejects(b'a,b\n1,"2\n', [(1, "why", "how")])


def test_what_stands_above_a_header_is_not_in_a_rejects_file():
    """The header is its first line, as the agent expects it when the file comes back."""
    content = b"Refunds of May\n\nOrder;Total\nA-1;9\nA-2;x\n"
    target = io.BytesIO()
    source = open_delimited(
        io.BytesIO(content),
        encoding=("utf-8",),
        delimiter=";",
        canonical=None,
        damaged=lambda *_: None,
        header_row=3,
    )
    write_rejects(source, kept_back=iter([KeptBack(2, 5, "E-NUM", "mend it")]), target=target)
    assert target.getvalue().decode().splitlines() == [
        f"Order;Total;{REASON_COLUMN};{MEND_COLUMN}", "A-2;x;E-NUM;mend it"
    ]  # fmt: skip
