"""Read a sheet of a workbook (xlsx, xls, xlsb, ods) through calamine: each cell as the text it holds, no record lost.

The sheet is the one the feed names, or the only one with anything in it. Its first row that is not empty (or
`header_row:`) names the columns. A record with something that cannot be told as text (an error, a formula that was
never worked out, a part of merged cells, a hidden row) goes to `damaged`, unless the feed does not use that column
or says what is to be done.

What a workbook carries beside its sheets (macros, links to other files) is a reason to refuse it. What calamine does
not tell (formulas without a value, errors, hidden rows, formats) is found by its cell in each form (`…marks`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

from agent.model import Fault
from agent.readers.base import refusal, refusal_at
from agent.readers.cellvalues import column_letters
from agent.readers.content import HEAD, flat_spreadsheet
from agent.readers.header import COLUMN_CAP
from agent.readers.otherbooks import marks_in_zip
from agent.readers.sheet import Sheet
from agent.readers.sheetmarks import Marks, damaged, locked, too_wide
from agent.readers.sheetparts import Parts, find_parts
from agent.readers.xlsmarks import marks_of_xls
from agent.readers.zipped import DAMAGE, directory

if TYPE_CHECKING:
    from zipfile import ZipFile

    from python_calamine import CalamineSheet

    from agent.errors import RefusedFile
    from agent.readers.base import Listener, Reading

FORMATS = ("xlsx", "xls", "xlsb", "ods")

_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MAIN = {"xl/workbook.xml": "xlsx", "xl/workbook.bin": "xlsb"}
_ODS = b"application/vnd.oasis.opendocument.spreadsheet"
_BIFF = tuple(name.encode("utf-16-le") for name in ("Workbook\0", "Book\0", "EncryptedPackage\0"))
_LOCKED = "EncryptedPackage".encode("utf-16-le")
_VBA = "_VBA_PROJECT".encode("utf-16-le")
_ACTIVE = {
    "xl/vbaproject.bin": "macros",
    "xl/macrosheets/": "macros",
    "xl/externallinks/": "links to other workbooks",
    "xl/activex/": "controls that run programs",
    "xl/connections.xml": "connections to databases",
    "basic/": "macros",
    "scripts/": "macros",
}
_ERRORS = frozenset(("#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#DATA!"))
_PANIC = "PanicException"
_PLAIN = "save the sheet as a plain .xlsx with values only, or as CSV"


def claims(head: bytes, stream: BinaryIO, reading: Reading) -> str:
    """Name the form of workbook that the content is."""
    if reading.format in ("auto", *FORMATS) and flat_spreadsheet(head):
        return "xlsx"  # to be refused by name, rather than read as records of XML
    if head.startswith(_OLE):
        stream.seek(0)
        return "xls" if _occurs(stream, _BIFF) else ""
    if not head.startswith(_ZIP):
        return ""
    archive = directory(stream)
    names = archive.namelist()
    found = next((form for part, form in _MAIN.items() if part in names), "")
    return found or ("ods" if "content.xml" in names and _type(archive).startswith(_ODS) else "")


def _type(archive: ZipFile) -> bytes:
    """Return what a document of OpenDocument's family says it is."""
    try:
        with archive.open("mimetype") as stream:
            return stream.read(len(_ODS))
    except (KeyError, *DAMAGE):
        return b""


def _occurs(stream: BinaryIO, wanted: tuple[bytes, ...]) -> bool:
    """Say whether one of some short texts is in the rest of the stream."""
    before = b""
    while block := stream.read(HEAD):
        if any(text in before + block for text in wanted):
            return True
        before = block[-64:]
    return False


def open_file(stream: BinaryIO, reading: Reading, listener: Listener) -> Sheet:
    """Open the sheet that a feed wants.

    Raises:
        RefusedFile: E-TYPE (with a password), E-WORKBOOK, E-SHEET, E-EMPTY, E-COLCAP, Q-ACTIVE, Q-DTD, or its header
            cannot be used.

    """
    stream.seek(0)
    begins = stream.read(len(_OLE))
    if not begins:
        raise refusal("E-EMPTY", "the file is empty (0 bytes)", "export it again and check that it has rows")
    if not begins.startswith((_OLE, _ZIP)):
        if flat := flat_spreadsheet(begins + stream.read(HEAD)):
            raise flat
        words = "the file is no workbook, by its first bytes; the feed declares that it is one"
        raise refusal("E-TYPE", words, "save it as a workbook, or mend the feed's `format:`")
    parts = None if begins == _OLE else _zip_parts(stream)
    if parts is None:
        _refuse_active_ole(stream)
    others: list[Marks] = []  # of the sheets, where it is not an .xlsx
    if parts is None or not parts.sheets:
        others = marks_of_xls(stream) if parts is None else marks_in_zip(parts.archive)
    stream.seek(0)
    with _Guarded():
        book = CalamineWorkbook.from_filelike(stream)
        sheet, notes = _choose(book, reading.sheet, parts)
        marks = _marks(book, sheet.name, others) if others or not parts else parts.marks(sheet.name)
    if parts and parts.date1904:
        words = (
            "the workbook counts its days from 1904, as on old Macintosh computers; its dates were read so"
        )
        notes = (*notes, Fault("N-DATE1904", words))
    return Sheet(sheet, marks, notes, reading, listener)


