from __future__ import annotations

import io
import json
import logging

import pytest

from agent import log


class Terminal(io.StringIO):
    def isatty(self):
        """Say that it is one."""
        return True


@pytest.fixture(autouse=True)
def _as_before():
    """Leave the log as every other test expects it."""
    yield
    log.structlog.reset_defaults()


def test_elsewhere_than_on_a_terminal_each_event_is_one_json_object():
    """Name, weight, time and facts, for programs."""
    stream = io.StringIO()
    log.configure(stream=stream)
    log.say("batch.sent", batch="b1", rows=3)
    told = json.loads(stream.getvalue())
    assert told.pop("timestamp").endswith("Z")
    assert told == {"event": "batch.sent", "level": "info", "batch": "b1", "rows": 3}


def test_on_a_terminal_lines_are_for_people():
    """No JSON, and the time of day is enough."""
    stream = Terminal()
    log.configure(stream=stream)
    log.say("batch.sent", rows=3)
    assert "batch.sent" in stream.getvalue()
    assert "{" not in stream.getvalue()


def test_what_somebody_else_tells_is_left_out():
    """Lighter events than asked for and those of the named beginnings do not appear."""
    stream = io.StringIO()
    log.configure(stream=stream, level=logging.WARNING, without=("submission.", "batch."))
    for event in ("submission.rejected", "batch.failed", "folder.watched", "folder.troubled"):
        log.say(event)
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["folder.troubled"]


def test_an_unknown_event_is_refused():
    """Only what the catalogue names may be said."""
    with pytest.raises(KeyError):
        log.say("something.happened")


def test_a_long_reason_is_one_short_line():
    """What a far side says cannot flood the log."""
    stream = io.StringIO()
    log.configure(stream=stream)
    log.say("batch.deferred", reason="one\ntwo" + "x" * 1000)
    told = json.loads(stream.getvalue())["reason"]
    assert (told[:7], len(told)) == ("one two", 500)
