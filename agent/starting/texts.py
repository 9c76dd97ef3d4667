"""What the texts of one column are: blank, numbers, dates, codes, a few words that come again."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from agent.impact import currencies
from agent.starting.dates import date_forms
from agent.starting.numbers import plain_digits, read_numbers

_FEW = 40  # different texts that still can be a list of words
_CODE = 3  # letters of ISO 4217
_LONG = 80  # characters; a longer text is prose
_ACTION = re.compile(r"M\.[0-9]+(?:\.[0-9]+)+|[0-9]+(?:\.[0-9]+){2,}", re.ASCII)  # with one point: an amount
_IN_ACTION = re.compile(r"[0-9]{4}", re.ASCII)  # which no version of a program and no address on the net has
_PACKED = re.compile(r"\S\s*[,;|]\s*\S")
_MOSTLY = 0.5
_CENTS = 3  # digits of the least price that has any before its point
_MINOR = frozenset(("cent", "cents", "pence", "minor", "centimes", "centavos", "centesimi"))
_ZERO = re.compile(r"0[0-9]+", re.ASCII)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True)
class Column:
    """A column of a sample; `within` names the list in each record of which it is a part, if it is."""

    name: str
    texts: tuple[str, ...]
    within: str = ""
    numbers: frozenset[str] = (
        frozenset()
    )  # texts that are numbers of the file: how texts are written, they do not tell

    @cached_property
    def filled(self) -> tuple[str, ...]:
        """The texts that are not blank, without blanks around."""
        return tuple(text.strip() for text in self.texts if text.strip())

    @cached_property
    def written(self) -> tuple[str, ...]:
        """Those of them that are no numbers of the file."""
        return tuple(text for text in self.filled if text not in self.numbers)

    @cached_property
    def counts(self) -> Counter[str]:
        """How often each text occurs that is not blank."""
        return Counter(self.filled)

    @property
    def blanks(self) -> int:
        """How many texts are blank."""
        return len(self.texts) - len(self.filled)

    @cached_property
    def is_numeric(self) -> bool:
        """Whether nearly all texts are numbers in one way of writing, with their currency perhaps."""
        return bool(self.filled) and not read_numbers(self.written).unread

    @property
    def is_negative(self) -> bool:
        """Whether some of the numbers are below 0, as nothing that is left can be."""
        return bool(read_numbers(self.written).negative) or any(one.startswith("-") for one in self.numbers)

    @property
    def is_figure(self) -> bool:
        """Whether the texts may be amounts: numbers, and none with a zero before it, as ids have."""
        return self.is_numeric and not self.leading_zero

    @cached_property
    def says_something(self) -> bool:
        """Whether it is filled on some records and on others not, or has another figure than 0 on some only."""
        said = [text for text in self.filled if text.strip("0.,-+() ")]
        return len(said) > 0 and (bool(self.within) or len(said) < len(self.texts))

    @cached_property
    def is_whole(self) -> bool:
        """Whether all are digits alone, or with zeros behind the point."""
        return bool(self.filled) and all(
            re.fullmatch(r"-?[0-9]+([.,]0+)?", one, re.ASCII) for one in self.counts
        )

    @cached_property
    def is_date(self) -> bool:
        """Whether all are dates in one form."""
        return bool(self.filled) and bool(date_forms(self.counts))

    @cached_property
    def is_currency(self) -> bool:
        """Whether all are codes of ISO 4217, in letters of any size."""
        return bool(self.filled) and all(
            len(one) == _CODE and currencies.known(one.upper()) for one in self.counts
        )

    @cached_property
    def is_action_id(self) -> bool:
        """Whether all look like impact.com's own ids."""
        every = self.counts
        shaped = all(_ACTION.fullmatch(one) and _IN_ACTION.search(one) for one in every)
        return bool(every) and shaped and not self.is_date

    @cached_property
    def has_digits(self) -> bool:
        """Whether most texts have a digit in them, as numbers of orders have and names of people have not."""
        return sum(any(map(str.isdigit, one)) for one in self.counts) > _MOSTLY * len(self.counts)

    @cached_property
    def is_packed(self) -> bool:
        """Whether some texts hold several values."""
        return any(map(_PACKED.search, self.counts))

    @property
    def is_minor(self) -> bool:
        """Whether the name says that its figures are hundredths, as the interfaces of payment services write them."""
        return self.is_whole and not _MINOR.isdisjoint(plain_words(self.name).split())

    @property
    def may_be_minor(self) -> bool:
        """Whether its figures look like hundredths: whole, and none of them small."""
        figures = [text.lstrip("-") for text in self.counts if text.strip("-0")]
        return len(figures) > 1 and all(plain_digits(text) and len(text) >= _CENTS for text in figures)

    @property
    def is_digits(self) -> bool:
        """Whether all are digits alone."""
        return bool(self.filled) and all(map(plain_digits, self.counts))

    @property
    def has_few_words(self) -> bool:
        """Whether a few texts come again and again, as those of a status do."""
        return 0 < len(self.counts) <= _FEW and max(map(len, self.counts)) <= _LONG

    @cached_property
    def leading_zero(self) -> str:
        """A number with a zero before it, where there is one."""
        return next((one for one in self.counts if _ZERO.fullmatch(one)), "")

    @property
    def width(self) -> int:
        """How many characters each text has; 0 where they differ."""
        widths = set(map(len, self.counts))
        return widths.pop() if len(widths) == 1 else 0

    @cached_property
    def prefix(self) -> str:
        """What stands before every text and is surely no part of an id: a number sign, ' or words and a blank."""
        texts = list(self.counts)
        if not texts:
            return ""
        low, high = min(texts), max(texts)
        common = next((low[:at] for at, sign in enumerate(low) if sign != high[at : at + 1]), low)
        found = re.match(r"\D*[ #']", common)
        return found[0] if found and len(found[0]) < min(map(len, texts)) else ""


def plain_words(text: str) -> str:
    """Write a name the way names are compared: small letters and digits, single blanks, no accents."""
    apart = unicodedata.normalize("NFKD", _CAMEL.sub(" ", text))
    letters = "".join(one for one in apart if not unicodedata.combining(one)).casefold()
    return " ".join(re.findall(r"[^\W_]+", letters))
