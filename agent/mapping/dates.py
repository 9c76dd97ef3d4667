"""Dates as a feed declares them, read exactly and written as ISO 8601: what the `date` filter does.

Where two declared forms read different dates, or the clock was set back, both readings are told and nothing is
guessed. Time zones come from the system's database (zoneinfo), which the settings' check has asked before.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from agent.mapping.problems import BadValueError
from agent.mapping.texts import BLANKS, foreign_digit
from agent.model import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["DateForm", "DateReader"]

_LONGEST = 64  # characters; more is no date
_CELLS = ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f")
_FIRST_YEAR = 1905  # workbooks count days from 1900 or 1904, so what is none is one of these years
_CLOCK = re.compile(r"%[HIMSfpcXT]")  # a form with one of these tells a time of day
_RUN = re.compile(
    r"%[a-zA-Z]%[a-yA-Z]"
)  # parts that nothing parts: 2026111 could be 1 November or 11 January
_SLASHED = re.compile(r"([0-9]{1,2})([/.-])([0-9]{1,2})\2([0-9]{4})(?![0-9])", re.ASCII)
_SERIAL = re.compile(r"([0-9]{5})(?:[.,][0-9]+)?", re.ASCII)
_SERIAL_ZERO = date(1899, 12, 30)  # of the 1900 system, from 1 March 1900 on
_LIKELY = range(10_000, 80_000)  # serials of 1927 to 2119
_MIDNIGHT = re.compile(r"(?:.*[^0-9])?24:00(?::00)?(?:[^0-9].*)?", re.ASCII)
_LEAP = re.compile(r"(?:.*[^0-9])?[0-9]{2}:[0-9]{2}:60(?:[^0-9].*)?", re.ASCII)
_AGES = 1000 * 366 * 86_400.0  # seconds; a limit that far away is none
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


class DateForm(Protocol):
    """How dates are written: the feed's `dates`."""

    @property
    def formats(self) -> tuple[str, ...]:
        """Forms of strptime."""

    @property
    def zone(self) -> str:
        """The time zone of times that name none; "": they stay without."""

    @property
    def not_after(self) -> float | None:
        """How many seconds behind the file's coming a date may lie; None: any."""

    @property
    def not_before(self) -> float | None:
        """How many seconds before the file's coming a date may lie; None: any."""


class _Moment(NamedTuple):
    when: datetime
    clock: bool  # it tells a time of day


