"""Sound settings: everything people may write, and what becomes of it."""

import os
from decimal import Decimal
from pathlib import Path

import pytest

from agent.errors import SettingsError
from agent.model import Change, Level
from agent.settings.loader import load

AGENT = """\
version: 1
drop: ../drop
state: ../state
scan: 500ms
destinations:
  main:
    type: sftp
    host: sftp.example.net
    port: 2222
    username: 0123
    private_key: {file: keys/main}
    passphrase: ~
    host_keys: a key
    look: false
    max_rows:
    retries: {first: 1m, at_most: 2h, hold_after: 1d}
  spare: {"type": "sftp", "host": "h", "username": "on", "password": {"env": "SP"}, "host_keys": ["a", "b"]}
limits: {memory: 1GiB, output: 5000}
"""
FEED = """\
name: refunds
pattern: "*.csv"
level: item
template: refunds.csv.j2
destination: main
variables: {country: NO, id: 012, at: 1:30, day: 2024-01-01, empty: "", quoted: 'null', yes: yes}
reasons: {"changed mind": ITEM_RETURNED, default: OTHER}
codes: {ONE: reversal, TWO: }
bad_rows: {policy: hold, at_most: 2.5%}
encoding: [utf-8, windows-1252]
delimiter: semicolon
numbers: {decimal: ",", thousands: "\\xa0", currency_signs: €, negative: absolute}
dates: {formats: "%d.%m.%Y"}
currency: EUR
max_amount: 1000
max_size: 64MiB
allow_duplicates: true
"""


@pytest.fixture
def folder(tmp_path):
    """Return a settings folder with one feed; files can be added and replaced."""
    made = tmp_path / "settings"
    (made / "feeds").mkdir(parents=True)
    (made / "templates").mkdir()
    (made / "templates" / "refunds.csv.j2").write_text("Oid\n")
    (made / "agent.yaml").write_text(AGENT)
    (made / "feeds" / "refunds.yaml").write_text(FEED)
    return made


def _problems(path, kinds):
    with pytest.raises(SettingsError) as caught:
        load(path, kinds)
    return caught.value.problems


def test_agent_yaml_is_read(folder, kinds):
    """Paths are absolute and plain, forms become values, destinations are of their kind."""
    settings = load(folder / "agent.yaml", kinds)
    assert settings.drop == folder.parent / "drop"
    assert settings.state == folder.parent / "state"
    assert settings.folder == folder
    assert settings.scan == 0.5
    assert (settings.limits.memory, settings.limits.output) == (2**30, 5000)
    main, spare = settings.destinations["main"], settings.destinations["spare"]
    assert isinstance(main, kinds.destinations["sftp"])
    assert (main.port, main.username, main.look, main.max_rows) == (2222, "0123", False, None)
    assert (main.host_keys, spare.host_keys) == (("a key",), ("a", "b"))
    assert main.private_key.file == Path("keys/main")
    assert (main.passphrase, spare.password.env) == (None, "SP")
    assert (main.retries.first, main.retries.at_most, main.retries.hold_after) == (60, 7200, 86400)


def test_a_feed_is_read(folder, kinds):
    """One text stands for a list of one, words for signs, and numbers are exact."""
    feed = load(folder, kinds).feeds["refunds"]
    assert feed.level is Level.ITEM
    assert feed.pattern == ("*.csv",)
    assert feed.codes == {"ONE": Change.REVERSAL, "TWO": None}
    assert (feed.bad_rows.policy, feed.bad_rows.at_most) == ("hold", 0.025)
    assert feed.encoding == ("utf-8", "windows-1252")
    assert feed.delimiter == ";"
    assert (feed.numbers.thousands, feed.numbers.currency_signs) == ("\u00a0", ("€",))
    assert feed.dates.formats == ("%d.%m.%Y",)
    assert (feed.max_amount, feed.max_size) == (Decimal(1000), 64 * 2**20)
    assert feed.allow_duplicates is True


