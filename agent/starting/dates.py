"""In which forms a sample may write its dates; more than one is told where day and month may be exchanged."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_YEARS = range(1990, 2100)  # in which shops sell on the web
_MOST = 1_000  # different dates looked at
_DAYS = (
    "%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%y", "%d/%m/%y",
    "%m/%d/%y", "%Y%m%d", "%d %b %Y", "%d-%b-%Y", "%b %d, %Y", "%B %d, %Y", "%d %B %Y",
)  # fmt: skip
_TIMES = (
    "", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", ", %H:%M", ", %H:%M:%S", ", %I:%M %p",
    ", %I:%M:%S %p", "T%H:%M:%S", "T%H:%M:%S.%f", "T%H:%M:%SZ", "T%H:%M:%S.%fZ", "T%H:%M:%S%z", " %H:%M:%S %z",
    " %H:%M %z", " %H:%M:%S%z",
)  # fmt: skip


def date_forms(texts: Iterable[str]) -> tuple[str, ...]:
    """Return each form (strptime) in which all of the texts are dates, if any; several may read them differently."""
    return _forms(tuple(dict.fromkeys(text.strip() for text in texts if text.strip()))[:_MOST])


def read_date(text: str, form: str) -> datetime | None:
    """Read a date in a form; None where it is none."""
    if not text.isascii() or not any(map(str.isdigit, text)):
        return None
    try:
        moment = datetime.strptime(text, form)  # noqa: DTZ007 - only how it reads, at no place on earth
    except ValueError:
        return None
    return moment if moment.year in _YEARS else None  # other digits are some number


@lru_cache(maxsize=512)
def _forms(texts: tuple[str, ...]) -> tuple[str, ...]:
    if not texts or len(texts[0]) < len("1/1/24"):
        return ()
    forms = [day + time for day in _DAYS for time in _TIMES]
    for text in texts:
        forms = [form for form in forms if read_date(text, form)]
        if not forms:
            return ()
    return tuple(_distinct(texts, forms))


def _distinct(texts: tuple[str, ...], forms: list[str]) -> list[str]:
    """Leave out forms that read every date as an earlier one does."""
    kept: dict[tuple[datetime | None, ...], str] = {}
    for form in forms:
        read = (read_date(text, form) for text in texts)
        kept.setdefault(tuple(moment and moment.replace(tzinfo=None) for moment in read), form)
    return list(kept.values())
