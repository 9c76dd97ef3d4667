from __future__ import annotations

import json
import os
import pwd

import pytest
import xlsxwriter

from tests.house import source
from tests.running import arrived, put, told_in
from tests.servers import make_key, public

OWN = """\
Oid,ActionTrackerID,SKU,Amount,Quantity,Reason
{% for row in rows %}
{{ row.Order }},16027,{{ row.Article }},0,0,OTHER
{% endfor %}
"""
LOGIN = pwd.getpwuid(os.getuid()).pw_name


@pytest.fixture
def done(place, ask):
    """Drop a file and make a pass; return what is told of it."""

    def do(name="refunds.csv", content=None, code=0):
        put(place.drop / "shop", name, source("A") if content is None else content)
        said = ask("once", "--json")
        assert said.code == code
        (found,) = [one for one in said.told["submissions"] if one["submission"]["name"] == name]
        return found

    return do


def tree(folder):
    """Return every file below a folder with its bytes."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def huge(path):
    """Make a file that seems to have gigabytes."""
    path.touch()
    os.truncate(path, 3 * 2**30)


def batch_of(told):
    """Return the id of a story's first batch."""
    return told["batches"][0]["batch"]["id"]


@pytest.mark.parametrize(
    ("text", "place_of", "code"),
    [
        ("Oid,SKU\n{{ row.a }}\n", "templates/shop.csv.j2:2:", "T-"),
        (
            "Oid,SKU,Oid\n{% for row in rows %}\n{{ row.a }},b,c\n{% endfor %}\n",
            "templates/shop.csv.j2:1:",
            "T-HDRDUP",
        ),
        (
            "Oid,SKU\n{% for row in rows %}\n{{ row.a | nosuch }},b\n{% endfor %}\n",
            "templates/shop.csv.j2:3:",
            "T-",
        ),
    ],
)
def test_check_names_the_line_of_a_template(place, ask, text, place_of, code):
    """With the code and what to write instead; 78."""
    place.feed("shop", "level: item\ntemplate: shop.csv.j2\ndestination: there\n", text)
    said = ask("check")
    assert said.code == 78
    assert any(line.startswith(f"{place_of} {code}") for line in said.out.splitlines()), said.out


def test_check_finds_a_pattern_that_no_name_fits(place, ask):
    """Before the first file: as text, and as JSON."""
    place.settings["destinations"]["there"]["file_pattern"] = "mods.csv"
    place.save()
    said = ask("check")
    assert (said.code, said.out.startswith("agent.yaml: destinations.there.file_pattern: E-NAMEPATTERN")) == (
        78,
        True,
    )
    (problem,) = ask("check", "--json").told["problems"]
    assert problem["text"] == said.out.rstrip("\n")
    assert ask("once").code == 78


def test_check_tries_the_texts_of_mails_and_every_secret(place, ask):
    """A subject that cannot work is named with its place, and so is a secret in a group of settings."""
    mail = {
        "type": "smtp",
        "host": "smtp.example.net",
        "username": "agent@example.net",
        "oauth": {"token": {"file": "no/such/token"}},
        "sender": "agent@example.net",
        "recipient": "far@batch.example.com",
        "subject": "{{ nmae }}",
    }
    place.settings["destinations"]["mail"] = mail
    place.save()
    said = ask("check")
    assert said.code == 78
    assert "C-VALUE subject: '{{ nmae }}' cannot work" in said.out
    del mail["subject"]
    place.save()
    said = ask("check")
    assert said.code == 78
    assert said.out.startswith("agent.yaml: destinations.mail.oauth.token: C-SECRETREF ")


def test_check_changes_nothing(place, ask):
    """No state, no folders."""
    before = tree(place.folder)
    assert ask("check").code == 0
    assert tree(place.folder) == before
    assert not place.state.exists()


@pytest.mark.parametrize("kind", ["agent", "feed"])
def test_the_schema_is_json(ask, kind):
    """For editors."""
    assert ask("schema", kind).told["type"] == "object"