def test_texts_stay_as_they_stand_in_the_file(folder, kinds):
    """What other YAML readers take for truths, numbers, times and dates is text here."""
    assert load(folder, kinds).feeds["refunds"].variables == {
        "country": "NO",
        "id": "012",
        "at": "1:30",
        "day": "2024-01-01",
        "empty": "",
        "quoted": "null",
        "yes": "yes",
    }


@pytest.mark.parametrize("written", ["[ONE, TWO]", "\n- ONE\n- TWO\n", "{ONE: , TWO: null}"])
def test_codes_may_be_a_list(folder, kinds, written):
    """A list of codes is a mapping whose changes are left out."""
    text = FEED.replace("{ONE: reversal, TWO: }", written)
    (folder / "feeds" / "refunds.yaml").write_text(text)
    assert load(folder, kinds).feeds["refunds"].codes == {"ONE": None, "TWO": None}


@pytest.mark.parametrize(
    ("written", "sign"),
    [("comma", ","), ("tab", "\t"), ('"\\t"', "\t"), ('"|"', "|"), ("pipe", "|"), (";", ";")],
)
def test_delimiters_are_words_or_signs(folder, kinds, written, sign):
    """Both ways of naming a delimiter mean the same."""
    (folder / "feeds" / "refunds.yaml").write_text(FEED.replace("semicolon", written))
    assert load(folder, kinds).feeds["refunds"].delimiter == sign


def test_the_digest_is_of_every_file_read(folder, kinds):
    """The same files give the same digest; a changed, added or renamed file another."""
    first = load(folder, kinds).digest
    assert load(folder, kinds).digest == first
    feed = folder / "feeds" / "refunds.yaml"
    feed.write_text(FEED + "# a remark\n")
    changed = load(folder, kinds).digest
    feed.rename(folder / "feeds" / "other.yaml")
    assert len({first, changed, load(folder, kinds).digest}) == 3


def test_no_feeds_are_sound_settings(folder, kinds):
    """An agent without feeds has nothing to do, and no mistake."""
    (folder / "feeds" / "refunds.yaml").unlink()
    assert load(folder, kinds).feeds == {}
    (folder / "feeds").rmdir()
    assert load(folder, kinds).feeds == {}


def test_a_folder_reached_through_a_link_is_not_another_folder(folder, kinds):
    """A drop folder that is a link into the settings shares their tree."""
    (folder.parent / "drop").symlink_to(folder / "feeds")
    assert [problem.code for problem in _problems(folder, kinds)] == ["C-TREE"]


def test_settings_that_are_no_files(folder, kinds):
    """What cannot be read is told with its name; a pipe is not waited for."""
    missing = _problems(folder / "agnet.yaml", kinds)
    os.mkfifo(folder / "pipe.yaml")
    pipe = _problems(folder / "pipe.yaml", kinds)
    (folder / "feeds" / "sub.yaml").mkdir()
    below = _problems(folder, kinds)
    assert [(one[0].file, one[0].code, one[0].line) for one in (missing, pipe, below)] == [
        ("agnet.yaml", "C-FILE", 0),
        ("pipe.yaml", "C-FILE", 0),
        ("feeds/sub.yaml", "C-FILE", 0),
    ]


def test_feeds_that_are_no_folder(folder, kinds):
    """A file where the feeds should be is told, not passed over."""
    (folder / "feeds" / "refunds.yaml").unlink()
    (folder / "feeds").rmdir()
    (folder / "feeds").write_text("")
    assert [(one.file, one.code) for one in _problems(folder, kinds)] == [("feeds", "C-FILE")]


def test_a_file_name_nobody_can_read_is_told_safely(folder, kinds):
    """Signs in a file's name that a terminal would obey are written out."""
    (folder / "feeds" / "a\x1b[2J\udce9.yaml").write_text("")
    (problem,) = _problems(folder, kinds)
    assert problem.file == "feeds/a\\x1b[2J\\udce9.yaml"
    assert str(problem).encode()