class DateReader:
    """The `date` filter: text in a declared form → ISO 8601, with the feed's zone where the text names none."""

    def __init__(self, form: DateForm, now: float = 0.0) -> None:
        """Read dates of a file that came at `now` (UTC epoch seconds; 0: no date is too old or too new)."""
        self._formats = form.formats
        self._zone = ZoneInfo(form.zone) if form.zone else None
        self._declared = f"declared: {', '.join(form.formats)}"
        self.zone = form.zone
        self._latest = _shifted(now, form.not_after)
        self._earliest = _shifted(now, None if form.not_before is None else -form.not_before)
        self._first_year = 0
        self.assumed = False  # some time was read in the feed's zone, as it named none

    def read_cells(self) -> None:
        """Read the dates of a workbook's cells as well, which have no form of their own and are written as ISO does."""
        self._formats = (*self._formats, *_CELLS)
        self._first_year = _FIRST_YEAR

    def __call__(self, text: str) -> str:
        """Read one date.

        Raises:
            BadValueError: E-DATE, E-DIGITS or E-TZ, with both readings where there are two; E-FUTURE; E-TOOOLD.
        """
        plain = text.strip(BLANKS)
        if digit := foreign_digit(plain):
            raise _bad("E-DIGITS", f"contains {digit}", "write it with the digits 0 to 9", text)
        found = dict.fromkeys(self._moments(plain)) if len(plain) <= _LONGEST else {}
        if len(found) > 1:
            readings = " or ".join(_iso(one) for one in found)
            words = "can be read in two ways by the declared forms"
            raise _bad("E-DATE", words, "leave one of them out under `dates: formats`", text, readings)
        for moment in found:
            placed = self._placed(moment, text)
            self._judge(placed, text)
            return _iso(placed)
        raise self._no_date(text, plain)

    def _moments(self, plain: str) -> Iterator[_Moment]:
        for form in self._formats:
            try:
                when = datetime.strptime(plain, form)  # noqa: DTZ007 - the source's own clock; no zone is invented
            except ValueError:
                continue
            if not _RUN.search(form) or when.strftime(form) == plain:
                yield _Moment(when, _CLOCK.search(form) is not None)

    def _placed(self, moment: _Moment, text: str) -> _Moment:
        """Put a time that names no zone into the feed's."""
        when = moment.when
        if self._zone is None or when.tzinfo is not None or not moment.clock:
            return moment
        self.assumed = True
        early, late = (when.replace(tzinfo=self._zone, fold=fold) for fold in (0, 1))
        if early.utcoffset() == late.utcoffset():
            return _Moment(early, clock=True)
        if early.astimezone(UTC).astimezone(self._zone).replace(tzinfo=None) != when:
            words = f"names a time that does not exist in {self.zone}: the clock is set forward over it"
            raise _bad("E-TZ", words, "check it in the source, or export times with their offset", text)
        readings = f"{early.isoformat()} or {late.isoformat()}"
        words = f"names a time that comes twice in {self.zone}: the clock is set back over it"
        raise _bad("E-TZ", words, "export times with their offset from UTC", text, readings)

    def _judge(self, moment: _Moment, text: str) -> None:
        """Refuse what lies too far from the file's coming; a day counts whole, without a zone it is one of UTC."""
        if moment.when.year < self._first_year:
            words = "is a time, a duration or a small number, which the cell's format makes a date"
            raise _bad("E-DATE", words, "put the date in, and look at the format of the cell", text)
        begin = moment.when if moment.when.tzinfo else moment.when.replace(tzinfo=self._zone or UTC)
        if self._latest and begin > self._latest:
            words = "lies further in the future than the feed lets through"
            raise _bad("E-FUTURE", words, "check it; `dates: not_after` of the feed sets the limit", text)
        day = timedelta(days=0 if moment.clock else 1)
        if self._earliest and begin < self._earliest - day:
            words = "lies longer ago than the feed lets through"
            raise _bad("E-TOOOLD", words, "check it; `dates: not_before` of the feed sets the limit", text)

    def _no_date(self, text: str, plain: str) -> BadValueError:
        """Say why a text is no date as declared, with the likeliest cause."""
        if _MIDNIGHT.fullmatch(plain):
            words = "has 24:00, which may mean the day's begin or its end"
            return _bad("E-DATE", words, "write 00:00 of the day that is meant", text)
        if _LEAP.fullmatch(plain):
            return _bad("E-DATE", "has a second 60, which no time here has", "write second 59", text)
        serial = _SERIAL.fullmatch(plain)
        if serial and int(serial[1]) in _LIKELY:
            day = _SERIAL_ZERO + timedelta(days=int(serial[1]))
            words = "looks like the number by which a spreadsheet counts its days: an Excel serial?"
            mend = "export the column formatted as a date, or as text"
            return _bad("E-DATE", words, mend, text, f"{day.isoformat()} if it counts from 1900")
        if any(_resembles(plain, form) for form in self._formats):
            return _bad("E-DATE", "names a day or time that does not exist", self._declared, text)
        if numeric := _SLASHED.match(plain):
            return self._other_order(text, numeric)
        return _bad("E-DATE", "is not a date as this feed writes them", self._declared, text)

    def _other_order(self, text: str, numeric: re.Match[str]) -> BadValueError:
        """Say what an all-digit date could be."""
        one, other, year = int(numeric[1]), int(numeric[3]), int(numeric[4])
        readings = [
            told for told in (_told(year, other, one, day_first=True), _told(year, one, other)) if told
        ]
        if len(dict.fromkeys(readings)) > 1 and one != other:
            words = "can be read in two ways, and neither is declared"
            return _bad(
                "E-DATE", words, f"say which under `dates:`; {self._declared}", text, " or ".join(readings)
            )
        if not readings:
            return _bad("E-DATE", "names a day that does not exist", self._declared, text)
        return _bad("E-DATE", "is not a date as this feed writes them", self._declared, text)


def _shifted(now: float, seconds: float | None) -> datetime | None:
    """Return the moment so many seconds behind another; None where there is no limit."""
    if not now or seconds is None or abs(seconds) > _AGES:
        return None
    return datetime.fromtimestamp(now, UTC) + timedelta(seconds=seconds)


def _resembles(plain: str, form: str) -> bool:
    """Tell whether a text has a form's looks, digit by digit."""
    looks = datetime(2001, 11, 22, 13, 44, 55).strftime(form)  # noqa: DTZ001 - only its digits count
    return re.sub("[0-9]", "0", looks) == re.sub("[0-9]", "0", plain)


def _iso(moment: _Moment) -> str:
    return moment.when.isoformat() if moment.clock else moment.when.date().isoformat()


def _told(year: int, month: int, day: int, *, day_first: bool = False) -> str:
    """Name a day in words, in the order of its reading; "" where there is no such day."""
    try:
        date(year, month, day)
    except ValueError:
        return ""
    name = _MONTHS[month - 1]
    return f"{day} {name} {year}" if day_first else f"{name} {day}, {year}"


def _bad(code: str, words: str, mend: str, text: str, readings: str = "") -> BadValueError:
    found = f"{text[:_LONGEST]} ({readings})" if readings else text[:_LONGEST]
    return BadValueError(Fault(code, words, mend, found))
