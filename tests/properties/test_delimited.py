"""What holds for the delimited reader and the rejects file whatever text or bytes they are given."""

from __future__ import annotations

import codecs
import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import RefusedFile
from agent.feedback.rejects import KeptBack, write_rejects
from agent.model import Severity
from agent.readers.delimited import open_delimited

CODECS = {
    "utf-8": b"",
    "utf-8 with mark": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "cp1252": b"",
    "iso8859-2": b"",
}
DELIMITERS = [",", ";", "\t", "|"]
ANY_LETTER = st.one_of(st.integers(1, 0xD7FF), st.integers(0xE000, 0x10FFFF)).map(chr)
LETTERS = {
    "utf-8": ANY_LETTER,
    "utf-16-le": ANY_LETTER,
    "cp1252": st.sampled_from(bytes(range(1, 256)).decode("cp1252", "ignore")),
    "iso8859-2": st.sampled_from(bytes(range(1, 256)).decode("iso8859-2")),
}


@st.composite
def tables(draw):
    """A table as csv.writer writes it: (bytes, encoding, delimiter, header, records, line of each record)."""
    named = draw(st.sampled_from(sorted(CODECS)))
    codec = named.removesuffix(" with mark")
    texts = st.text(st.one_of(st.sampled_from(",;\t|\"'\r\n "), LETTERS[codec]), max_size=8)
    names = texts.map(lambda name: f"n{name}")
    header = draw(st.lists(names, min_size=2, max_size=5, unique_by=lambda name: name.strip().casefold()))
    rows = st.lists(st.lists(texts, min_size=len(header), max_size=len(header)), min_size=1, max_size=8)
    at = draw(st.integers(0, len(header) - 1))
    records = [[*row[:at], f"id{row[at]}", *row[at + 1 :]] for row in draw(rows)]
    line_end = draw(st.sampled_from(["\r\n", "\n", "\r"]))
    # csv.writer quotes a CR or LF only where its own line end has it
    quoting = draw(
        st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL] if line_end == "\r\n" else [csv.QUOTE_ALL])
    )
    delimiter = draw(st.sampled_from(DELIMITERS))
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=delimiter, lineterminator=line_end, quoting=quoting)
    lines = []
    for record in [header, *records]:
        lines.append(1 + len(re.findall("\r\n|\r|\n", written.getvalue())))
        writer.writerow(record)
    content = CODECS[named] + written.getvalue().encode(codec)
    return content, codec, delimiter, header, records, lines[1:]


def walk(content, *, encoding, delimiter):
    """Read bytes; return the source, its sound records with number and line, and the damaged ones."""
    damaged = []
    source = open_delimited(
        io.BytesIO(content),
        encoding=encoding,
        delimiter=delimiter,
        canonical=None,
        damaged=lambda number, line, cells, fault: damaged.append((number, line, cells, fault.code)),
    )
    return source, [(source.number, source.line, list(cells)) for cells in source], damaged


@given(tables())
def test_any_table_is_read_back_cell_for_cell(table):
    """Whatever csv.writer writes comes back equal, every record with its number and the line it begins on."""
    content, codec, delimiter, header, records, lines = table
    source, sound, damaged = walk(content, encoding=(codec,), delimiter=delimiter)
    assert source.columns == tuple(name.strip() for name in header)
    assert sound == [
        (number, line, cells) for number, (line, cells) in enumerate(zip(lines, records, strict=True), 1)
    ]
    assert damaged == []


@given(tables(), st.data())
def test_the_rejects_file_gives_back_exactly_the_records_kept_back(table, data):
    """Dropped back, and once more, it has the sender's columns and the records kept, cell for cell."""
    content, codec, delimiter, _, records, _ = table
    numbers = data.draw(st.sets(st.integers(1, len(records)), min_size=1))
    expected = [records[number - 1] for number in sorted(numbers)]
    columns = walk(content, encoding=(codec,), delimiter=delimiter)[0].columns
    texts = st.text(max_size=20)
    for _ in range(2):
        target = io.BytesIO()
        source, sound, _ = walk(content, encoding=(codec,), delimiter=delimiter)
        lines = {number: line for number, line, *_ in sound}
        kept_back = [
            KeptBack(number, lines[number], data.draw(texts), data.draw(texts)) for number in sorted(numbers)
        ]
        assert write_rejects(
            source,
            kept_back=iter(kept_back),
            target=target,
        ) == len(numbers)
        content = target.getvalue()
        source, sound, damaged = walk(content, encoding=(codec,), delimiter=delimiter)
        assert (source.columns, [cells for *_, cells in sound], damaged) == (columns, expected, [])
        numbers = range(1, len(numbers) + 1)


