from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import UTC
from decimal import Decimal
from pathlib import Path

import pytest

from agent.cli import console
from agent.feedback.cells import audit_lines
from agent.feedback.story import Delivery, Preview, Story
from agent.model import (
    AuditEvent,
    Batch,
    Change,
    Counts,
    Finding,
    FindingGroup,
    Severity,
    Submission,
    Total,
)

NOON = 1_753_783_200.0
UGLY = "a\x1b[2J\u202e\0\udc80[red]b[/red]"
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


class Terminal(io.StringIO):
    """A terminal that keeps what was drawn on it."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        """Say what rich asks."""
        return True


@pytest.fixture(autouse=True)
def _sixty_lines(monkeypatch) -> None:
    """Give rich a terminal of known size and kind."""
    for name, value in {"COLUMNS": "140", "LINES": "60", "TERM": "xterm-256color"}.items():
        monkeypatch.setenv(name, value)
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)


def _story(state: str = "SENT", *, name: str = "refunds.csv", kept: int = 0) -> Story:
    counts = Counts(records=5 + kept, sent=5, kept_back=kept, rows=5)
    submission = Submission(
        "20250729-k3v9q2hd",
        "shop-refunds",
        name,
        "PREPARED",
        "",
        NOON,
        NOON + 60,
        "ab" * 32,
        99,
        "",
        counts=counts,
    )
    totals = (Total("EUR", "ITEM_RETURNED", Change.REVERSAL, 5, Decimal("0.00")),)
    batch = Batch(
        "b7c2m4x9q1w3e5r7t001",
        submission.id,
        "impact-sftp",
        1,
        f"{name}-b",
        "p",
        "cd" * 32,
        310,
        5,
        totals,
        state,
        "",
        0.0,
        1,
        NOON,
        NOON,
    )
    finding = Finding(
        "X-REASON", Severity.ERROR, "The reason is unknown", found=name, field="Reason", record=7
    )
    group = FindingGroup("X-REASON", Severity.ERROR, "Reason", kept, finding.words, "", (finding,))
    return Story(submission, (Delivery(batch),), (group,) if kept else (), zone=UTC)


AUDIT = (AuditEvent(1, NOON, "anna", "20250729-k3v9q2hd", "taken", "", "RECEIVED", UGLY),)
PREVIEW = Preview(
    "shop-refunds", "refunds.csv", "impact-sftp", Counts(5, 5, rows=6), header=("Oid",), rows=((UGLY,),)
)


def _drawn(draw, *args) -> str:
    terminal = Terminal()
    draw(*args, terminal)
    return terminal.getvalue()


def _plain(draw, *args) -> str:
    pipe = io.StringIO()
    draw(*args, pipe)
    return pipe.getvalue()


def test_status_is_one_line_a_file_in_a_pipe() -> None:
    """Without a terminal every submission is one whole line, without colour, easy to grep."""
    lines = _plain(console.status, [_story(), _story("IN_DOUBT"), _story(kept=2)]).splitlines()

    assert lines[0].split("  ")[0] == "Submission"
    assert [re.split(r"  +", line) for line in lines[2:]] == [
        ["20250729-k3v9q2hd", "shop-refunds", "refunds.csv", verdict, sent, kept, "2025-07-29 10:01 UTC"]
        for verdict, sent, kept in (
            ("All 5 rows were delivered", "5", "0"),
            ("It may or may not have arrived", "0", "0"),
            ("Partly sent: 2 of 7 records were kept back", "5", "2"),
        )
    ]


def test_status_on_a_terminal_has_colour() -> None:
    """On a terminal what is wholly sent is green, a part is yellow, a doubt is red; words say it too."""
    for story, colour, word in (
        (_story(), "32", "delivered"),
        (_story(kept=2), "33", "Partly"),
        (_story("IN_DOUBT"), "31", "may"),
    ):
        drawn = _drawn(console.status, [story])

        assert set(re.findall(r"\x1b\[(3[0-7])m", drawn)) == {colour}
        assert word in drawn
        assert "20250729-k3v9q2hd" in drawn


def test_status_on_a_narrow_terminal_is_a_list(monkeypatch) -> None:
    """Where the table does not fit, each submission takes three lines, none of them folded."""
    monkeypatch.setenv("COLUMNS", "80")
    drawn = ESCAPES.sub("", _drawn(console.status, [_story(), _story("IN_DOUBT")]))

    assert drawn.splitlines() == [
        "20250729-k3v9q2hd  shop-refunds / refunds.csv",
        "  All 5 rows were delivered",
        "  5 rows sent, 0 kept back, since 2025-07-29 10:01 UTC",
        "20250729-k3v9q2hd  shop-refunds / refunds.csv",
        "  It may or may not have arrived",
        "  0 rows sent, 0 kept back, since 2025-07-29 10:01 UTC",
    ]


def test_what_was_set_aside_says_why() -> None:
    """The status of a file of which nothing was sent has the reason beside it; that of others has not."""
    for state, reason, told in (
        ("REJECTED", "the file is empty", "Nothing was sent: the file is empty"),
        ("QUARANTINED", "it broke", "Nothing was sent: the file was set aside; it broke"),
        ("PREPARED", "1 of 3 orders", "All 5 rows were delivered"),
    ):
        story = _story()
        story = replace(story, submission=replace(story.submission, state=state, reason=reason))

        assert told == console.stands(story)


def test_an_audit_has_one_line_an_event_and_its_note_below() -> None:
    """Who did what and when is easy to scan; what leaves a state as it is names no new one."""
    note = "sha256 " + "ab" * 32 + " and some words that make it longer than a line is"
    events = (
        AuditEvent(1, NOON, "agent", "s1", "taken", "", "RECEIVED", note),
        AuditEvent(2, NOON + 1, "anna", "s1", "told", "REJECTED", "REJECTED", ""),
    )

    assert audit_lines(events, UTC, 80) == [
        "When                     Who    What                 Of",
        "-----------------------  -----  -------------------  --",
        "2025-07-29 10:00:00 UTC  agent  taken: now RECEIVED  s1",
        "    sha256 " + "ab" * 32 + " and",
        "    some words that make it longer than a line is",
        "2025-07-29 10:00:01 UTC  anna   told                 s1",
    ]


@pytest.mark.parametrize("width", [60, 80, 140])
def test_a_report_fits_the_terminal(monkeypatch, width) -> None:
    """A story and a preview are set for the terminal's width, up to 100 columns."""
    monkeypatch.setenv("COLUMNS", str(width))
    for drawn in (_drawn(console.show, _story(kept=2), AUDIT[:0]), _drawn(console.preview, PREVIEW)):
        assert max(map(len, ESCAPES.sub("", drawn).splitlines())) == min(width, 100)


