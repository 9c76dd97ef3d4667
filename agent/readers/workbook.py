"""Read a sheet of a workbook (xlsx, xls, xlsb, ods, xml2003): each cell as the text it holds, no record lost.

The sheet is the one the feed names, or the only one with anything in it. Its first row that is not empty (or
`header_row:`) names the columns. A record with something that cannot be told as text (an error, a formula that was
never worked out, a part of merged cells, a hidden row) goes to `damaged`, unless the feed does not use that column
or says what is to be done.

What a workbook carries beside its sheets (macros, links to other files) is a reason to refuse it. All forms but
xml2003 (`sheetxml`) are read through calamine; what it does not tell (formulas without a value, errors, hidden rows,
formats) is found by its cell in each form (`…marks`).
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
from agent.readers.sheetchoice import choose_sheet
from agent.readers.sheetmarks import ERRORS, Marks, damaged, locked, too_wide
from agent.readers.sheetparts import Parts, find_parts
from agent.readers.sheetxml import find_sheets, is_spreadsheet
from agent.readers.xlsmarks import marks_of_xls
from agent.readers.zipped import DAMAGE, directory

if TYPE_CHECKING:
    from zipfile import ZipFile

    from python_calamine import CalamineSheet

    from agent.errors import RefusedFile
    from agent.readers.base import Listener, Reading
    from agent.readers.sheetxml import Table

FORMATS = ("xlsx", "xls", "xlsb", "ods", "xml2003")

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
_PANIC = "PanicException"
_PLAIN = "save the sheet as a plain .xlsx with values only, or as CSV"


def claims(head: bytes, stream: BinaryIO, reading: Reading) -> str:
    """Name the form of workbook that the content is."""
    if reading.format in FORMATS or not reading.records:  # where those are declared, it is XML like any other
        if is_spreadsheet(head):
            return "xml2003"
        if flat_spreadsheet(head):
            return "ods"  # to be refused by name, rather than read as records of XML
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
        RefusedFile: E-TYPE (with a password), E-WORKBOOK, E-SHEET, E-EMPTY, E-COLCAP, Q-ACTIVE, Q-DTD, E-XML, E-ENC,
            E-DEPTH, E-FIELDLEN, or its header cannot be used.

    """
    stream.seek(0)
    head = stream.read(HEAD)
    if not head:
        raise refusal("E-EMPTY", "the file is empty (0 bytes)", "export it again and check that it has rows")
    if is_spreadsheet(head):
        return _of_xml(stream, reading, listener)
    if not head.startswith((_OLE, _ZIP)):
        if flat := flat_spreadsheet(head):
            raise flat
        words = "the file is no workbook, by its first bytes; the feed declares that it is one"
        raise refusal("E-TYPE", words, "save it as a workbook, or mend the feed's `format:`")
    parts = None if head.startswith(_OLE) else _zip_parts(stream)
    if parts is None:
        _refuse_active_ole(stream)
    others: list[Marks] = []  # of the sheets, where it is not an .xlsx
    if parts is None or not parts.sheets:
        others = marks_of_xls(stream) if parts is None else marks_in_zip(parts.archive)
    stream.seek(0)
    with _Guarded():
        book = CalamineWorkbook.from_filelike(stream)
        tables = [one for one in book.sheets_metadata if one.typ is SheetTypeEnum.WorkSheet]
        names = {one.name: one.visible is SheetVisibleEnum.Visible for one in tables}
        sheet, notes = choose_sheet(names, reading.sheet, lambda name: _sheet(book, name, parts))
        marks = _marks(book, sheet.name, others) if others or not parts else parts.marks(sheet.name)
    if parts and parts.date1904:
        words = (
            "the workbook counts its days from 1904, as on old Macintosh computers; its dates were read so"
        )
        notes = (*notes, Fault("N-DATE1904", words))
    return Sheet(sheet, marks, notes, reading, listener)


def _of_xml(stream: BinaryIO, reading: Reading, listener: Listener) -> Sheet:
    tables = find_sheets(stream)

    def load(name: str) -> Table:
        _refuse_wide(tables[name].marks)
        return tables[name]

    names = {name: not table.hidden for name, table in tables.items()}
    table, notes = choose_sheet(names, reading.sheet, load)
    return Sheet(table, table.marks, notes, reading, listener)


def _refuse_wide(marks: Marks) -> None:
    if marks.width > COLUMN_CAP or marks.is_sparse:
        raise too_wide(marks)


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


def _sheet(book: CalamineWorkbook, name: str, parts: Parts | None) -> CalamineSheet:
    """Load a sheet; one too large in area, or with an error that calamine stumbles over, is refused."""
    marks = parts.marks(name) if parts else Marks()
    _refuse_wide(marks)
    for row, cells in marks.errors.items():
        for column, error in cells.items():
            if error not in ERRORS:
                place = f"{name}!{column_letters(column)}{row}"
                raise refusal_at(place, "E-CELL", f"the cell holds the error {error}", "mend the cell")
    return book.get_sheet_by_name(name)
