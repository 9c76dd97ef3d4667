"""Finds the sheets of an .ods or .xlsb, in their order, and what each has beside values."""

from __future__ import annotations

import io
import struct
from typing import IO, TYPE_CHECKING

from agent.readers.odsmarks import marks_of_ods
from agent.readers.sheetmarks import Marks, damaged
from agent.readers.sheetparts import related
from agent.readers.xlsbmarks import marks_of_xlsb, padded_styles, sheet_relations
from agent.readers.zipped import DAMAGE

if TYPE_CHECKING:
    import zipfile

_BOOK, _RELATIONS = "xl/workbook.bin", "xl/_rels/workbook.bin.rels"


def marks_in_zip(archive: zipfile.ZipFile) -> list[Marks]:
    """Look through an .ods or .xlsb; return the marks of its sheets, or nothing where none has any.

    Raises:
        RefusedFile: E-WORKBOOK, it is damaged; E-TYPE, E-COLCAP, Q-DTD.

    """
    try:
        return _of_ods(archive) if "content.xml" in archive.namelist() else _of_xlsb(archive)
    except (IndexError, struct.error, *DAMAGE) as error:
        raise damaged(str(error)) from error


def _of_ods(archive: zipfile.ZipFile) -> list[Marks]:
    styled = "styles.xml" in archive.namelist()
    with archive.open("content.xml") as content, _styles(archive, styled=styled) as styles:
        return marks_of_ods(content, styles)  # type: ignore[arg-type]  # they can be read and sought in


def _styles(archive: zipfile.ZipFile, *, styled: bool) -> IO[bytes]:
    return archive.open("styles.xml") if styled else io.BytesIO(b"<none/>")


def _of_xlsb(archive: zipfile.ZipFile) -> list[Marks]:
    names = archive.namelist()
    if _BOOK not in names:
        return []
    sheets = related(archive, _RELATIONS, "xl", "/worksheet")
    styles = related(archive, _RELATIONS, "xl", "/styles")
    padded = [digits for part in styles.values() for digits in padded_styles(archive.read(part))]
    parts = [name for name in names if name in sheets.values() or name.startswith("xl/worksheets/")]
    found = {part: marks_of_xlsb(archive.read(part), padded) for part in parts if part.endswith(".bin")}
    order = sheet_relations(archive.read(_BOOK))
    return [found.get(sheets.get(relation, ""), Marks()) for relation in order]
