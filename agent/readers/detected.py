"""What was found out about a file while it was opened, for people who want to see it before they trust it."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

_MARKED = "with a byte order mark"


@dataclass(frozen=True, slots=True)
class Detected:
    """What a file is read as; each is empty where it means nothing for that kind of file, or was not found out."""

    format: str = ""  # as in the feed's `format:`
    packed: str = ""  # gz, zip
    encoding: str = ""  # in words
    delimiter: str = ""  # by name, as in the feed's `delimiter:`
    sheet: str = ""  # of a workbook, by name
    header_row: int = 0  # from 1; of text only where it is not the first line
    records: str = ""  # where the records are in a JSON or XML file


UNSEEN = Detected()


def encoding_words(codec: str, mark: bytes) -> str:
    """Name an encoding, and the byte order mark before it."""
    name = codecs.lookup(codec).name
    return f"{name}, {_MARKED}" if mark else name