@pytest.mark.parametrize("draw", [_drawn, _plain])
def test_an_empty_status_says_so(draw) -> None:
    """Nothing is said in words, not by an empty table."""
    assert draw(console.status, []) == "Nothing was dropped yet.\n"


def test_a_story_is_told_with_its_audit() -> None:
    """Both forms have verdict, totals, batch, findings and audit."""
    for draw in (_drawn, _plain):
        text = ESCAPES.sub("", draw(console.show, _story(kept=2), AUDIT))
        for told in (
            "Partly sent: 2 of 7 records were kept back",
            "ITEM_RETURNED",
            "b7c2m4x9q1w3e5r7t001",
            "The reason is unknown, column Reason",
            "anna",
            "taken: now RECEIVED",
        ):
            assert told in text


@pytest.mark.parametrize("state", ["SENT", "IN_DOUBT", "HELD", "UNHEARD-OF"])
def test_nothing_steers_the_terminal(state) -> None:
    """Escapes, direction marks and markup in names, findings and audit are shown, never obeyed."""
    story = _story(state, name=UGLY, kept=2)
    for drawn in (
        _drawn(console.status, [story]),
        _drawn(console.show, story, AUDIT),
        _drawn(console.preview, replace(PREVIEW, name=UGLY)),
        _plain(console.status, [story]),
        _plain(console.show, story, AUDIT),
        _plain(console.preview, replace(PREVIEW, name=UGLY)),
    ):
        bare = ESCAPES.sub("", drawn)

        assert not set(bare) & {"\x1b", "\u202e", "\0", "\udc80"}
        assert "[ESC]" in bare
        assert "red]" in bare