def test_a_preview_shows_what_would_be_sent_and_changes_nothing(place, ask, inbox, tmp_path):
    """Rows, totals, findings; neither state nor drop folder is touched, nothing is sent."""
    file = tmp_path / "refunds.csv"
    file.write_bytes(source("A", "B", bad=("B",)))
    before = tree(place.folder)
    said = ask("preview", str(file), "--feed", "shop")
    assert said.code == 0
    assert "A PART WOULD BE SENT: 1 of 2 records" in said.out
    assert "E-REASON" in said.out
    told = ask("preview", str(file), "--json").told
    assert (told["counts"]["sent"], told["counts"]["kept_back"], told["feed"]) == (1, 1, "shop")
    assert told["batches"][0][0].startswith("shop_")
    assert tree(place.folder) == before
    assert not place.state.exists()
    assert arrived(inbox) == {}


def test_a_preview_knows_what_was_sent_before(ask, done, tmp_path):
    """It asks the ledger, where there is one, and remembers nothing itself."""
    done("first.csv", source("A"))
    file = tmp_path / "refunds.csv"
    file.write_bytes(source("A", "B"))
    for _ in range(2):
        told = ask("preview", str(file), "--json").told
        assert (told["counts"]["sent"], told["counts"]["repeated"]) == (1, 1)
        assert [group["code"] for group in told["groups"]] == ["N-RESENT"]


def test_a_preview_of_what_would_be_refused_ends_with_65(ask, tmp_path):
    """With the findings on standard output."""
    file = tmp_path / "refunds.csv"
    file.write_bytes(source("A", bad=("A",)))
    said = ask("preview", str(file))
    assert (said.code, "NOTHING WOULD BE SENT" in said.out) == (65, True)


def test_a_preview_names_batches_as_the_destination_wants(place, ask, tmp_path):
    """The connection's pattern is kept to."""
    place.settings["destinations"]["there"]["file_pattern"] = "mods_*.csv"
    place.save()
    file = tmp_path / "refunds.csv"
    file.write_bytes(source("A"))
    ((name, rows, _),) = ask("preview", str(file), "--json").told["batches"]
    assert (name[:10], rows) == ("mods_shop_", 1)


def test_a_preview_parts_batches_as_the_destination_wants(place, ask, tmp_path):
    """By its max_size, as they would be sent."""
    place.settings["destinations"]["there"]["max_size"] = "150B"
    place.save()
    file = tmp_path / "refunds.csv"
    file.write_bytes(source("A", "B", "C", "D"))
    batches = ask("preview", str(file), "--json").told["batches"]
    assert [rows for _, rows, _ in batches] == [2, 2]
    assert max(size for _, _, size in batches) <= 150


@pytest.mark.parametrize(
    ("make", "code", "words"),
    [
        (str, 2, "does not exist"),  # makes nothing
        (os.mkdir, 2, "is a directory"),
        (os.mkfifo, 65, "Q-NOTREGULAR"),
        (huge, 65, "E-TOOBIG"),
    ],
)
def test_a_preview_refuses_what_would_not_be_taken(ask, tmp_path, make, code, words):
    """At once: a pipe is not waited for, a huge file not read."""
    make(tmp_path / "refunds.csv")
    said = ask("preview", str(tmp_path / "refunds.csv"))
    assert (said.code, words in said.err, said.out) == (code, True, "")


def test_a_preview_needs_a_feed(place, ask, tmp_path):
    """Where several would take the file, or none has that name, it says which there are."""
    place.feed("other", (place.config / "feeds" / "shop.yaml").read_text().partition("\n")[2])
    file = tmp_path / "refunds.csv"
    file.write_bytes(source("A"))
    said = ask("preview", str(file))
    assert (said.code, "other, shop would take 'refunds.csv'" in said.err) == (2, True)
    said = ask("preview", str(file), "--feed", "other")
    assert (said.code, "other" in said.out) == (0, True)
    said = ask("preview", str(file), "--feed", "shpo")
    assert (said.code, "there is no feed 'shpo'; there are: other, shop" in said.err) == (2, True)


