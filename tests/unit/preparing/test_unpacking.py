from __future__ import annotations

import gzip
import io
import stat
import struct
import zipfile

import pytest

from agent.model import Fault
from agent.preparing.unpacked import Member, Unpacked, Unpacking
from agent.preparing.unpacking import MOST, unpack
from tests.workbooks import ods, xlsx, zipped

CSV = b"Order,Amount\nR1,1.50\n"
MEGABYTE = 2**20


@pytest.fixture
def apart(tmp_path):
    """Take an archive apart as a feed would; return what came of it and what lies in the scratch folder."""

    def taken(content, patterns=("*",), max_size=10 * MEGABYTE):
        source, scratch = tmp_path / "source", tmp_path / "scratch"
        source.write_bytes(content)
        scratch.mkdir()
        found = unpack(Unpacking(source, scratch, "shop", patterns, max_size))
        assert Unpacked.from_json(found.to_json()) == found
        return found, {path.name: path.read_bytes() for path in scratch.iterdir()}

    return taken


def codes(found):
    """Return the code of each file's fault by its name."""
    return {one.path: one.fault.code if one.fault else "" for one in found.members}


def linked(name, kind, target=b"/etc/passwd"):
    """Pack a file that says it is of another kind, as a Unix program does."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        entry = zipfile.ZipInfo(name)
        entry.create_system = 3
        entry.external_attr = (kind | 0o644) << 16
        archive.writestr(entry, target)
        archive.writestr("a.csv", CSV)
    return content.getvalue()


def with_flag(content, name, flag=1):
    """Set a flag of one file in the directory and before the file itself."""
    changed = bytearray(content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        at = archive.getinfo(name).header_offset
    changed[at + 6] |= flag
    entry = changed.index(name.encode(), changed.index(b"PK\x01\x02")) - 46
    changed[entry + 8] |= flag
    return bytes(changed)


def test_every_file_inside_is_unpacked_under_a_name_of_ours(apart):
    """In the order of the archive, whatever it is called there; folders are part of where it was."""
    found, there = apart(zipped(("x/", b""), ("x/a.csv", CSV), ("-rf", b"2"), ("./y\\b.csv", b"3")))
    assert [(one.name, one.path, one.size, one.fault) for one in found.members] == [
        ("a.csv", "x/a.csv", len(CSV), None), ("-rf", "-rf", 1, None), ("b.csv", "y/b.csv", 1, None),
    ]  # fmt: skip
    assert [there[one.file] for one in found.members] == [CSV, b"2", b"3"]
    assert sorted(there) == ["member-1", "member-2", "member-3"]


@pytest.mark.parametrize(
    "content",
    [CSV, b"", xlsx([["a"], [1]]), ods([["a"]]), gzip.compress(CSV)],
    ids=["csv", "empty", "xlsx", "ods", "gz"],
)
def test_nothing_is_inside_what_is_no_archive_of_files(apart, content):
    """A table, a workbook, and a .gz, which holds one file and is read in place."""
    assert apart(content) == (Unpacked(), {})


def test_a_workbook_inside_is_a_file_like_any(apart):
    """Though it is packed itself."""
    book = xlsx([["a"], [1]])
    found, there = apart(zipped(("a.xlsx", book), ("a.csv", CSV)))
    assert codes(found) == {"a.xlsx": "", "a.csv": ""}
    assert there["member-1"] == book


def test_what_a_drop_folder_ignores_is_left_out_and_listed(apart):
    """Also what is in a folder that only some systems need; a folder called like one of ours is none."""
    names = (
        "a.csv",
        ".DS_Store",
        "x/Thumbs.db",
        "b.csv.part",
        "__MACOSX/._a.csv",
        ".git/c.csv",
        "done/d.csv",
        "~$e.xlsx",
    )
    found, _ = apart(zipped(*((name, CSV) for name in names)))
    assert list(codes(found)) == ["a.csv", "done/d.csv"]
    assert found.left_out == (
        ".DS_Store",
        "x/Thumbs.db",
        "b.csv.part",
        "__MACOSX/._a.csv",
        ".git/c.csv",
        "~$e.xlsx",
    )


def test_names_that_are_too_long_are_cut_and_not_used(apart):
    """However long they are, what is handed on stays small; folders alone may be deep."""
    deep = "/".join(["x" * 99] * 600)
    found, _ = apart(zipped(("n" * 60_000 + ".csv", CSV), (f"{deep}/a.csv", CSV), ("." + "n" * 60_000, b"")))
    bad, good = found.members
    assert (bad.fault.code, good.fault, good.name) == ("Q-NAME", None, "a.csv")
    assert (len(bad.name), bad.name[-4:], len(good.path), good.path[-6:]) == (255, ".csv", 1000, "/a.csv")
    assert len(found.to_json()) < 5000


UNSAFE = {
    "a name with a sign that cannot be seen": (
        zipped(("a\u202evsc.exe", b"1"), ("a.csv", CSV)),
        "Q-NAME",
        False,
    ),
    "a name with a line break": (zipped(("a\nb.csv", b"1"), ("a.csv", CSV)), "Q-NAME", False),
    "a path in disguise": (zipped(("..%2fa.csv", b"1"), ("a.csv", CSV)), "Q-NAME", False),
    "a symbolic link": (linked("l.csv", stat.S_IFLNK), "Q-SYMLINK", False),
    "a named pipe": (linked("l.csv", stat.S_IFIFO), "Q-NOTREGULAR", False),
    "with a password": (with_flag(zipped(("p.csv", CSV), ("a.csv", CSV)), "p.csv"), "E-TYPE", False),
    "packed in another way": (
        with_flag(zipped(("p.csv", CSV), ("a.csv", CSV)), "p.csv", 0x20),
        "E-ARCHIVE",
        False,
    ),
    "an archive": (zipped(("in.zip", zipped(("x.csv", CSV))), ("a.csv", CSV)), "E-ARCHIVE", True),
    "an archive of another kind": (
        zipped(("x.csv.gz", gzip.compress(CSV)), ("a.csv", CSV)),
        "E-ARCHIVE",
        True,
    ),
    "a bomb": (zipped(("in.zip", zipped(("x", bytes(20 * MEGABYTE)))), ("a.csv", CSV)), "Q-BOMB", True),
    "a deceptive archive": (zipped(("in.zip", zipped(("../x", b"1"))), ("a.csv", CSV)), "Q-ZIP", True),
}


@pytest.mark.parametrize("case", UNSAFE)
def test_what_is_wrong_with_one_file_is_said_of_that_file(apart, case):
    """What is unsafe by its name or kind is not even unpacked; the file beside it goes on."""
    content, code, kept = UNSAFE[case]
    found, there = apart(content)
    bad, good = found.members
    assert (bad.fault.code, bool(bad.file), bool(bad.fault.words), bool(bad.fault.mend)) == (
        code,
        kept,
        True,
        True,
    )
    assert (good.fault, there[good.file]) == (None, CSV)
    assert len(there) == 1 + kept


def test_a_file_larger_than_the_feed_takes_is_not_unpacked(apart):
    """With both sizes."""
    found, there = apart(zipped(("big.csv", CSV * 20), ("a.csv", CSV)), max_size=len(CSV))
    assert codes(found) == {"big.csv": "E-TOOBIG", "a.csv": ""}
    assert list(there) == ["member-2"]
    assert "420 bytes; this feed takes at most 21" in found.members[0].fault.words


def test_a_damaged_file_leaves_nothing_behind(apart):
    """Half of it is worse than none."""
    content = bytearray(zipped(("bad.csv", CSV), ("a.csv", CSV)))
    content[content.index(b"PK\x01\x02") + 16] ^= 0xFF  # the sum of the first
    found, there = apart(bytes(content))
    assert codes(found) == {"bad.csv": "E-ARCHIVE", "a.csv": ""}
    assert list(there) == ["member-2"]


def test_a_file_whose_name_the_feed_does_not_take_is_unpacked_and_not_taken(apart):
    """A person decides; a rejects file that comes back is known."""
    content = zipped(("a.csv", CSV), ("b.CSV", b"2"), ("readme.txt", b"3"), ("c.rejects.xlsx", b"4"))
    found, there = apart(content, patterns=("*.csv", "*.xls"))
    assert codes(found) == {"a.csv": "", "b.CSV": "E-NOFEED", "readme.txt": "E-NOFEED", "c.rejects.xlsx": ""}
    assert len(there) == 4
    assert found.members[2].fault.words.endswith("feed shop does not take: it takes *.csv, *.xls")


def lying(content):
    """Tell of an archive's only file that it has 600 MiB."""
    changed = bytearray(content)
    at = changed.rindex(b"PK\x01\x02")
    changed[at + 24 : at + 28] = struct.pack("<I", 600 * MEGABYTE)
    return bytes(changed)