class _Guarded:
    """Makes a refusal of what calamine fails with; its panics are no Exceptions, and their class can be had nowhere."""

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        """Refuse the file, if there was a failure of this kind.

        Raises:
            RefusedFile: E-TYPE, E-WORKBOOK.

        """
        if isinstance(error, PasswordError):
            raise locked() from None
        if isinstance(error, CalamineError | ValueError | OSError) or (kind and kind.__name__ == _PANIC):
            raise damaged(str(error)) from error


def _zip_parts(stream: BinaryIO) -> Parts | None:
    """Return what an .xlsx says about itself; nothing for the other forms that are zips."""
    archive = directory(stream)
    names = [name.casefold() for name in archive.namelist()]
    for beginning, what in _ACTIVE.items():
        if any(name.startswith(beginning) for name in names):
            raise _active(what)
    return find_parts(archive) if "xl/workbook.xml" in names else Parts(archive)


def _refuse_active_ole(stream: BinaryIO) -> None:
    stream.seek(0)
    if _occurs(stream, (_LOCKED,)):
        raise locked()
    stream.seek(0)
    if _occurs(stream, (_VBA,)):
        raise _active("macros")


def _active(what: str) -> RefusedFile:
    return refusal("Q-ACTIVE", f"the workbook carries {what}", _PLAIN)


def _marks(book: CalamineWorkbook, name: str, marks: list[Marks]) -> Marks:
    """Return the marks of a sheet, by its place among all of them."""
    at = [one.name for one in book.sheets_metadata].index(name)
    if at >= len(marks):
        raise damaged("its sheets are not those that it names")
    return marks[at]


def _choose(
    book: CalamineWorkbook, wanted: str, parts: Parts | None
) -> tuple[CalamineSheet, tuple[Fault, ...]]:
    """Choose the sheet by the feed's word, or the only visible one that has anything in it."""
    tables = [one for one in book.sheets_metadata if one.typ is SheetTypeEnum.WorkSheet]
    names = [one.name for one in tables]
    if wanted:
        number = int(wanted) if wanted.isascii() and wanted.isdigit() else 0
        if wanted not in names and not 0 < number <= len(names):
            words = f"the workbook has no sheet {wanted!r}; it has {_listed(names)}"
            raise refusal("E-SHEET", words, "name the sheet as the feed's `sheet:` says, or mend that")
        return _sheet(book, wanted if wanted in names else names[number - 1], parts), ()
    visible = [one.name for one in tables if one.visible is SheetVisibleEnum.Visible]
    filled = [sheet for name in visible if (sheet := _sheet(book, name, parts)).height]
    if not filled:
        raise refusal("E-EMPTY", "no visible sheet of the workbook has anything in it", "export it again")
    if len(filled) > 1:
        words = f"{len(filled)} sheets have something in them: {_listed([sheet.name for sheet in filled])}"
        mend = "declare one of them under `sheet:` in the feed, or drop a workbook with one sheet"
        raise refusal("E-SHEET", words, mend)
    return filled[0], _hidden_note([name for name in names if name not in visible])


def _sheet(book: CalamineWorkbook, name: str, parts: Parts | None) -> CalamineSheet:
    """Load a sheet; one too large in area, or with an error that calamine stumbles over, is refused."""
    marks = parts.marks(name) if parts else Marks()
    if marks.width > COLUMN_CAP or marks.is_sparse:
        raise too_wide(marks)
    for row, cells in marks.errors.items():
        for column, error in cells.items():
            if error not in _ERRORS:
                place = f"{name}!{column_letters(column)}{row}"
                raise refusal_at(place, "E-CELL", f"the cell holds the error {error}", "mend the cell")
    return book.get_sheet_by_name(name)


def _hidden_note(hidden: list[str]) -> tuple[Fault, ...]:
    if not hidden:
        return ()
    return (Fault("N-SHEET", f"hidden sheets of the workbook were not looked at: {_listed(hidden)}"),)


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"“{name}”" for name in names[:10])
    return f"{shown} and {len(names) - 10} more" if len(names) > 10 else shown  # noqa: PLR2004 - as many as are read
