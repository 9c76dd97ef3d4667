"""The form of a delimited file: found when it is read, so that a rejects file can be written in the same."""

from __future__ import annotations

import csv
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent.readers.delimiter import Sample
    from agent.readers.encoding import Encoding


@dataclass(frozen=True, slots=True)
class Form:
    """How records become bytes."""

    codec: str
    mark: bytes  # the byte order mark at the start, or nothing
    delimiter: str
    line_end: str  # behind every record: of the header, where a file mixes them
    all_quoted: bool  # every cell stands in quotes, not only those that need them

    def encode(self, cells: Iterable[str]) -> bytes:
        """Return one record in this form; a cell that is not the file's own must be `writable`."""
        return self.text(tuple(cells)).encode(self.codec)

    def writable(self, text: str) -> str:
        """Return the text with a question mark for each character that the encoding does not have."""
        return text.encode(self.codec, "replace").decode(self.codec)

    def text(self, cells: Sequence[str]) -> str:
        """Return one record as text, its line end included."""
        needs_quotes = re.compile(f'[{re.escape(self.delimiter)}"\r\n]').search
        quoted = self.all_quoted or cells == ("",)  # an empty line would be no record
        texts = (
            '"' + cell.replace('"', '""') + '"' if quoted or needs_quotes(cell) else cell for cell in cells
        )
        return self.delimiter.join(texts) + self.line_end


def find_form(sample: Sample, encoding: Encoding, delimiter: str) -> Form:
    """Tell the form of a file by its encoding, its delimiter and its first two records."""
    reader = csv.reader(sample.lines, delimiter=delimiter)
    records: list[list[str]] = []
    line_end = ""
    with suppress(csv.Error):  # a cell above csv's own limit; the reading will say so
        for record in islice(reader, 2):
            last = sample.lines[reader.line_num - 1]
            line_end = line_end or last[len(last.rstrip("\r\n")) :]
            records.append(record)
    plain = Form(encoding.codec, encoding.mark, delimiter, line_end or "\r\n", all_quoted=False)
    quoted = replace(plain, all_quoted=True)
    as_quoted = "".join(quoted.text(tuple(cells)) for cells in records)
    return quoted if records and "".join(sample.lines).startswith(as_quoted) else plain
