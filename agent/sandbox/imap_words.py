"""IMAP's own way of writing: commands taken apart, sets of numbers, what a search wants. Pure.

As much of RFC 3501 as clients need that look for mail and fetch it; what is not understood raises.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["BadCommandError", "Mail", "atoms", "internal_date", "numbers", "quoted", "searched"]

_ATOM = re.compile(r'"((?:[^"\\]|\\.)*)"|([()])|((?:[^\s()"\[]|\[[^\]]*\])+)', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_SPECIAL = re.compile(r'(["\\])')
_SET = re.compile(r"(?:\d+|\*)(?::(?:\d+|\*))?(?:,(?:\d+|\*)(?::(?:\d+|\*))?)*")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATE = re.compile(r"(\d{1,2})-([A-Za-z]{3})-(\d{4})")
_FLAGS = {"SEEN": "\\Seen", "DELETED": "\\Deleted", "FLAGGED": "\\Flagged", "ANSWERED": "\\Answered"}


class BadCommandError(Exception):
    """A command that is not understood; the words go to the client."""


@dataclass(slots=True)
class Mail:
    """A mail in a mailbox."""

    uid: int
    content: bytes
    at: float  # UTC epoch seconds, when it came
    flags: set[str] = field(default_factory=set)


def atoms(text: str) -> list[str]:
    """Part a command into its words; parentheses are words of their own, quoted words lose their quotes.

    Raises:
        BadCommandError: it cannot be parted.
    """
    found: list[str] = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        match = _ATOM.match(text, at)
        if match is None:
            raise BadCommandError("this cannot be parted into words")
        in_quotes, parenthesis, atom = match.groups()
        found.append(_ESCAPED.sub(r"\1", in_quotes) if in_quotes is not None else parenthesis or atom)
        at = match.end()
    return found


def quoted(text: str) -> str:
    """Put a text in quotes."""
    return '"' + _SPECIAL.sub(r"\\\1", text) + '"'


def internal_date(at: float) -> str:
    """Write a time as INTERNALDATE does, in UTC; the month in English whatever the locale."""
    when = datetime.fromtimestamp(at, UTC)
    return f'"{when.day:2}-{_MONTHS[when.month - 1]}-{when.year} {when:%H:%M:%S} +0000"'


def numbers(text: str, largest: int) -> Callable[[int], bool]:
    """Read a set such as `1:3,7,9:*` and return what says whether a number is in it.

    Raises:
        BadCommandError: it is no set.
    """
    if not _SET.fullmatch(text):
        raise BadCommandError("this is no set of numbers")
    ranges: list[tuple[int, int]] = []
    for part in text.split(","):
        first, _, last = part.partition(":")
        ends = sorted(largest if end == "*" else int(end) for end in (first, last or first))
        ranges.append((ends[0], ends[1]))
    return lambda number: any(low <= number <= high for low, high in ranges)


def searched(words: Sequence[str], mails: Sequence[Mail]) -> list[tuple[int, Mail]]:
    """Return the mails a search finds, each with its number in the mailbox.

    Raises:
        BadCommandError: it asks for something that is not understood.
    """
    rest = iter(word for word in words if word not in {"(", ")"})  # all keys must hold: groups change nothing
    tests = [_test(word, rest, mails) for word in rest]
    return [
        (number, mail) for number, mail in enumerate(mails, 1) if all(test(number, mail) for test in tests)
    ]


def _test(word: str, rest: Iterator[str], mails: Sequence[Mail]) -> Callable[[int, Mail], bool]:
    key = word.upper()
    if key == "CHARSET":
        next(rest, "")
        return lambda _number, _mail: True
    if key == "ALL":
        return lambda _number, _mail: True
    if key == "UID":
        wanted = numbers(next(rest, ""), max((mail.uid for mail in mails), default=0))
        return lambda _number, mail: wanted(mail.uid)
    if key in {"SINCE", "BEFORE"}:
        day = _day(next(rest, ""))
        return lambda _number, mail: (mail.at >= day) == (key == "SINCE")
    if flag := _FLAGS.get(key.removeprefix("UN")):
        return lambda _number, mail: (flag in mail.flags) != key.startswith("UN")
    wanted = numbers(word, len(mails))
    return lambda number, _mail: wanted(number)


def _day(text: str) -> float:
    match = _DATE.fullmatch(text)
    if match is None or match[2].title() not in _MONTHS:
        raise BadCommandError("this is no date")
    return datetime(int(match[3]), _MONTHS.index(match[2].title()) + 1, int(match[1]), tzinfo=UTC).timestamp()
