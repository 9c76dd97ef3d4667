"""Workbooks made in memory: what people drop, and what they should not."""

from __future__ import annotations

import io
import warnings
import zipfile
from xml.sax.saxutils import escape

import xlsxwriter

_ODS_TYPE = "application/vnd.oasis.opendocument.spreadsheet"
_ODS_NAMES = " ".join(
    f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{full}:1.0"'
    for short, full in (("office", "office"), ("table", "table"), ("text", "text"))
)


def xlsx(*sheets, options=None, edit=None) -> bytes:
    """Make a workbook; a sheet is its rows, or (name, rows); `edit` may change (book, first sheet) at last."""
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, {"in_memory": True, **(options or {})})
    for sheet in sheets:
        name, rows = sheet if isinstance(sheet, tuple) else (None, sheet)
        made = book.add_worksheet(name)
        for at, row in enumerate(rows):
            for column, value in enumerate(row):
                write = made.write_string if isinstance(value, str) else made.write
                write(at, column, value)
    if edit:
        edit(book, book.worksheets()[0])
    book.close()
    return content.getvalue()


def repacked(content: bytes, changed=(), added=()) -> bytes:
    """Pack a zip again: parts changed by (part, old, new), and (name, content) added, as often as they are named."""
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            part = old.read(name)
            for where, was, becomes in changed:
                if where == name:
                    assert was in part, part
                    part = part.replace(was, becomes)
            new.writestr(name, part)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a name twice is what some tests are about
            for name, part in added:
                new.writestr(name, part)
    return target.getvalue()


def ods(rows, name="Sheet1") -> bytes:
    """Make an OpenDocument spreadsheet of texts and floats."""
    lines = "".join("<table:table-row>" + "".join(map(_ods_cell, row)) + "</table:table-row>" for row in rows)
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {_ODS_NAMES} office:version="1.2">'
        f'<office:body><office:spreadsheet><table:table table:name="{name}">{lines}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("mimetype", _ODS_TYPE)
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", f'<m:manifest xmlns:m="x" m:t="{_ODS_TYPE}"/>')
    return target.getvalue()


def _ods_cell(value) -> str:
    if isinstance(value, str):
        return (
            '<table:table-cell office:value-type="string">'
            f"<text:p>{escape(value)}</text:p></table:table-cell>"
        )
    return f'<table:table-cell office:value-type="float" office:value="{value!r}"/>'


def zipped(*files) -> bytes:
    """Make a zip of (name, content)."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        for name, content in files:
            archive.writestr(name, content)
    return target.getvalue()


def xml2003(*sheets, styles="") -> bytes:
    """Make an XML spreadsheet of Excel 2003; a sheet is its rows, or (name, rows), or (name, XML of its table)."""
    made = "".join(
        _xml_sheet(*(sheet if isinstance(sheet, tuple) else (f"Sheet{at}", sheet)))
        for at, sheet in enumerate(sheets, 1)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<?mso-application progid="Excel.Sheet"?>\n'
        '<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" '
        'xmlns:x="urn:schemas-microsoft-com:office:excel" '
        f'xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">\n<Styles>{styles}</Styles>\n{made}</Workbook>'
    ).encode()


def _xml_sheet(name, rows) -> str:
    table = rows if isinstance(rows, str) else "".join(map(_xml_row, rows))
    return f'<Worksheet ss:Name="{escape(name)}"><Table>\n{table}</Table></Worksheet>\n'


def _xml_row(row) -> str:
    cells = (
        f'<Data ss:Type="{"String" if isinstance(value, str) else "Number"}">{_lines(value)}</Data>'
        for value in row
    )
    return f"<Row>{''.join(f'<Cell>{cell}</Cell>' for cell in cells)}</Row>\n"


def _lines(value) -> str:
    return escape(str(value), {"\n": "&#10;", "\r": "&#13;"})
