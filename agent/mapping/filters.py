r"""What a template can call. Nothing is guessed: what is not as the feed declares it is a finding.

| written in a template | does | with | gives |
|---|---|---|---|
| `{{ row.Total \| amount }}` | reads a number as `numbers:` declares it | `numbers: de`, `1.234,50 €` | `1234.50` |
| `{{ row.Qty \| quantity }}` | reads a whole number | `numbers: de`, `2,00` | `2` |
| `{{ row.Date \| date }}` | reads a date as `dates:` declares it | `dates: de`, `02.03.2024` | `2024-03-02` |
| `{{ row.Why \| reason }}` | the code that `reasons:` has for a text | `too small` | `ITEM_RETURNED` |
| `{{ row.Name \| order_id }}` | an id without blanks around it, unless a spreadsheet destroyed it | ` 0012 ` | `0012` |
| `{{ row.Cat \| lookup("cats") }}` | the entry of a table under `tables:` | `cats: cats.csv`, `Shoes` | `Footwear` |
| `{{ row.Cat \| lookup("cats", default="Other") }}` | the same, or a default | `Boots` | `Other` |
| `{{ row.Status \| refuse("its status is new", "ask the shop") }}` | keeps the record back, and says why | | |
| `{% for order, lines in rows \| groupby("Order") %}` | records that share a value, each row knowing its own | | |
| `{% for item in row \| numbered("Sku", "Amount") %}` | numbered columns Sku1, Amount1, Sku2, … | | `item.Sku` |
| `{{ (row.Price \| amount \| float) * (row.Qty \| quantity \| int) }}` | exact arithmetic | `0,10`, `3` | `0.30` |

Each filter maps one text to one text, remembers what it was asked before (bounded), and raises `BadValueError` when the
text is not what it should be.
"""

from __future__ import annotations

import difflib
import re
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from jinja2 import Undefined

from agent.mapping.numbers import number_text, quantity_text
from agent.mapping.problems import BadValueError
from agent.mapping.records import Record
from agent.mapping.texts import BLANKS
from agent.model import Fault
from agent.readers.nested import Figure, Nest, no_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from agent.mapping.dates import DateReader
    from agent.mapping.lookups import Tables
    from agent.mapping.numbers import NumberForm

_MEMO = 20_000  # remembered values of one filter
_SHORT = 64  # longer texts are not remembered: memory stays flat
_LONGEST = 40  # characters of a number; more is refused unread
# 1.23457E+12 is what a spreadsheet leaves of a long number; 1E5, without sign or point, may be somebody's id.
_DESTROYED = re.compile(r"[0-9](?:[.,][0-9]+[eE][+-]?|[eE][+-](?=[0-9]{2}))[0-9]+", re.ASCII)


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
    if type(value) is Figure:
        return value  # still a number, where an id is asked for
    if isinstance(value, str | Undefined):
        return str(value)  # which raises for what is undefined, and names it
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        what = "nothing" if value is None else f"a {type(value).__name__}"
        raise BadValueError(Fault("T-CELL", f"the template gives {what} where a text belongs"))
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _bad(code: str, words: str, mend: str, found: str) -> BadValueError:
    return BadValueError(Fault(code, words, mend, found[:_SHORT]))


def order_id_text(text: str) -> str:
    """An order id without blanks around it.

    Raises:
        BadValueError: E-SCIID when a spreadsheet has turned it into a number, E-IDNUM when the file has one.
    """
    if isinstance(text, Figure):
        raise BadValueError(no_id(text, ""))
    plain = text.strip(f"{BLANKS}\ufeff")
    if _DESTROYED.fullmatch(plain):
        mend = "export it again with this column as text"
        raise _bad("E-SCIID", "a spreadsheet has destroyed this id", mend, text)
    return plain


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
        raise _uncounted(text, "is not a whole number", "write `| amount` or `| quantity` before `| int`")
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
        raise _uncounted(text, "is not a number", "write `| amount` before `| float`")
    return default


def _uncounted(text: str, words: str, mend: str) -> BadValueError:
    if text:
        return _bad("E-NUM", words, mend, text)
    blank = 'fill it in; where a blank cell means 0, write `(… | amount or "0")` before it is counted with'
    return _bad("E-NUM", "is blank where the template counts with it", blank, "")


def refuse(value: object, words: str, mend: str = "") -> str:
    """Keep the record back, and say why: what no figure of the file tells.

    Raises:
        BadValueError: E-UNTOLD, always.
    """
    raise _bad("E-UNTOLD", f"cannot be told: {words}", mend, cell_text(value))


def feed_filters(
    numbers: NumberForm, dates: DateReader, reasons: Mapping[str, str], tables: Tables
) -> dict[str, Callable[..., object]]:
    """Make the filters of one feed, each remembering."""
    return {
        "amount": Memo(lambda text: number_text(text, numbers)).__getitem__,
        "quantity": Memo(lambda text: quantity_text(text, numbers)).__getitem__,
        "date": Memo(dates).__getitem__,
        "reason": Memo(reason_filter(reasons)).__getitem__,
        "order_id": Memo(order_id_text).__getitem__,
        "lookup": tables.lookup,
        "refuse": refuse,
        "numbered": numbered,
        "int": whole_number,
        "float": decimal_number,
        "cell_text": cell_text,
    }
