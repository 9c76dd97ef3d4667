"""Which dates are read and which are refused: only what is declared, nothing guessed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from agent.mapping.dates import DateReader
from agent.mapping.problems import BadValueError
from agent.settings.models import Dates

if TYPE_CHECKING:
    from agent.model import Fault

ISO = ("%Y-%m-%d",)
BOTH = ("%d/%m/%Y", "%m/%d/%Y")


def read(text: str, **declared: object) -> str:
    """Read a date as a feed declares them."""
    return DateReader(Dates.model_validate(declared))(text)


def refusal(text: str, **declared: object) -> Fault:
    """Return why a date is refused."""
    with pytest.raises(BadValueError) as refused:
        read(text, **declared)
    return refused.value.fault


@pytest.mark.parametrize(
    ("text", "formats", "expected"),
    [
        ("2026-03-01", ("%Y-%m-%d",), "2026-03-01"),
        (" 2026-03-01 ", ("%Y-%m-%d",), "2026-03-01"),
        ("01.03.2026", ("%d.%m.%Y",), "2026-03-01"),
        ("29.02.2024", ("%d.%m.%Y",), "2024-02-29"),
        ("12/01/2010 08:26", ("%m/%d/%Y %H:%M",), "2010-12-01T08:26:00"),
        ("12/01/2010 00:00", ("%m/%d/%Y %H:%M",), "2010-12-01T00:00:00"),
        ("2026-03-01", ("%d.%m.%Y", "%Y-%m-%d"), "2026-03-01"),
        ("13/04/2026", ("%d/%m/%Y", "%m/%d/%Y"), "2026-04-13"),
        ("04/04/2026", ("%d/%m/%Y", "%m/%d/%Y"), "2026-04-04"),
        ("20261101", ("%Y%m%d",), "2026-11-01"),
        ("2026-03-01T10:00:00+02:00", ("%Y-%m-%dT%H:%M:%S%z",), "2026-03-01T10:00:00+02:00"),
    ],
)
def test_date_read(text: str, formats: tuple[str, ...], expected: str) -> None:
    """The declared form that fits is taken; a form with a clock gives date and time."""
    assert expected == read(text, formats=formats)


@pytest.mark.parametrize(
    ("preset", "text", "expected"),
    [
        ("de", "02.03.2024", "2024-03-02"),
        ("de", "2.3.2024 17:05", "2024-03-02T17:05:00"),
        ("en-US", "3/2/2024", "2024-03-02"),
        ("en-US", "03/02/2024 5:05 PM", "2024-03-02T17:05:00"),
        ("en-GB", "02/03/2024", "2024-03-02"),
        ("nl", "02-03-2024", "2024-03-02"),
        ("sv", "2024-03-02", "2024-03-02"),
        ("ja", "2024/03/02", "2024-03-02"),
        ("pt-BR", "2024-03-02T10:00:00.250-03:00", "2024-03-02T10:00:00.250000-03:00"),
        ("iso", "2024-03-02 10:00:00 +0100", "2024-03-02T10:00:00+01:00"),
    ],
)
def test_a_preset_reads_what_its_country_writes(preset: str, text: str, expected: str) -> None:
    """Its own all-digit form, and the ISO forms beside it."""
    assert expected == read(text, preset=preset)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-03-02", "2024-03-02"),
        ("2024-03-02 10:00", "2024-03-02T10:00:00+01:00"),
        ("2024-07-02 10:00", "2024-07-02T10:00:00+02:00"),
        ("2024-07-02 10:00:00+0000", "2024-07-02T10:00:00+00:00"),
        ("2024-03-31 01:59", "2024-03-31T01:59:00+01:00"),
        ("2024-03-31 03:00", "2024-03-31T03:00:00+02:00"),
    ],
)
def test_a_time_without_a_zone_is_the_feeds(text: str, expected: str) -> None:
    """Where the text names an offset, that one counts; a day has none."""
    assert expected == read(text, preset="iso", zone="Europe/Berlin")


def test_it_is_known_when_the_feeds_zone_was_assumed() -> None:
    """A note is due only then."""
    reader = DateReader(Dates(preset="iso", zone="Europe/Berlin"))
    reader("2024-03-02")
    reader("2024-03-02 10:00:00+0000")
    assert not reader.assumed
    reader("2024-03-02 10:00")
    assert reader.assumed


@pytest.mark.parametrize(
    ("text", "words", "readings"),
    [
        ("2024-03-31 02:30", "does not exist in Europe/Berlin", ""),
        (
            "2024-10-27 02:30",
            "comes twice in Europe/Berlin",
            " (2024-10-27T02:30:00+02:00 or 2024-10-27T02:30:00+01:00)",
        ),
    ],
)
def test_the_hour_that_is_missing_or_twice_is_named(text: str, words: str, readings: str) -> None:
    """Nobody knows which moment is meant."""
    fault = refusal(text, preset="iso", zone="Europe/Berlin")
    assert (fault.code, fault.found) == ("E-TZ", text + readings)
    assert words in fault.words


@pytest.mark.parametrize(
    ("text", "formats", "words", "found"),
    [
        ("02/03/2024", ISO, "two ways, and neither is declared", " (2 March 2024 or February 3, 2024)"),
        ("02.03.2024 10:00", ISO, "two ways, and neither is declared", " (2 March 2024 or February 3, 2024)"),
        ("03/04/2026", BOTH, "two ways by the declared forms", " (2026-04-03 or 2026-03-04)"),
        ("13/03/2024", ISO, "not a date as this feed writes them", ""),
        ("01/01/2024", ISO, "not a date as this feed writes them", ""),
        ("31/31/2024", ISO, "a day that does not exist", ""),
        ("2023-02-29", ISO, "a day or time that does not exist", ""),
        ("31/02/2024", BOTH, "a day or time that does not exist", ""),
        ("2023-02-28 24:00:00", ISO, "24:00", ""),
        ("2016-12-31T23:59:60", ISO, "second 60", ""),
        ("2016-12-31 23:59:60", ("%Y-%m-%d %H:%M:%S",), "second 60", ""),
        ("45321", ISO, "an Excel serial?", " (2024-01-30 if it counts from 1900)"),
        ("45321.5", ISO, "an Excel serial?", " (2024-01-30 if it counts from 1900)"),
        ("2026111", ("%Y%m%d",), "not a date as this feed writes them", ""),
        ("2024-03-02 x", ISO, "not a date as this feed writes them", ""),
        ("today", ISO, "not a date as this feed writes them", ""),
        ("", ISO, "not a date as this feed writes them", ""),
    ],
)
def test_a_refused_date_says_what_it_looks_like(
    text: str, formats: tuple[str, ...], words: str, found: str
) -> None:
    """The likeliest cause, and both readings where there are two."""
    fault = refusal(text, formats=formats)
    assert (fault.code, fault.found) == ("E-DATE", text + found)
    assert words in fault.words


def test_digits_of_other_scripts_are_named() -> None:
    """Strptime would read them."""
    fault = refusal("२०२६-०३-०१", formats=ISO)
    assert fault.code == "E-DIGITS"
    assert "U+0968 DEVANAGARI DIGIT TWO" in fault.words


def test_a_long_text_is_no_date() -> None:
    """And is not quoted whole."""
    assert len(refusal("9" * 100_000, formats=ISO).found) <= 64


NOW = datetime(2024, 3, 2, 12, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("2024-03-02", None),
        ("2024-03-03", None),
        ("2024-03-04", "E-FUTURE"),
        ("2024-03-03 11:59", None),
        ("2024-03-03 12:01", "E-FUTURE"),
        ("2024-03-03 13:01:00+0200", None),
        ("2023-12-05", None),
        ("2023-12-04", "E-TOOOLD"),
        ("2023-12-05 11:59", "E-TOOOLD"),
        ("0001-01-01", "E-TOOOLD"),
        ("9999-12-31", "E-FUTURE"),
    ],
)
def test_limits_count_from_the_files_coming(text: str, code: str | None) -> None:
    """24 hours ahead and 88 days back, to the second; of a day, any part may lie within."""
    declared = Dates.model_validate({"preset": "iso", "not_after": "24h", "not_before": "88d"})
    reader = DateReader(declared, NOW)
    if code is None:
        assert reader(text)[:10] == text[:10]
        return
    with pytest.raises(BadValueError) as refused:
        reader(text)
    assert (refused.value.fault.code, refused.value.fault.found) == (code, text)


def test_without_limits_any_date_passes() -> None:
    """impact.com's pages on modifications state none."""
    assert DateReader(Dates(), NOW)("2999-01-01") == "2999-01-01"
    assert read("2999-01-01", not_after="24h") == "2999-01-01"
    far = Dates.model_validate({"not_after": "999999999d", "not_before": "999999999d"})
    assert DateReader(far, NOW)("9999-12-31") == "9999-12-31"
    assert DateReader(Dates.model_validate({"not_before": "88d"}), NOW)("9999-12-31") == "9999-12-31"
