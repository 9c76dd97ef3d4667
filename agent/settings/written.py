"""How a source is written: its numbers, its dates, the columns of a file with fixed widths.

As in `models.py`, the comment behind a field is what people read about it.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from agent.settings.forms import DateForms, Minuses, Rows, Seconds, Signs, Text  # noqa: TC001 - pydantic reads them
from agent.settings.frozen import Model
from agent.settings.presets import (
    DatePreset,
    NumberPreset,
    Zone,
    date_presets,
    filled,
    number_presets,
)

__all__ = ["Dates", "FixedColumn", "Numbers"]


class Numbers(Model):
    """How numbers are written in the source. Only what is declared is understood."""

    preset: NumberPreset = ""  # a language or country, e.g. de, en-US; `numbers: de` is short for it
    decimal: Literal[".", ","] = "."  # the sign before the decimals
    thousands: Literal["", ",", ".", " ", "'", "\u2019", "\u00a0", "\u202f"] = ""  # the sign between groups
    currency_signs: Signs = ()  # signs or codes that may stand before or behind, e.g. "€", "EUR"
    negative: Literal["refuse", "absolute"] = "refuse"  # what the amount filter does with a minus sign
    minus: Minuses = ("before",)  # where a minus sign may stand: before, behind (12-), brackets: (12)
    percent: Literal["refuse", "number", "fraction"] = "refuse"  # 12 %: refused, 12 or 0.12
    three_decimals: Literal["refuse", "read"] = "refuse"  # 1.234, which would be 1234 in another country

    @model_validator(mode="before")
    @classmethod
    def _from_preset(cls, values: object) -> object:
        return filled(values, number_presets())

    @model_validator(mode="after")
    def _two_signs(self) -> Self:
        if self.decimal == self.thousands:
            raise ValueError("has the same sign for decimals and for thousands; they must differ")
        return self


class Dates(Model):
    """How dates are written in the source. Where two forms read different dates, nothing is guessed."""

    preset: DatePreset = ""  # a language or country, e.g. de, en-US, or iso; `dates: de` is short for it
    formats: DateForms = ("%Y-%m-%d",)  # strptime forms, e.g. "%d.%m.%Y"
    zone: Zone = ""  # of times that name none, e.g. Europe/Berlin; without it they stay without
    not_after: Seconds | None = None  # how far behind the file's coming a date may lie, e.g. 24h; else any
    not_before: Seconds | None = None  # and how long before it, e.g. 88d

    @model_validator(mode="before")
    @classmethod
    def _from_preset(cls, values: object) -> object:
        return filled(values, date_presets())


class FixedColumn(Model):
    """One column of a file with fixed widths."""

    name: Text  # what templates call it
    start: Rows  # its first character in the line, from 1
    width: Rows  # characters
    trim: Literal["both", "left", "right", "none"] = "both"  # sides on which filling blanks are left out
