"""What a file is by its content, whatever its name says; refuses what is surely no delimited text.

Looks at the first bytes only. It knows the forms people drop by mistake; what it does not know it lets
pass, because the encoding, header and delimiter checks behind it are strict.
"""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from agent.readers.base import refusal

if TYPE_CHECKING:
    from agent.errors import RefusedFile

HEAD = 65_536  # bytes looked at

_SAVE = "open it, choose “Save as” and “CSV UTF-8”, and drop the saved file"
_UNPACK = "unpack it and drop the CSV file that is inside"
_EXPORT = "export the table as CSV and drop that file"
_AS_XLSX = "open it in a spreadsheet program, save it as .xlsx, and drop that file"

_BEGINNINGS: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF-", "a PDF document", _EXPORT),
    (b"\x1f\x8b", "a gzip archive", _UNPACK),
    *((b"BZh%d1AY&SY" % level, "a bzip2 archive", _UNPACK) for level in range(1, 10)),
    (b"\xfd7zXZ\x00", "an xz archive", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    *(
        (beginning, "a workbook of Excel 5 or older", _AS_XLSX)
        for beginning in (
            b"\x09\x00\x04\x00",
            b"\x09\x02\x06\x00",
            b"\x09\x04\x06\x00",
            b"\x09\x08\x08\x00",
            b"\x09\x08\x10\x00",
        )
    ),
    # only as programs begin it that are known to write it: a list of "ID;P…" is a table like any other
    *(
        (b"ID;P" + program, "a SYLK table (.slk)", _AS_XLSX)
        for program in (b"WXL;", b"CALCOOO32", b"SheetJS;")
    ),
    *((b"TABLE%b0,1%b" % (end, end), "a DIF table (.dif)", _AS_XLSX) for end in (b"\n", b"\r\n")),
    (b"\x89PNG\r\n\x1a\n", "a PNG image", _EXPORT),
    (b"\xff\xd8\xff", "a JPEG image", _EXPORT),
    (b"GIF87a", "a GIF image", _EXPORT),
    (b"GIF89a", "a GIF image", _EXPORT),
    (b"SQLite format 3\x00", "an SQLite database", _EXPORT),
    (b"PAR1\x15", "a Parquet file", _EXPORT),
    (b"{\\rtf", "an RTF document", _SAVE),
    (b"-----BEGIN PGP", "a PGP message", "decrypt it and drop the CSV file"),
    (b"\x85\x01", "a PGP message", "decrypt it and drop the CSV file"),
    (b"\x7fELF", "a program", _EXPORT),
)
_TAR, _TAR_AT = b"ustar", 257
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")

_HTML = re.compile(
    rb"\s*(?:<!--.*?-->\s*)?<(?:!doctype\s+html|html|head|body|table|meta)\b", re.IGNORECASE | re.DOTALL
)
_XML = re.compile(rb"\s*<(?:\?xml\b|!DOCTYPE\b|!--|[A-Za-z_][\w:.-]*(?:\s[^<>]*)?>[\r\n ]*<)")
_JSON = re.compile(rb'\s*(?:\{\s*["}]|\[\s*[\[{}"\]])')


def refuse_other_content(head: bytes) -> None:
    """Refuse a file whose first bytes show that it is no delimited text.

    Raises:
        RefusedFile: E-EMPTY or E-TYPE, with what it is and what to do.

    """
    if not head:
        raise refusal("E-EMPTY", "the file is empty (0 bytes)", "export it again and check that it has rows")
    for beginning, name, mend in _BEGINNINGS:
        if head.startswith(beginning):
            raise _other(name, mend)
    if head[_TAR_AT:].startswith(_TAR):
        raise _other("a tar archive", _UNPACK)
    if head.startswith(_ZIP):
        raise _zip(head)
    if head.startswith(_OLE):
        raise _ole(head)
    _refuse_markup(as_ascii(head))


def flat_spreadsheet(head: bytes) -> RefusedFile | None:
    """Return the refusal of a spreadsheet that is written as one XML file and not read; None where it is none."""
    text = as_ascii(head)
    if b"opendocument.spreadsheet" in text and b"<office:document" in text:
        return _other("an OpenDocument spreadsheet in one XML file (.fods)", _AS_XLSX)
    return None


def _other(name: str, mend: str) -> RefusedFile:
    return refusal(
        "E-TYPE", f"the file is {name}; a table is expected, as text (CSV), a workbook, JSON or XML", mend
    )


def _zip(head: bytes) -> RefusedFile:
    if b"xl/" in head:
        return _other("an Excel workbook (.xlsx)", _SAVE)
    if b"opendocument.spreadsheet" in head:
        return _other("an OpenDocument spreadsheet (.ods)", _SAVE)
    if b"[Content_Types].xml" in head:
        return _other("an Office document", _SAVE)
    return _other("a zip archive", _UNPACK)


def _ole(head: bytes) -> RefusedFile:
    if _ENCRYPTED in head:
        return _other("a password-protected Office document", f"remove its password: {_SAVE}")
    return _other("one of an old Office program, but has no workbook in it or is damaged", _AS_XLSX)


def _refuse_markup(text: bytes) -> None:
    if _HTML.match(text):
        raise _other("an HTML page (some shops name it .xls or .csv)", _SAVE)
    if _XML.match(text):
        raise _other("an XML document", _EXPORT)
    if _JSON.match(text):
        raise _other("a JSON document", _EXPORT)


def as_ascii(head: bytes) -> bytes:
    """Return the head without byte order mark and without the NULs of UTF-16, to look for markup only."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head[2:].replace(b"\x00", b"")
    return head.removeprefix(codecs.BOM_UTF8)