def test_a_preview_finds_the_feed_whose_columns_the_file_has(place, ask, tmp_path):
    """Of several that take its name; the one whose template asks for a column that is not there is passed by."""
    place.feed("own", "level: item\ntemplate: own.csv.j2\ndestination: there\n", OWN)
    file = tmp_path / "refunds.csv"
    file.write_bytes(source("A"))
    assert ask("preview", str(file), "--json").told["feed"] == "shop"
    file.write_text("Order;Article\nA;RED-1\n", encoding="utf-8")
    told = ask("preview", str(file), "--json").told
    assert (told["feed"], told["columns"], told["unused"]) == ("own", ["Order", "Article"], [])


def test_a_preview_says_why_no_feed_can_use_the_file(place, ask, tmp_path):
    """Each that takes the name with its reason; a name that none takes with all patterns."""
    place.feed("own", 'pattern: "*.csv"\nlevel: item\ntemplate: own.csv.j2\ndestination: there\n', OWN)
    file = tmp_path / "refunds.csv"
    file.write_text("Number;Article\nA;RED-1\n", encoding="utf-8")
    said = ask("preview", str(file))
    assert said.code == 65
    assert "own: E-HDRMISS the file has no column 'Order'" in said.err
    assert "shop: E-HDRMISS" in said.err
    place.feed(
        "shop",
        'pattern: "*.tsv"\nlevel: item\ntemplate: impact-items.csv.j2\nheaders: impact\ndestination: there\n',
    )
    said = ask("preview", str(file.rename(tmp_path / "refunds.txt")))
    assert (said.code, "own: *.csv; shop: *.tsv" in said.err) == (2, True)


def test_a_preview_shows_what_the_file_is_read_as(place, ask, tmp_path):
    """Format, encoding, delimiter, the columns used and not used; also of a file that is refused."""
    place.feed("shop", "level: item\ntemplate: own.csv.j2\ndestination: there\n")
    (place.config / "templates" / "own.csv.j2").write_text(OWN, encoding="utf-8")
    file = tmp_path / "refunds.csv"
    file.write_bytes(b"\xef\xbb\xbfOrder;Article;Note\nA;RED-1;x\n")
    said = ask("preview", str(file))
    assert said.code == 0
    for line in ("Format              csv", "Encoding            utf-8, with a byte order mark",
                 "Delimiter           semicolon", "Columns used        Order, Article",
                 "Columns not used    Note"):  # fmt: skip
        assert line in said.out.splitlines()
    file.write_bytes(b"Order\tArticle\tNote\nA\tRED-1\n")
    told = ask("preview", str(file), "--json").told
    assert told["refused"]
    assert told["detected"]["delimiter"] == "tab"


def test_a_preview_names_sheet_and_header_row(place, ask, tmp_path):
    """Of a workbook, whatever its name says; with the place of the records in JSON."""
    place.feed("shop", "level: item\ntemplate: own.csv.j2\ndestination: there\nheader_row: 3\n")
    (place.config / "templates" / "own.csv.j2").write_text(OWN, encoding="utf-8")
    file = tmp_path / "refunds.csv"
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet("Refunds")
        for row, cells in ((0, ["Refunds of July"]), (2, ["Order", "Article"]), (3, ["A", "RED-1"])):
            sheet.write_row(row, 0, cells)
    told = ask("preview", str(file), "--json").told["detected"]
    assert (told["format"], told["sheet"], told["header_row"]) == ("xlsx", "Refunds", 3)
    place.feed("shop", "level: item\ntemplate: own.csv.j2\ndestination: there\nrecords: all.orders\n")
    file.write_text('{"all": {"orders": [{"Order": "A", "Article": "RED-1"}]}}', encoding="utf-8")
    told = ask("preview", str(file), "--json").told["detected"]
    assert (told["format"], told["records"]) == ("json", "all.orders")


