from __future__ import annotations

import pytest


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_each_delimiter_is_found(read, delimiter):
    """`auto` finds any of the four, though the others stand in cells."""
    lines = ["id#name#amount", "1#Meier, Max#1,50", "2#a;b#2|50", '3#"x\ty"#3,00', "4#plain#4"]
    text = "\n".join(lines).replace("#", delimiter).replace(f"Meier{delimiter} ", "Meier, ")
    quoted = "\n".join(
        delimiter.join(f'"{cell}"' for cell in line.replace('"', "").split("#")) for line in lines
    )
    assert read(quoted.encode()).source.form.delimiter == delimiter
    if delimiter != ",":
        assert read(text.encode()).columns == ("id", "name", "amount")


@pytest.mark.parametrize(
    ("content", "delimiter"),
    [
        (b"id;price\n1;2,50\n2;3,50\n", ";"),  # decimal commas in every row
        (b"id,name;nick,amount\n1,x,2\n3,y,4\n", ","),  # the other in the header alone
        (b"id\tname, first\n1\tx\n2\ty\n", "\t"),
        (b"a;b\n", ";"),
    ],
)
def test_a_clear_case_needs_no_declaration(content, delimiter, read):
    """Where one character alone makes a table, it is taken."""
    reading = read(content)
    assert reading.refused in ([], [("E-NOROWS", "")])
    assert reading.source.form.delimiter == delimiter


@pytest.mark.parametrize("content", [b"a,b;c\n1,2;3\n", b"Name, first;Price\nMeier, Max;2\n", b"a|b,c\n"])
def test_two_possible_delimiters_are_refused(read, content):
    """`auto` does not take the likelier of two; the words name both and the feed can settle it."""
    reading = read(content)
    assert reading.refused == [("E-DELIM", "")]
    assert "both would make a table" in reading.findings[0].words
    names = content.split(b"\n")[0].decode().split(",")
    assert read(content, delimiter=",").columns == tuple(name.strip() for name in names)


def test_a_single_column_must_be_declared(read):
    """A file without any delimiter is refused under `auto` and read when the feed declares one."""
    assert read(b"ActionId\n1.2.3\n").refused == [("E-DELIM", "line 1")]
    assert read(b"ActionId\n1.2.3\n\n", delimiter=",").records == [["1.2.3"]]


def test_a_declared_delimiter_survives_bad_records(read):
    """The feed is contradicted only when another delimiter fits nearly all records."""
    reading = read(b"a,b\n1;2\n3\n4,5,6\n", delimiter=",")
    assert (reading.refused, len(reading.damaged)) == ([], 3)


def test_a_hint_for_spreadsheets_is_no_header(read):
    """The line `sep=;` is named for what it is."""
    for delimiter in ("auto", ";"):
        assert read(b"sep=;\r\na;b\r\n1;2\r\n", delimiter=delimiter).refused == [("E-DELIM", "line 1")]


def test_an_open_quote_does_not_hide_the_delimiter(read):
    """An open quote swallows the sample, yet the file is refused for its quote, not for its delimiter."""
    assert read(b'a,b,c\n1,"2,3\n4,5,6\n').refused == [("E-QUOTE", "line 2")]


def test_a_record_cut_by_the_end_of_the_sample_is_left_out(read):
    """The last record of a sample that is not the whole file may be half a record and does not count."""
    long = b"\n".join(b'1,"%b"' % (letter * 16_000) for letter in (b"x\n", b"y\n", b"z\n"))
    reading = read(b"a,b\n" + long)
    assert (reading.refused, len(reading.records)) == ([], 3)
