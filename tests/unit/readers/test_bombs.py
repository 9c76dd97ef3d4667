"""Files made to exhaust memory or time, as streams that hold nothing themselves."""

from __future__ import annotations

import io
import tracemalloc

import pytest

MEGABYTE = 1_048_576


class Endless(io.RawIOBase):
    """A stream of a beginning, then one pattern over and over; counts what was read of it."""

    def __init__(self, beginning, pattern, size):
        self.beginning, self.size, self.place, self.read_in_all = beginning, size, 0, 0
        self.pattern = pattern * (MEGABYTE // len(pattern) + 2)
        self.length = len(pattern)

    def readable(self):
        """Say yes."""
        return True

    def seekable(self):
        """Say yes."""
        return True

    def seek(self, offset, whence=io.SEEK_SET):
        """Go to a place counted from the beginning."""
        assert whence == io.SEEK_SET
        self.place = offset
        return offset

    def read(self, size=-1):
        """Make up the next bytes."""
        count = max(0, min(size if size >= 0 else self.size, self.size - self.place))
        self.read_in_all += count
        head = self.beginning[self.place : self.place + count]
        start = (self.place + len(head) - len(self.beginning)) % self.length
        self.place += count
        return head + self.pattern[start : start + count - len(head)]


@pytest.fixture
def bounded(read):
    """Read a stream and see that memory stays flat."""

    def run(stream, **options):
        tracemalloc.start()
        try:
            reading = read(stream, **options)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 40 * MEGABYTE
        return reading

    return run


def test_a_line_of_100_megabytes_is_refused_early(bounded):
    """E-LINELEN comes after little more than the longest line allowed, not after the file."""
    stream = Endless(b"a,b\n1,", b"x", 100 * MEGABYTE)
    assert bounded(stream).refused == [("E-LINELEN", "line 2")]
    assert stream.read_in_all < 4 * MEGABYTE


def test_a_header_of_100_megabytes_is_refused_early(bounded):
    """The same for a first line that never ends, whatever the delimiter."""
    assert bounded(Endless(b"a", b",a", 100 * MEGABYTE)).refused == [("E-LINELEN", "line 1")]


def test_a_quote_opened_over_many_lines_is_refused(bounded):
    """A cell that swallows the rest of the file is refused by the line on which its quote opens."""
    stream = Endless(b'a,b\n1,"', b"x,y\n", 12 * MEGABYTE)
    assert bounded(stream).refused == [("E-QUOTE", "line 2")]


def test_a_record_of_endless_quoted_cells_is_refused(bounded):
    """A record of many short cells over many lines stays below every other limit, yet it ends."""
    stream = Endless(b"a,b\n1,2\n", b'"\n",', 5 * MEGABYTE)
    assert bounded(stream, delimiter=",").refused == [("E-QUOTE", "line 3")]


def test_blank_lines_without_end_are_no_records(bounded):
    """Many blank lines behind the last record cost no memory and change nothing."""
    reading = bounded(Endless(b"a,b\n1,2\n", b"\n", MEGABYTE // 16))
    assert (reading.records, reading.damaged, reading.refused) == ([["1", "2"]], [], [])


def test_quotes_that_nearly_match_do_not_take_quadratic_time(bounded):
    """The search for a bad quote looks at each character of the record a few times at most."""
    stream = Endless(b'a,b\n1,"', b'""', MEGABYTE // 2)
    assert bounded(stream).refused[0][0] in {"E-QUOTE", "E-FIELDLEN"}
