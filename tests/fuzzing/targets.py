"""What is fuzzed: each target takes any bytes and either comes back or has found a defect.

A reader ends in records or in a refusal that says what is wrong and what to do; the reader of acknowledgements and
what is made of names never refuse at all.
"""

from __future__ import annotations

import functools
import gzip
import io
import json
import tempfile
import time
import unicodedata
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent import settle
from agent.acks.base import Stage
from agent.acks.reading import read
from agent.codes import CODES
from agent.errors import RefusedFile
from agent.preparing.unpacked import Unpacked, Unpacking
from agent.preparing.unpacking import unpack
from agent.readers import open_source
from agent.readers.base import Column, Listener, Reading
from agent.settle import fitting, shown_name
from tests.oldbooks import xls, xlsb
from tests.workbooks import ods, xlsx, xml2003, zipped

if TYPE_CHECKING:
    from collections.abc import Callable

SLOWEST = 1.0  # processor seconds for one input
TESTS = Path(__file__).resolve().parents[1]
TABLE = [["Order", "SKU", "Amount"], ["R1", "a", 1.5], ["0012", "é", 2]]
CSV = b'Order,SKU,Amount\r\nR1,"a ""b"", c",1.50\r\n0012,\xc3\xa9,2\r\n\r\nTotal,,3.50\r\n'
JSON = b'{"a": [{"id": "1", "n": 1.50, "in": {"x": null}, "l": [{"s": "\\u00e9"}]}, {"id": 2e3, "n": true}]}'
LINES = b'{"id": "1", "l": [1, {"a": []}]}\n{"id": 2, "x": NaN}\n\n{"id": }\n'
XML = (
    b'<?xml version="1.0" encoding="UTF-8"?><r xmlns="u:x" xmlns:y="u:y"><!-- c --><o i="1"><a>1 &amp; 2</a>'
    b"<y:b>x</y:b></o><o><a><![CDATA[<]]></a><a>3<c>4</c></a></o></r>"
)
SHEET = (
    b'<s:Workbook xmlns:s="urn:schemas-microsoft-com:office:spreadsheet" '
    b'xmlns:x="urn:schemas-microsoft-com:office:excel"><s:Styles><s:Style s:ID="a" s:Parent="b">'
    b'<s:NumberFormat s:Format="00000"/></s:Style></s:Styles><s:Worksheet s:Name="S"><s:Table>'
    b'<s:Column s:Index="1" s:Span="2" s:StyleID="a"/><s:Row><s:Cell><s:Data s:Type="String">Order</s:Data></s:Cell>'
    b'<s:Cell><s:Data s:Type="String">SKU</s:Data></s:Cell></s:Row><s:Row s:Index="4" s:Hidden="1" s:Span="1">'
    b'<s:Cell s:MergeDown="1" s:MergeAcross="1"><s:Data s:Type="Number">12</s:Data></s:Cell></s:Row><s:Row>'
    b'<s:Cell s:Index="3" s:Formula="=1"/><s:Cell><s:Data s:Type="Error">#N/A</s:Data></s:Cell></s:Row><s:Row><s:Cell>'
    b'<s:Data s:Type="DateTime">2024-03-02T00:00:00.000</s:Data></s:Cell><s:Cell><s:Data s:Type="Boolean">1</s:Data>'
    b"</s:Cell></s:Row></s:Table><x:WorksheetOptions><x:Visible>SheetVisible</x:Visible></x:WorksheetOptions>"
    b"</s:Worksheet></s:Workbook>"
)
FIXED = b"R1      a         1.50\r\n0012    b            2  Not sent because: x\r\n"
MAIL = b"""\
From: a@example.net
Subject: =?utf-8?q?result_a=2Ecsv?=
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b"

--b
Content-Type: text/plain; charset=utf-8

FileName: a.csv
Status: Complete
--b
Content-Type: text/csv; name="result_a.csv"
Content-Disposition: attachment; filename="result_a.csv"
Content-Transfer-Encoding: base64

RmlsZU5hbWUsU3RhdHVzLFRvdGFsUmVjb3JkcyxUb3RhbEVycm9ycwphLmNzdixDb21wbGV0ZSw0LDAK
--b--
"""


@dataclass(frozen=True, slots=True)
class Target:
    """Something to fuzz: what must bear any bytes, and what they are made of at first."""

    bears: Callable[[bytes], None]
    seeds: tuple[bytes, ...]

    def measured(self, content: bytes) -> None:
        """Give it some bytes; taking too long is a defect as well."""
        began = time.process_time()
        self.bears(content)
        spent = time.process_time() - began
        if spent > SLOWEST:
            raise AssertionError(f"{len(content)} bytes took {spent:.1f} s")


def reads(content: bytes, **how: object) -> None:
    """Read some bytes as a dropped file to their end."""
    listener = Listener(_damaged, _remarked)
    findings = ()
    try:
        source = open_source(io.BytesIO(content), Reading(**how), listener)
        source.attend(None, frozenset(source.columns[:1]), frozenset(source.columns[1:2]))
        for cells in source:
            assert len(cells) == len(source.columns), cells
            assert source.place(source.line, source.columns[0])
    except RefusedFile as refused:
        findings = refused.findings or (refused,)
    for finding in findings:
        assert finding.code, finding
        assert finding.words, finding
        assert finding.mend, finding


def _damaged(number: int, line: int, cells: list[str], fault: object) -> None:
    assert number > 0, fault
    assert line > 0, fault
    assert fault.code, fault
    assert fault.words, fault
    assert fault.mend, fault


def _remarked(number: int, line: int, fault: object) -> None:
    _damaged(number, line, [], fault)


