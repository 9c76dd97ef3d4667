"""Events in the journal's own form, received by a socket in its place."""

from __future__ import annotations

import json
import os
import socket
from typing import Any

import pytest

from agent import log
from agent.journal import Journal, is_journal


class Place:
    """A stand-in for journald's socket."""

    def __init__(self, folder) -> None:
        self.path = folder / "socket"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        self._socket.settimeout(5)

    def received(self) -> dict[str, Any]:
        """Take the next event apart, as journald does."""
        rest, fields = self._socket.recv(1 << 20), {}
        while rest:
            line, _, rest = rest.partition(b"\n")
            name, equals, value = line.partition(b"=")
            if not equals:
                length = int.from_bytes(rest[:8], "little")
                value, rest = rest[8 : 8 + length], rest[8 + length :]
                assert rest[:1] == b"\n"
                rest = rest[1:]
            fields[name.decode()] = value.decode()
        return fields

    def close(self) -> None:
        """Be there no more."""
        self._socket.close()
        self.path.unlink()


@pytest.fixture
def place(tmp_path):
    """The journal's socket."""
    made = Place(tmp_path)
    yield made
    made._socket.close()
    log.structlog.reset_defaults()


@pytest.fixture
def stream(tmp_path, monkeypatch):
    """A stream that leads to the journal, as JOURNAL_STREAM says."""
    with (tmp_path / "stderr").open("w+", encoding="utf-8") as opened:
        found = os.fstat(opened.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino}")
        yield opened


def test_each_fact_is_a_field(place):
    """Message, weight, name and facts; a value of several lines comes whole."""
    assert Journal(place.path).write(
        "batch.deferred", "warning", {"batch": "b1", "rows": 3, "reason": "one\nPRIORITY=0\ntwo"}
    )
    assert place.received() == {
        "MESSAGE": "batch.deferred batch=b1 rows=3 reason=one\nPRIORITY=0\ntwo",
        "PRIORITY": "4",
        "SYSLOG_IDENTIFIER": "impact-agent",
        "EVENT": "batch.deferred",
        "BATCH": "b1",
        "ROWS": "3",
        "REASON": "one\nPRIORITY=0\ntwo",
    }


def test_names_are_made_fit_and_none_takes_anothers_place(place):
    """Fields of the journal's own cannot be forged by a fact, and odd names become plain ones."""
    facts = {"priority": 0, "_uid": 7, "kept-back": ["a"], "9": "nine", "x" * 100: 1}
    assert Journal(place.path).write("batch.sent", "info", facts)
    fields = place.received()
    assert fields["PRIORITY"] == "6"
    assert (fields["UID"], fields["KEPT_BACK"], fields["FACT"], fields["X" * 64]) == (
        "7",
        '["a"]',
        "nine",
        "1",
    )


def test_a_journal_that_is_not_there_says_so(tmp_path, place):
    """So does one whose socket would not take what is too long."""
    assert not Journal(tmp_path / "nothing").write("batch.sent", "info", {})
    assert not Journal(place.path).write("batch.sent", "info", {"reason": "x" * 10_000_000})


def test_a_stream_is_the_journals_if_its_inode_is_named(stream, tmp_path):
    """Neither another file nor one that has been redirected since."""
    assert is_journal(stream)
    assert not is_journal(stream, {})
    with (tmp_path / "other").open("w", encoding="utf-8") as other:
        assert not is_journal(other)


def test_under_systemd_events_go_to_the_journal(place, stream):
    """With their facts as fields, and nothing on standard error."""
    log.configure(stream=stream, journal=place.path)
    log.say("batch.sent", batch="b1", rows=3)
    fields = place.received()
    assert (fields["EVENT"], fields["PRIORITY"], fields["BATCH"], fields["ROWS"]) == (
        "batch.sent",
        "6",
        "b1",
        "3",
    )
    stream.seek(0)
    assert stream.read() == ""


def test_a_long_reason_is_one_short_line_there_too(place, stream):
    """What a far side says cannot flood the journal."""
    log.configure(stream=stream, journal=place.path)
    log.say("batch.deferred", reason="one\ntwo" + "x" * 1000)
    assert len(place.received()["REASON"]) == 500


def test_without_the_journal_events_are_json_again(place, stream):
    """Its socket is gone: the lines go where systemd's own capture finds them."""
    log.configure(stream=stream, journal=place.path)
    place.close()
    log.say("batch.sent", rows=3)
    stream.seek(0)
    told = json.loads(stream.read())
    assert (told["event"], told["rows"], told["level"]) == ("batch.sent", 3, "info")
    assert told["timestamp"].endswith("Z")


def test_who_asks_for_json_gets_json(place, stream):
    """What is asked for by name comes before what the environment says."""
    log.configure(stream=stream, as_json=True, journal=place.path)
    log.say("batch.sent", rows=3)
    stream.seek(0)
    assert json.loads(stream.read())["rows"] == 3
