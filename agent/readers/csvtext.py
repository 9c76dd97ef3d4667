"""Delimited text (commas, semicolons, tabs, pipes) as one of the formats; `delimited` reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from agent.readers.delimited import open_delimited

if TYPE_CHECKING:
    from agent.readers.base import Listener, Reading
    from agent.readers.delimited import Delimited

FORMATS = ("csv",)


def claims(head: bytes, stream: BinaryIO, reading: Reading) -> str:
    """Claim nothing: delimited text has no sign of its own, so it is what is left."""
    del head, stream, reading
    return ""


def open_file(stream: BinaryIO, reading: Reading, listener: Listener) -> Delimited:
    """Open a stream as delimited text, the way a feed wants it; see `open_delimited`."""
    return open_delimited(
        stream,
        encoding=reading.encoding,
        delimiter=reading.delimiter,
        canonical=reading.canonical,
        damaged=listener.damaged,
        header_row=reading.header_row,
    )
