"""What a template can call: amount, quantity, date, reason, order_id, numbered.

Each filter maps one text to one text with the feed's declared forms, remembers what it was asked before (bounded),
and raises `BadValueError` when the text is not what it should be. Nothing is guessed.
"""

from __future__ import annotations

import difflib
import re
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from jinja2 import Undefined

from agent.mapping.problems import BadValueError
from agent.mapping.records import Record
from agent.model import Fault
from agent.readers.nested import Nest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_MEMO = 20_000  # remembered values of one filter
_SHORT = 64  # longer texts are not remembered: memory stays flat
_GROUP = 3  # digits between two thousands marks
_LONGEST = 40  # characters of a number; more is refused unread
_SCIENTIFIC = re.compile(r"[0-9]+([.,][0-9]+)?[eE][+-]?[0-9]+", re.ASCII)
# 1.23457E+12 is what a spreadsheet leaves of a long number; 1E5, without sign or point, may be somebody's id.
_DESTROYED = re.compile(r"[0-9](?:[.,][0-9]+[eE][+-]?|[eE][+-](?=[0-9]{2}))[0-9]+", re.ASCII)
_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_CLOCK = re.compile(r"%[-#]?[HIMSfpcXT]")  # a form with one of these tells a time of day


class NumberForm(Protocol):
    """How numbers are written: the feed's `numbers`."""

    @property
    def decimal(self) -> str:
        """The decimal mark."""

    @property
    def thousands(self) -> str:
        """What parts thousands, or ""."""

    @property
    def currency_signs(self) -> tuple[str, ...]:
        """What may stand before or behind a number."""

    @property
    def negative(self) -> str:
        """What a minus sign means: "refuse" (kept, and refused by the rules) or "absolute" (dropped)."""


class Memo(dict[str, str]):
    """A filter that remembers: `memo[text]` is the filter's answer, worked out once per distinct short text."""

    def __init__(self, answer: Callable[[str], str]) -> None:
        super().__init__()
        self.answer = answer

    def __missing__(self, text: str) -> str:
        found = self.answer(text if type(text) is str else cell_text(text))
        if type(text) is str and len(text) <= _SHORT:
            if len(self) >= _MEMO:
                self.clear()
            self[text] = found
        return found


def cell_text(value: object) -> str:
    """Turn what an expression gave into a cell's text.

    Raises:
        BadValueError: for nothing at all, truth values and anything that is no text or number.
        UndefinedError: for a name that nobody has set.
    """
    if isinstance(value, Nest):
        raise BadValueError(
            Fault("T-CELL", "holds several values", "loop over them: {% for item in row.… %}{{ item.… }}")
        )
    if isinstance(value, str | Undefined):
        return str(value)  # which raises for what is undefined, and names it
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        what = "nothing" if value is None else f"a {type(value).__name__}"
        raise BadValueError(Fault("T-CELL", f"the template gives {what} where a text belongs"))
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _bad(code: str, words: str, mend: str, found: str) -> BadValueError:
    return BadValueError(Fault(code, words, mend, found[:_SHORT]))


def number_text(text: str, form: NumberForm) -> str:
    """Read a number as declared and write it with a point and nothing else: "1.234,50 €" → "1234.50".

    Raises:
        BadValueError: E-NUM, with the reading that was declared.
    """
    plain = text.strip(" \u00a0\u202f\t")
    if not plain:
        return ""
    if len(plain) > _LONGEST:
        raise _bad("E-NUM", "is far too long for a number", "put the amount here, in figures", plain)
    for sign in form.currency_signs:
        plain = plain.removeprefix(sign).removesuffix(sign).strip(" \u00a0\u202f")
    minus = plain.startswith("-")
    plain = plain.removeprefix("-").lstrip(" ")
    for sign in form.currency_signs:
        plain = plain.removeprefix(sign).strip(" \u00a0\u202f")
    whole, mark, fraction = plain.partition(form.decimal)
    digits = _without_thousands(whole, form.thousands)
    if digits is None or not _DIGITS.fullmatch(digits) or (mark and not _DIGITS.fullmatch(fraction)):
        raise _bad("E-NUM", "is not a number as this feed writes them", _number_hint(text, form), text)
    sign = "-" if minus and form.negative != "absolute" else ""
    return sign + digits + (f".{fraction}" if mark else "")


def _without_thousands(whole: str, mark: str) -> str | None:
    if not mark or mark not in whole:
        return whole
    first, *groups = whole.split(mark)
    well_parted = 0 < len(first) <= _GROUP and all(len(group) == _GROUP for group in groups)
    return first + "".join(groups) if well_parted else None


def _number_hint(text: str, form: NumberForm) -> str:
    other = "," if form.decimal == "." else "."
    declared = f"the feed declares {form.decimal!r} as decimal mark"
    if other in text and form.thousands != other:
        return f"{declared}; if {other!r} is the decimal (or thousands) mark, say so under `numbers:`"
    if text.strip().startswith("(") and text.strip().endswith(")"):
        return "is it an accounting negative? write the amount that shall stand, without brackets"
    if _SCIENTIFIC.fullmatch(text.strip()):
        return "a spreadsheet has shortened it; export the column as text or with all digits"
    if not text.isascii():
        return f"{declared}; currency signs must be declared under `numbers: currency_signs`; only 0-9 are digits"
    return f"{declared}; signs such as a currency must be declared under `numbers: currency_signs`"