REFUSED = {
    "no file": (zipped(("x/", b""), (".DS_Store", b"")), "E-ARCHIVE"),
    "damaged": (zipped(("a.csv", CSV), ("b.csv", CSV))[:-30], "E-ARCHIVE"),
    "too many files": (zipped(*((f"{number}", b"") for number in range(MOST + 1))), "E-ARCHIVE"),
    "far too many files": (zipped(*((f"{number}", b"") for number in range(10_001))), "Q-BOMB"),
    "all with a password": (with_flag(zipped(("a.csv", CSV)), "a.csv"), "E-TYPE"),
    "91 leads out": (zipped(("a.csv", CSV), ("../a.csv", CSV)), "Q-ZIP"),
    "91 from the root": (zipped(("a.csv", CSV), ("/a.csv", CSV)), "Q-ZIP"),
    "91 twice": (zipped(("a.csv", CSV), ("A.csv", CSV)), "Q-ZIP"),
    "84 ratio": (zipped(("a.csv", CSV), ("b.csv", bytes(20 * MEGABYTE))), "Q-BOMB"),
    "84 size": (lying(zipped(("a.csv", CSV))), "Q-BOMB"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_archive_that_cannot_be_trusted_is_refused_before_anything_is_unpacked(apart, case):
    """By its directory, with the cure."""
    content, code = REFUSED[case]
    found, there = apart(content)
    assert (found.members, there) == ((), {})
    assert [(fault.code, bool(fault.words), bool(fault.mend)) for fault in found.refused] == [
        (code, True, True)
    ]


def test_as_many_files_as_may_be_are_taken(apart):
    """And not one less."""
    found, there = apart(zipped(*((f"{number}", b"1") for number in range(MOST))))
    assert (len(found.members), len(there), found.refused) == (MOST, MOST, ())


def test_values_survive_the_trip_through_json(tmp_path):
    """Whatever signs are in them."""
    one = Member("ü\n", "x/\u202e", 1, "member-1", Fault("Q-NAME", "w", "m", "f"))
    for value in (
        Unpacked((one,), ("ä",), (Fault("E-ARCHIVE", "w"),)),
        Unpacking(tmp_path / "a", tmp_path, "shop", ("*.csv", "*"), 5),
    ):
        assert type(value).from_json(value.to_json()) == value