def _part_of(book: bytes, part: str) -> Callable[[bytes], None]:
    """Read some bytes as one part of a workbook; whole ones end at the checksum of their zip."""
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        others = [(name, archive.read(name)) for name in archive.namelist() if name != part]

    def bears(content: bytes) -> None:
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as archive:
            for name, inside in (*others, (part, content)):
                archive.writestr(name, inside)
        reads(target.getvalue())

    return bears


def _part(book: bytes, part: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        return archive.read(part)


def unpacks(content: bytes) -> None:
    """Take some bytes apart as an archive whose files are wanted each by itself."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder) / "scratch"
        scratch.mkdir()
        (Path(folder) / "source").write_bytes(content)
        found = unpack(Unpacking(Path(folder) / "source", scratch, "shop", ("*.csv",), 10_000))
        assert {path.name for path in Path(folder).iterdir()} == {"scratch", "source"}, "something leads out"
        assert {path.name for path in scratch.iterdir()} == {one.file for one in found.members if one.file}
    for fault in (*found.refused, *(one.fault for one in found.members if one.fault)):
        assert fault.words, fault
        assert fault.mend, fault
        assert fault.code in CODES, fault
    for one in found.members:
        assert bool(one.file) or one.fault, one
    assert Unpacked.from_json(found.to_json()) == found


def names(content: bytes) -> None:
    """Look at some bytes as the name of a dropped file."""
    name = content[:255].decode("utf-8", "surrogateescape")
    shown = settle.printable(name)
    unseen = {sign for sign in shown if unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}
    assert unseen <= {"\u200c", "\u200d"}, shown
    shown.encode()
    settle.ignored(name)
    fault = settle.bad_name(name)
    assert fault is None or (fault.words and fault.mend)
    settle.twins([name, f"{name}x"])
    assert len(fitting(name).encode("utf-8", "surrogateescape")) <= 255  # of every file system
    shown_name(name).encode()


def answers(kind: str, content: bytes) -> None:
    """Read some bytes as an acknowledgement; the first line is its name."""
    name, _, rest = content.partition(b"\n")
    found = read(kind, name.decode("utf-8", "replace"), rest)
    assert found
    assert all(isinstance(answer.stage, Stage) for answer in found)
    assert all(answer.remark for answer in found if answer.stage is Stage.UNCLEAR)


def _answer_seeds(kind: str) -> tuple[bytes, ...]:
    """Take the answers of the corpus: `=== file NAME`, the answer, `=== expected`."""
    seeds = []
    for case in sorted((TESTS / "corpus" / "answers").glob("*.txt")):
        _, _, rest = case.read_bytes().partition(b"=== ")
        told, _, _ = rest.partition(b"\n=== expected")
        if told.startswith(kind.encode()):
            seeds.append(told.removeprefix(kind.encode()).lstrip())
    return tuple(seeds)


def targets() -> dict[str, Target]:
    """Return everything that is fuzzed by its name."""
    book, binary, table = xlsx(("S", TABLE)), xlsb(TABLE), ods(TABLE)
    bins = "xl/worksheets/sheet1.bin"
    sheet, shared, main = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/workbook.xml"
    olds = tuple(path.read_bytes() for path in sorted((TESTS / "unit" / "readers" / "old").glob("*.xls")))
    columns = (Column("Order", 1, 8), Column("SKU", 9, 10, "none"), Column("Amount", 19, 6, "left"))
    some = functools.partial
    return {
        "csv": Target(
            some(reads, format="csv"), (CSV, CSV.replace(b",", b";"), CSV.decode().encode("utf-16"))
        ),
        "latin": Target(some(reads, encoding=("utf-8", "utf-16", "cp1252")), (CSV, b"a\tb\n1\t\xe9\n")),
        "any": Target(
            reads, (CSV, JSON, LINES, XML, book, table, gzip.compress(CSV), zipped(("a", CSV)), *olds)
        ),
        "xls": Target(some(reads, format="xls"), (*olds, xls(TABLE))),
        "xlsb-sheet": Target(_part_of(binary, bins), (_part(binary, bins),)),
        "xlsb-main": Target(_part_of(binary, "xl/workbook.bin"), (_part(binary, "xl/workbook.bin"),)),
        "xlsx-sheet": Target(_part_of(book, sheet), (_part(book, sheet),)),
        "xlsx-strings": Target(_part_of(book, shared), (_part(book, shared),)),
        "xlsx-main": Target(_part_of(book, main), (_part(book, main),)),
        "ods": Target(_part_of(table, "content.xml"), (_part(table, "content.xml"),)),
        "xml2003": Target(some(reads, format="xml2003"), (xml2003(("S", TABLE)), SHEET)),
        "json": Target(some(reads, format="json", records="a"), (JSON, json.dumps({"a": []}).encode())),
        "ndjson": Target(some(reads, format="ndjson"), (LINES,)),
        "xml": Target(some(reads, format="xml"), (XML,)),
        "fixed": Target(some(reads, format="fixed", columns=columns, header_row=0), (FIXED,)),
        "answer-file": Target(some(answers, "file"), _answer_seeds("file")),
        "answer-mail": Target(some(answers, "mail"), (b"-\n" + MAIL, *_answer_seeds("mail"))),
        "archive": Target(
            unpacks, (zipped(("a.csv", CSV), ("b/c.txt", JSON), (".x", b"")), zipped(("a", book)))
        ),
        "names": Target(names, (b"a.csv", "ä\u202egsc.exe".encode(), b"\xff\n-rf", "a\u0308".encode())),
    }