def quantity_text(text: str, form: NumberForm) -> str:
    """Read a whole number: "2", "2.00" → "2".

    Raises:
        BadValueError: E-NUM when it is none.
    """
    number = number_text(text, form)
    whole, _, fraction = number.partition(".")
    if fraction.strip("0"):
        raise _bad("E-NUM", "is not a whole number", "a quantity has no fraction", text)
    return whole


def order_id_text(text: str) -> str:
    """An order id without blanks around it.

    Raises:
        BadValueError: E-SCIID when a spreadsheet has turned it into a number.
    """
    plain = text.strip(" \u00a0\u202f\t\ufeff")
    if _DESTROYED.fullmatch(plain):
        mend = "export it again with this column as text"
        raise _bad("E-SCIID", "a spreadsheet has destroyed this id", mend, text)
    return plain


def date_filter(formats: Sequence[str]) -> Callable[[str], str]:
    """Make the `date` filter: text in a declared form → ISO 8601."""
    declared = f"declared: {', '.join(formats)}"

    def answer(text: str) -> str:
        plain = text.strip()
        ours = not any(one.isdigit() and not one.isascii() for one in plain)
        for form in formats if ours else ():
            try:
                moment = datetime.strptime(plain, form)  # noqa: DTZ007 - the source's own clock; no zone is invented
            except ValueError:
                continue
            return moment.isoformat() if _CLOCK.search(form) else moment.date().isoformat()
        raise _bad("E-DATE", "is not a date as this feed writes them", declared, text)

    return answer


def folded(text: str) -> str:
    """How reasons are compared: without case, blanks around, and with single blanks inside."""
    return " ".join(text.split()).casefold()


def reason_filter(reasons: Mapping[str, str]) -> Callable[[str], str]:
    """Make the `reason` filter: the feed's table, then a code as it stands, then the table's default."""
    table = {folded(text): code for text, code in reasons.items() if text != "default"}
    codes = set(reasons.values())
    default = reasons.get("default")

    def answer(text: str) -> str:
        if (found := table.get(folded(text))) is not None:
            return found
        if text in codes or (default is None and re.fullmatch(r"[A-Z][A-Z0-9_]*", text, re.ASCII)):
            return text  # a code already; the row's rules decide whether it is allowed
        if default is not None:
            return default
        near = difflib.get_close_matches(folded(text), list(table), n=1, cutoff=0.6)
        guess = f"did you mean {near[0]!r}? " if near else ""
        raise _bad(
            "E-REASON", "no reason code is declared for this text", f"{guess}add it under `reasons:`", text
        )

    return answer


@lru_cache(maxsize=16)
def _numbers_in(columns: tuple[str, ...], names: tuple[str, ...]) -> tuple[int, ...]:
    pattern = re.compile(f"(?:{'|'.join(map(re.escape, names))})([1-9][0-9]{{0,5}})", re.ASCII)
    return tuple(sorted({int(found[1]) for column in columns if (found := pattern.fullmatch(column))}))


def numbers_in(columns: Sequence[str], names: Sequence[str]) -> tuple[int, ...]:
    """Find which numbers numbered columns have: Sku1, Sku2, Amount2 → 1, 2."""
    return _numbers_in(tuple(columns), tuple(names)) if names else ()


def numbered(row: object, *names: str) -> Iterator[dict[str, str]]:
    """Go through numbered columns: Sku1, Amount1, Sku2, … give one mapping per number that is filled."""
    if not isinstance(row, Record):
        raise BadValueError(
            Fault("T-CELL", "`numbered` works on a record: {% for item in row | numbered(…) %}")
        )
    cells = row._by_name()  # noqa: SLF001 - our own record
    for number in numbers_in(tuple(cells), names):
        item = {name: cells.get(f"{name}{number}", "") for name in names}
        if any(item.values()):
            yield item


def whole_number(value: object, default: int | None = None) -> int:
    """Jinja's `int` gives 0 for what is no number, and 0 reverses an order: this one refuses it.

    Raises:
        BadValueError: E-NUM, where no default is given.
    """
    exact = isinstance(value, Decimal) and value == value.to_integral_value()
    text = format(value, ".0f") if exact else str(value).strip()
    if len(text) <= _LONGEST and re.fullmatch(r"[+-]?[0-9]+", text, re.ASCII):
        return int(text)
    if default is None:
        raise _bad("E-NUM", "is not a whole number", "write `| amount` or `| quantity` before `| int`", text)
    return default


def decimal_number(value: object, default: Decimal | None = None) -> Decimal:
    """Jinja's `float`, but exact, and refusing what is no number.

    Raises:
        BadValueError: E-NUM, where no default is given.
    """
    text = format(value, "f") if isinstance(value, Decimal) else str(value).strip()
    if len(text) <= _LONGEST and re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", text, re.ASCII):
        return Decimal(text)
    if default is None:
        raise _bad("E-NUM", "is not a number", "write `| amount` before `| float`", text)
    return default


def feed_filters(
    numbers: NumberForm, formats: Sequence[str], reasons: Mapping[str, str]
) -> dict[str, Callable[..., object]]:
    """Make the filters of one feed, each remembering."""
    return {
        "amount": Memo(lambda text: number_text(text, numbers)).__getitem__,
        "quantity": Memo(lambda text: quantity_text(text, numbers)).__getitem__,
        "date": Memo(date_filter(formats)).__getitem__,
        "reason": Memo(reason_filter(reasons)).__getitem__,
        "order_id": Memo(order_id_text).__getitem__,
        "numbered": numbered,
        "int": whole_number,
        "float": decimal_number,
        "cell_text": cell_text,
    }
