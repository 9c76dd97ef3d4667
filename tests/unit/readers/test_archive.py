from __future__ import annotations

import bz2
import gzip
import io
import struct
import tarfile
import time

import pytest

from tests.workbooks import repacked, xlsx, zipped

CSV = b"Order,Amount\nR1,1.50\n"
MEGABYTE = 2**20


def tarred(*files):
    """Pack files, each a name and content, as tar does."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for name, content in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return target.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(CSV),
        gzip.compress(CSV[:9]) + gzip.compress(CSV[9:]),
        zipped(("refunds.csv", CSV)),
        zipped(("folder/", b""), ("folder/refunds.csv", CSV), ("__MACOSX/folder/._refunds.csv", b"x")),
    ],
    ids=["gz", "gz of two pieces", "zip", "zip of a Mac"],
)
def test_the_one_file_inside_is_read_in_place(open_any, content):
    """As if it lay there unpacked."""
    opened = open_any(content)
    assert (opened.refused, opened.records, opened.places) == ([], [["R1", "1.50"]], [(1, "line 2")])


def test_any_format_may_be_inside(open_any):
    """Also those that are sought in, and a workbook, which is a zip itself."""
    book = xlsx([["Order"], ["R1"]])
    for content in (b'[{"Order": "R1"}]', b"<o><i><Order>R1</Order></i></o>", b'{"Order": "R1"}\n' * 2, book):
        for packed in (gzip.compress(content), zipped(("x", content))):
            assert open_any(packed).records[0] == ["R1"]


def test_several_files_are_named_and_refused(open_any):
    """Which of them is meant nobody can tell."""
    opened = open_any(zipped(("a.csv", CSV), ("b\n.csv", CSV)))
    assert opened.refused == [("E-ARCHIVE", "")]
    assert "a.csv, b\\n.csv" in opened.words[0]


REFUSED = {
    "no file": (zipped(("folder/", b"")), "E-ARCHIVE"),
    "packed twice": (zipped(("x.csv.gz", gzip.compress(CSV))), "E-ARCHIVE"),
    "a zip in a zip": (zipped(("x.zip", zipped(("a", CSV)))), "E-ARCHIVE"),
    "gz cut off": (gzip.compress(CSV * 99)[:-12], "E-ARCHIVE"),
    "gz of nothing": (b"\x1f\x8b\x08", "E-ARCHIVE"),
    "zip cut off": (zipped(("a.csv", CSV * 99))[:-30], "E-ARCHIVE"),
    "another packing": (bz2.compress(CSV), "E-TYPE"),
    "a tar": (tarred(("a.csv", CSV), ("b.csv", CSV)), "E-TYPE"),
    "a tar in a gz": (gzip.compress(tarred(("a.csv", CSV))), "E-TYPE"),
    "91 leads out": (zipped(("../refunds.csv", CSV)), "Q-ZIP"),
    "91 leads out in a workbook": (repacked(xlsx([["a"], [1]]), added=[("../x", b"")]), "Q-ZIP"),
    "91 from the root": (zipped(("/etc/refunds.csv", CSV)), "Q-ZIP"),
    "91 of another system": (zipped(("..\\refunds.csv", CSV)), "Q-ZIP"),
    "91 twice": (zipped(("a.csv", CSV), ("a.csv", CSV)), "Q-ZIP"),
    "91 twice in a workbook": (repacked(xlsx([["a"], [1]]), added=[("xl/workbook.xml", b"")]), "Q-ZIP"),
    "84 ratio": (zipped(("a.csv", bytes(20 * MEGABYTE))), "Q-BOMB"),
    "84 ratio of gz": (gzip.compress(CSV + b"R2,1\n" * 4 * MEGABYTE), "Q-BOMB"),
    "84 in a workbook": (repacked(xlsx([["a"], [1]]), added=[("xl/x", bytes(20 * MEGABYTE))]), "Q-BOMB"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_archive_that_cannot_be_trusted_is_refused(open_any, case):
    """By its code, with the cure, and before much is unpacked."""
    content, code = REFUSED[case]
    began = time.process_time()
    opened = open_any(content)
    assert [found for found, _ in opened.refused] == [code]
    assert opened.words[0]
    assert opened.mends[0]
    assert time.process_time() - began < 2


def test_84_the_directory_alone_tells_a_bomb(open_any):
    """Sizes it claims are enough: nothing has to be unpacked."""
    content = bytearray(zipped(("a.csv", CSV)))
    at = content.rindex(b"PK\x01\x02")
    content[at + 24 : at + 28] = struct.pack("<I", 600 * MEGABYTE)
    assert [code for code, _ in open_any(bytes(content)).refused] == ["Q-BOMB"]


def test_23_a_password_is_named(open_any):
    """The flag of an encrypted part is enough."""
    content = bytearray(zipped(("a.csv", CSV)))
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    opened = open_any(bytes(content))
    assert (opened.refused, "password" in opened.words[0]) == ([("E-TYPE", "")], True)


def test_a_part_whose_sum_is_wrong_is_refused(open_any):
    """What was changed on its way is not read."""
    content = bytearray(zipped(("a.csv", CSV)))
    directory = content.rindex(b"PK\x01\x02")
    content[directory + 16] ^= 0xFF
    assert [code for code, _ in open_any(bytes(content)).refused] == ["E-ARCHIVE"]