def test_a_preview_with_a_template_that_cannot_be_used_ends_with_78(place, ask, tmp_path):
    """The mistake with its place, as in check."""
    place.feed("shop", "level: item\ntemplate: shop.csv.j2\ndestination: there\n", "Oid,SKU\n{{ row.a }}\n")
    file = tmp_path / "refunds.csv"
    file.write_bytes(source("A"))
    said = ask("preview", str(file))
    assert (said.code, "templates/shop.csv.j2:2: T-" in said.err) == (78, True)


def test_status_shows_where_everything_stands(place, ask, done):
    """One line each, newest first; --open leaves out what has ended, --feed what is of others."""
    first, second = done("first.csv", source("A")), done("second.csv", b"", 65)
    said = ask("status")
    ids = [first["submission"]["id"], second["submission"]["id"]]
    assert [line.split()[0] for line in said.out.splitlines()[2:]] == ids[::-1]
    told = ask("status", "--json").told
    assert told["counts"] == {"batch SENT": 1, "submission CLOSED": 1, "submission REJECTED": 1}
    told = ask("status", "--open", "--json").told
    assert [one["submission"]["id"] for one in told["submissions"]] == ids[1:]
    assert len(ask("status", "-n", "1", "--json").told["submissions"]) == 1
    assert len(ask("status", "--feed", "shop", "--json").told["submissions"]) == 2
    said = ask("status", "--feed", "shpo")
    assert (said.code, "there is no feed 'shpo'; there are: shop" in said.err) == (2, True)


def test_nothing_open_is_not_nothing_dropped(place, ask, done):
    """The words say which."""
    done()
    assert ask("status", "--open").out == "Nothing is open.\n"


def test_show_tells_one_whole_story(ask, done):
    """By the first letters, by the whole id, or by a batch's."""
    told = done()
    identity, batch = told["submission"]["id"], batch_of(told)
    shown = ask("show", identity).out
    assert "The 1 row was delivered" in shown.replace("\n", " ").replace("THE 1 ROW", "The 1 row")
    assert ask("show", identity[:12]).out.partition("AUDIT")[2] == shown.partition("AUDIT")[2]
    told = ask("show", batch[:8], "--json").told
    assert told["submission"]["id"] == identity
    assert [event["event"] for event in told["audit"]][:4] == ["taken", "prepared", "written", "started"]


@pytest.mark.parametrize("verb", ["show", "release", "resend", "cancel"])
def test_an_id_that_is_unknown_or_unclear_is_one_sentence(ask, done, verb):
    """1, and what was asked for; of several it names them."""
    ids = [done(f"{number}.csv", source(str(number)))["submission"]["id"] for number in range(2)]
    why = [] if verb == "show" else ["--why", "x"]
    said = ask(verb, "zzz", *why)
    assert (said.code, said.err) == (1, "impact-agent: no submission or batch begins with 'zzz'\n")
    said = ask(verb, ids[0][:9], *why)
    assert said.code == 1
    assert all(one in said.err for one in ids)
    assert len(said.err.splitlines()) == 1


def test_a_refused_file_is_released_and_goes_out(place, ask, done, inbox):
    """The settings were mended: prepared anew, sent; who and why are on record."""
    text = (place.config / "feeds" / "shop.yaml").read_text()
    (place.config / "feeds" / "shop.yaml").write_text(text.replace("bad_rows:", "max_amount: 1\nbad_rows:"))
    content = source("A").replace(b",0,0,", b",5,1,")
    told = done("refunds.csv", content, 65)
    (place.config / "feeds" / "shop.yaml").write_text(text)
    said = ask("release", told["submission"]["id"], "--why", "the  limit\nwas wrong", "--json")
    assert (said.code, said.told["submission"]["state"]) == (0, "RECEIVED")
    assert ask("once").code == 0
    assert len(arrived(inbox)) == 1
    audit = ask("show", told["submission"]["id"], "--json").told["audit"]
    (event,) = [event for event in audit if event["event"] == "released"]
    assert (event["actor"], event["note"]) == (LOGIN, "the limit was wrong")
    assert set(told_in(place.drop / "shop", "done")) == {"refunds.csv"}