ODD_TEXT = st.text(st.sampled_from('ab1,;\t|"\r\n  \u2028\x1c=é'), max_size=60)


@given(ODD_TEXT, st.sampled_from(DELIMITERS))
def test_what_is_accepted_is_what_csv_reader_reads(text, delimiter):
    """An accepted file gives the records of csv.reader, each once, in order; its blank end is left out."""
    content = f"a{delimiter}b\n{text}".encode()
    try:
        _, sound, damaged = walk(content, encoding=("utf-8",), delimiter=delimiter)
    except RefusedFile:
        return
    expected = list(csv.reader(io.StringIO(content.decode(), newline=""), delimiter=delimiter, strict=True))[
        1:
    ]
    while (
        expected and not "".join(expected[-1]).strip() and (len(expected[-1]) != 2 or not any(expected[-1]))
    ):
        expected.pop()
    read = sorted(
        [*((number, cells) for number, _, cells in sound), *((n, cells) for n, _, cells, _ in damaged)]
    )
    assert [number for number, _ in read] == list(range(1, len(expected) + 1))
    for (_, cells), wanted in zip(read, expected, strict=True):
        assert cells == wanted or (cells == [] and not "".join(wanted).strip())
    assert all(len(cells) == 2 for *_, cells in sound)


@given(
    st.one_of(
        st.binary(max_size=200),
        ODD_TEXT.map(str.encode),
        st.lists(
            st.sampled_from([b"a,b\n", b'"', b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b",", b"\xc3"])
        ).map(b"".join),
    ),
    st.sampled_from([("utf-8",), ("utf-8", "cp1252"), ("utf-16",), ("utf-16-le", "latin-1"), ("utf-7",)]),
    st.sampled_from(["auto", *DELIMITERS]),
)
def test_any_bytes_are_read_or_refused(content, encoding, delimiter):
    """Nothing but `RefusedFile` leaves the reader, and it always says what is wrong and what to do."""
    try:
        source, sound, damaged = walk(content, encoding=encoding, delimiter=delimiter)
    except RefusedFile as refused:
        findings = refused.findings
    else:
        findings = ()
        assert sound or damaged
        assert {len(cells) for *_, cells in sound} <= {len(source.columns)}
    assert all(found.mend and found.severity is Severity.ERROR for found in findings)


@given(
    st.lists(st.lists(st.text(st.sampled_from("x1, \n"), max_size=3), max_size=6), min_size=1, max_size=6),
    st.booleans(),
)
def test_no_damaged_record_comes_back_sound(rows, evened_out):
    """Records refused once are refused again when the rejects file returns unmended, evened out or not."""
    written = io.StringIO(newline="")
    csv.writer(written).writerows([["a", "b", "c"], *rows])
    content = written.getvalue().encode()
    try:
        source, _, damaged = walk(content, encoding=("utf-8",), delimiter=",")
    except RefusedFile:
        return
    for _ in range(2):
        kept_back = [
            KeptBack(number, line, f"why {number}", "how", blank=code == "E-BLANK")
            for number, line, _, code in damaged
        ]
        target = io.BytesIO()
        write_rejects(source, kept_back=iter(kept_back), target=target)
        content = _evened_out(target.getvalue()) if evened_out else target.getvalue()
        expected = [code for *_, code in damaged]
        # blank records at the end of the file are no records
        expected = _without_blank_end(expected)
        if not expected:
            return
        source, sound, damaged = walk(content, encoding=("utf-8",), delimiter=",")
        assert (sound, [code for *_, code in damaged]) == ([], expected)


def _evened_out(content):
    records = list(csv.reader(io.StringIO(content.decode(), newline="")))
    width = max(map(len, records))
    saved = io.StringIO(newline="")
    csv.writer(saved).writerows([*record, *[""] * (width - len(record))] for record in records)
    return saved.getvalue().encode()


def _without_blank_end(codes):
    while codes and codes[-1] == "E-BLANK":
        codes = codes[:-1]
    return codes


@pytest.mark.parametrize("delimiter", DELIMITERS)
@given(st.lists(st.tuples(st.text("abc ", min_size=1), st.integers()), min_size=1, max_size=60))
def test_the_delimiter_of_a_plain_table_is_found(delimiter, rows):
    """A table whose cells hold no delimiter is always read right under `auto`."""
    lines = [f"name{delimiter}count", *(f"x{name}{delimiter}{count}" for name, count in rows)]
    source, sound, _ = walk("\n".join(lines).encode(), encoding=("utf-8",), delimiter="auto")
    assert source.columns == ("name", "count")
    assert [cells for *_, cells in sound] == [[f"x{name}", str(count)] for name, count in rows]
