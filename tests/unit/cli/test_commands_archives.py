from __future__ import annotations

import pytest

from tests.house import source
from tests.running import put
from tests.unit.cli.conftest import FEED
from tests.workbooks import zipped

EACH = FEED + 'archive: each\npattern: ["*.zip", "*.csv"]\n'
ALL = zipped(("a.csv", source("A")), ("x/b.csv", source("B", "C")), ("readme.txt", b"1"), (".DS_Store", b""))


@pytest.fixture
def each(place):
    """Let the feed take each file inside archives by itself."""
    place.feed("shop", EACH)
    return place


@pytest.fixture
def done(each, ask):
    """Drop an archive and make a pass; return its id."""
    put(each.drop / "shop", "all.zip", ALL)
    said = ask("once", "--json")
    assert said.code == 65
    (archive,) = [one for one in said.told["submissions"] if one["submission"]["name"] == "all.zip"]
    assert {one["submission"]["name"] for one in said.told["submissions"]} == {
        "all.zip", "a.csv", "b.csv", "readme.txt",
    }  # fmt: skip
    return archive["submission"]["id"]


def test_one_pass_takes_an_archive_all_the_way(done, each, inbox):
    """Its files are delivered, and what needs somebody lies where people look."""
    assert len(list(inbox.iterdir())) == 2
    folders = {path.name for path in (each.drop / "shop" / "attention").iterdir()}
    assert folders == {f"{done}-003--readme.txt"}


def test_show_tells_of_every_file_inside_as_it_stands_now(done, ask):
    """By id and name; on paper nothing changes, here it does."""
    said = ask("show", done)
    rows = [line for line in said.out.splitlines() if line.startswith(f"{done}-")]
    assert [" ".join(row.split()) for row in rows][1:] == [
        f"{done}-002 x/b.csv 111 bytes All 2 rows were delivered",
        f"{done}-003 readme.txt 1 byte Nothing was sent: the file inside the archive has a",
    ]
    assert ask("cancel", f"{done}-003", "--why", "of no use").code == 0
    assert "Cancelled: nothing was sent" in ask("show", done).out


def test_show_as_json_names_archive_and_files(done, ask):
    """For programs: the same."""
    told = ask("show", done, "--json").told
    assert [(one["submission"], one["name"], one["member"], one["state"]) for one in told["inside"]] == [
        (f"{done}-001", "a.csv", "a.csv", "CLOSED"),
        (f"{done}-002", "b.csv", "x/b.csv", "CLOSED"),
        (f"{done}-003", "readme.txt", "readme.txt", "REJECTED"),
    ]
    assert (told["archive"], told["verdict"]["tone"]) == (None, "care")
    one = ask("show", f"{done}-002", "--json").told
    assert one["archive"] == {"submission": done, "name": "all.zip", "member": "x/b.csv"}
    assert (one["inside"], one["submission"]["archive"]) == ([], done)
    assert f"all.zip, submission {done}, in it as x/b.csv" in ask("show", f"{done}-002").out


def test_the_first_letters_of_an_archives_id_are_enough(done, ask):
    """What is inside has the same ones, and is not meant."""
    assert ask("show", done[:-2], "--json").told["submission"]["id"] == done


def test_status_has_a_line_for_the_archive_and_for_each_file(done, ask):
    """Newest first."""
    said = ask("status").out
    assert f"{done}  " in said
    assert "3 files were inside, 1 of them set aside" in said
    assert f"{done}-001" in said


def test_a_preview_shows_each_file_inside(each, ask, tmp_path):
    """What would be sent of each, what would be set aside, what would be left out; nothing is changed."""
    file = tmp_path / "all.zip"
    file.write_bytes(ALL)
    said = ask("preview", str(file))
    assert said.code == 65
    assert "all.zip would be taken apart: 3 files inside, each a submission of its own." in said.out
    assert "Left out by rule: .DS_Store." in said.out
    assert "1 ROW WOULD BE SENT" in said.out
    assert "2 ROWS WOULD BE SENT" in said.out
    assert "all.zip/x/b.csv" in said.out
    assert "E-NOFEED" in said.out
    told = ask("preview", str(file), "--json").told
    assert (told["archive"], told["left_out"]) == ("all.zip", [".DS_Store"])
    assert [(one["name"], one["counts"]["rows"], bool(one["refused"])) for one in told["inside"]] == [
        ("all.zip/a.csv", 1, False), ("all.zip/x/b.csv", 2, False), ("all.zip/readme.txt", 0, True),
    ]  # fmt: skip
    assert not (each.state).exists()


def test_a_preview_of_an_archive_that_would_be_refused_says_why(each, ask, tmp_path):
    """Nothing of it would be taken."""
    file = tmp_path / "all.zip"
    file.write_bytes(zipped(("../a.csv", b"1"), ("b.csv", source("B"))))
    said = ask("preview", str(file))
    assert (said.code, "Q-ZIP" in said.err + said.out) == (65, True)


def test_a_preview_of_a_plain_file_is_as_ever(each, ask, tmp_path):
    """Also where archives would be taken apart."""
    file = tmp_path / "a.csv"
    file.write_bytes(source("A"))
    assert ask("preview", str(file), "--json").told["counts"]["rows"] == 1


def test_a_preview_finds_the_feed_whose_columns_the_files_inside_have(each, ask, tmp_path):
    """The first that would be taken is looked at."""
    row = "{% for row in rows %}\n{{ row.Order }},1,{{ row.Art }},0,0,OTHER\n{% endfor %}\n"
    own = f"Oid,ActionTrackerID,SKU,Amount,Quantity,Reason\n{row}"
    fields = EACH.replace("impact-items.csv.j2", "other.csv.j2").replace("headers: impact\n", "")
    each.feed("other", fields, own)
    file = tmp_path / "all.zip"
    for content, found in ((source("A"), "shop"), (b"Order,Art\n1,2\n", "other")):
        file.write_bytes(zipped(("readme.txt", b"x"), ("a.csv", content)))
        told = ask("preview", str(file), "--json").told
        assert {one["feed"] for one in told["inside"]} == {found}
    file.write_bytes(zipped(("readme.txt", b"x"), ("note.txt", b"y")))
    assert "E-NOFEED" in ask("preview", str(file)).err


def test_a_pattern_that_takes_archives_only_is_refused(place, ask):
    """Nothing inside would be taken."""
    place.feed("shop", FEED + 'archive: each\npattern: "*.zip"\n')
    said = ask("check")
    assert said.code == 78
    assert "shop.yaml" in said.out
    assert '["*.zip", "*.csv"]' in said.out
    place.feed("shop", FEED + "archive: every\n")
    assert "one" in ask("check").out


def test_an_owner_nobody_knows_is_told_by_check_and_not_asked_for_by_preview(place, ask, tmp_path):
    """Who looks at a file may do so on another machine."""
    place.feed("shop", FEED + "owners: [nobody-of-that-name]\n")
    said = ask("check")
    assert (said.code, "nobody-of-that-name" in said.out) == (78, True)
    file = tmp_path / "a.csv"
    file.write_bytes(source("A"))
    assert ask("preview", str(file)).code == 0


def test_a_sample_with_several_files_says_what_to_do(place, ask, tmp_path):
    """A draft is made from one of them."""
    sample = tmp_path / "all.zip"
    sample.write_bytes(ALL)
    said = ask("new-feed", str(sample))
    assert (said.code, "archive: each" in said.err) == (65, True)