def test_a_preview_is_the_same_words_on_a_terminal() -> None:
    """Colour is all a terminal adds to a preview."""
    drawn, plain = _drawn(console.preview, PREVIEW), _plain(console.preview, PREVIEW)

    assert drawn != plain
    assert [line.rstrip() for line in ESCAPES.sub("", drawn).splitlines()] == plain.splitlines()


def test_a_terminal_without_utf8_gets_plain_text() -> None:
    """An old terminal is written to in its own encoding, what it cannot show is spelt out."""
    raw = io.BytesIO()
    old = io.TextIOWrapper(raw, encoding="latin-1")
    console.show(_story(name="日本.csv", kept=1), (), old)
    old.flush()

    assert b"\\u65e5\\u672c.csv" in raw.getvalue()


def test_progress_is_drawn_on_a_terminal_only() -> None:
    """A pipe gets nothing of it; a terminal gets the words."""
    terminal, pipe = Terminal(), io.StringIO()
    for stream in (terminal, pipe):
        with console.progress("Reading [bold]x", stream) as tell:
            tell(1, 10)
            tell(10, 10)

    assert "Reading [bold]x" in terminal.getvalue()
    assert pipe.getvalue() == ""


def test_progress_shows_nothing_before_there_is_some() -> None:
    """Work that has nothing to do leaves no trace of a bar."""
    terminal = Terminal()
    with console.progress("Reading", terminal):
        pass

    assert terminal.getvalue() == ""


def test_lines_go_to_where_standard_error_is_now(monkeypatch) -> None:
    """What takes standard error's place for a while, as a drawn bar does, gets the lines meant for it."""
    lines = console.errors()
    for place in (Terminal(), Terminal()):
        monkeypatch.setattr(sys, "stderr", place)
        print("there", file=lines, flush=True)

        assert place.getvalue() == "there\n"
        assert lines.isatty()


def test_rich_is_not_loaded_for_a_pipe() -> None:
    """A plain command does not pay for drawing."""
    code = (
        "import io, sys; from agent.cli import console;"
        "console.status([], io.StringIO()); print('rich' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"


@dataclass(frozen=True)
class _Odd:
    path: Path
    change: Change


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Decimal("1E+9999999"), "1E+9999999"),
        (Decimal("0.10"), "0.10"),
        (Change.RESET, "reset"),
        (_Odd(Path("a/b"), Change.REVERSAL), {"path": "a/b", "change": "reversal"}),
        ((1, 2.5, True, None, float("nan"), float("inf")), [1, 2.5, True, None, None, None]),
        ({("batch", Severity.NOTE): {3, 1}, "x": (), 4: b"z"}, {"batch note": [1, 3], "x": [], "4": "b'z'"}),
    ],
)
def test_json_keeps_what_is_said(value, expected) -> None:
    """Amounts stay exact, enums are their words, and what JSON cannot hold becomes text or null."""
    assert expected == console.as_json(value)


def test_a_story_in_json_can_be_parsed() -> None:
    """Standard JSON in ASCII, with the verdict's tone and exact totals by what became of them."""
    text = _plain(console.print_json, console.story_json(_story(name=UGLY), AUDIT))
    told = json.loads(text)

    assert text.isascii()
    assert told["submission"]["name"] == UGLY
    assert told["verdict"]["tone"] == "good"
    assert told["totals"]["delivered"] == [
        {"currency": "EUR", "reason": "ITEM_RETURNED", "change": "reversal", "rows": 5, "amount": "0.00"}
    ]
    assert told["totals"]["doubt"] == []
    assert told["audit"][0]["actor"] == "anna"