def test_a_repetition_is_given_up(place, ask, done):
    """It leaves attention/ with the next pass."""
    done("first.csv")
    told = done("second.csv", source("A"), 65)
    said = ask("cancel", told["submission"]["id"], "--why", "dropped twice")
    assert said.code == 0
    assert "Recorded." in said.out
    assert ask("once").code == 0
    assert told_in(place.drop / "shop", "attention") == {}


def test_what_was_delivered_is_sent_again_under_a_new_name(ask, done, inbox):
    """And it is said when later files of the feed were sent already."""
    first = done("first.csv", source("A"))
    done("second.csv", source("B"))
    said = ask("resend", first["submission"]["id"], "--why", "impact.com lost it", "--json")
    assert said.code == 0
    assert said.err.startswith("Careful: later files of this feed were sent already (1 batch)")
    assert said.told["submission"]["state"] == "PREPARED"
    assert ask("once").code == 0
    names = arrived(inbox)
    assert len(names) == 3
    assert sorted(names.values()).count(names[first["batches"][0]["batch"]["name"]]) == 2
    assert "figures do not add up" not in ask("show", first["submission"]["id"]).out


def test_a_held_batch_is_released_when_the_server_is_mended(place, ask, done, inbox, tmp_path):
    """One word for the held batch; the others follow by themselves."""
    right = place.settings["destinations"]["there"]["host_keys"]
    place.settings["destinations"]["there"]["host_keys"] = [public(make_key(tmp_path / "stranger")).strip()]
    place.save()
    put(place.drop / "shop", "second.csv", source("B"))
    told = done("first.csv", source("A"), 69)
    states = {one["batches"][0]["batch"]["state"]: one for one in ask("status", "--json").told["submissions"]}
    assert set(states) == {"HELD", "READY"}
    place.settings["destinations"]["there"]["host_keys"] = right
    place.save()
    assert ask("once").code == 75  # left alone for an hour
    assert ask("release", batch_of(states["HELD"]), "--why", "the key is mended").code == 0
    assert ask("once").code == 0
    assert len(arrived(inbox)) == 2
    assert told["submission"]["feed"] == "shop"


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        ("release", "there is nothing to release: {id} is SENT"),
        ("cancel", "there is nothing to cancel: {id} is SENT"),
    ],
)
def test_what_cannot_be_decided_is_one_sentence(ask, done, verb, words):
    """1, and how it stands."""
    identity = done()["submission"]["id"]
    said = ask(verb, identity, "--why", "x")
    assert (said.code, said.err) == (1, f"impact-agent: {words.format(id=identity)}\n")


@pytest.mark.parametrize("why", ["", "  \n", "x" * 1001])
def test_a_reason_is_a_reason(ask, done, why):
    """Not empty, and not a novel."""
    identity = done("refunds.csv", b"", 65)["submission"]["id"]
    said = ask("cancel", identity, "--why", why)
    assert (said.code, "--why" in said.err) == (2, True)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("status",), 1),
        (("show", "x"), 1),
        (("cancel", "x", "--why", "y"), 1),
        (("nonsense",), 2),
        (("show",), 2),
    ],
)
def test_what_cannot_be_done_is_said_plainly(place, ask, words, code):
    """Nothing has run yet, or the command is not understood; no ledger is made."""
    said = ask(*words)
    assert (said.code, said.out, bool(said.err)) == (code, "", True)
    assert not place.state.exists()


def test_wrong_settings_end_every_command_with_78(place, ask):
    """With each mistake and its place."""
    place.settings["drup"] = "../drop"
    place.save()
    for words in (
        ("once",),
        ("run",),
        ("status",),
        ("show", "x"),
        ("preview", str(place.config / "agent.yaml")),
    ):
        said = ask(*words)
        assert (said.code, "agent.yaml:" in said.err, "C-UNKNOWN" in said.err) == (78, True, True)
    told = json.loads(ask("check", "--json").out)
    assert [problem["code"] for problem in told["problems"]] == ["C-UNKNOWN"]
