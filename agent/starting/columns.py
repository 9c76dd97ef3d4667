"""What each column is good for: by its name in several languages, and by what stands in it.

A name proposes, the contents may forbid: a column of words is no amount, whatever it is called. A proposal is sure
where the name means just this and no other column is as good.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.impact import currencies
from agent.starting.tables import UNKNOWN, marks, names, reason_code, status_kind
from agent.starting.texts import plain_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from agent.starting.texts import Column

SURE, PREFIXED, BEGINS, MAYBE, PART, CONTENT = (
    100,
    90,
    70,
    60,
    45,
    30,
)  # how much a name, or contents alone, speak for a use
_LOOKED_AT = 200  # texts
_OF_PAYMENT = (
    5  # by which the number of a payment, or of a refund, is less likely the order's than another one
)
_PARTS = 4  # words a name may have that only contains a known one

_FITS: dict[str, Callable[[Column], bool]] = {
    "action_id": lambda column: column.is_action_id,
    "tracker": lambda column: column.is_digits and len(column.counts) <= 10,  # noqa: PLR2004 - event types of one account
    "order": lambda column: (
        not (column.is_date or column.is_currency or _is_money(column) or column.counts.keys() == {"0"})
    ),
    "sku": lambda column: not column.is_date and not _is_money(column) and not column.is_packed,
    "quantity": lambda column: column.is_whole,
    "quantity_left": lambda column: column.is_whole,
    "quantity_back": lambda column: column.is_whole,
    "left": lambda column: column.is_figure and not column.is_negative,
    "refunded": lambda column: column.is_figure,
    "total": lambda column: column.is_figure,
    "amount": lambda column: column.is_figure,
    "reason": lambda column: not column.is_numeric and not column.is_date and not column.is_currency,
    "status": lambda column: column.has_few_words and not column.is_numeric and not column.is_date,
    "kind": lambda column: column.has_few_words and not column.is_numeric and not column.is_date,
    "currency": lambda column: column.is_currency,
    "date": lambda column: column.is_date,
}
_MONEY = frozenset(("left", "refunded", "total", "amount"))
_CHANGED = _MONEY | {"quantity", "quantity_left", "quantity_back"}
_OF_ORDERS = frozenset(("action_id", "tracker", "order", "currency", "date"))  # never inside a list of items


@dataclass(frozen=True, slots=True)
class Pick:
    """The column proposed for a use."""

    column: Column
    sure: bool
    others: tuple[str, ...] = ()  # columns that would do as well


def _is_money(column: Column) -> bool:
    return column.is_numeric and not column.is_whole and not column.is_digits


def recognised(columns: Sequence[str]) -> int:
    """Weigh how many columns have a name known for some use: 2 for each, 1 where it is only the end of a longer one."""
    known = {name for table in names().values() for name in table}
    return sum(2 if _uncoded(plain_words(column)) in known else _last(column) in known for column in columns)


def _last(name: str) -> str:
    """Return the last part of a name with points: what it is called where it stands."""
    return plain_words(name.rpartition(".")[2].rpartition("}")[2])


def propose(columns: Sequence[Column]) -> Mapping[str, Pick]:
    """Propose a column for each use there is one for; no column has two uses."""
    scores = sorted(_scores(columns), key=lambda one: (-one[0], one[2]))
    picks: dict[str, Pick] = {}
    taken: set[int] = set()
    for score, use, position in scores:
        if use in picks or position in taken:
            continue
        others = [
            columns[at].name for worth, of, at in scores if of == use and worth == score and at != position
        ]
        sure = score == SURE and not others
        picks[use] = Pick(columns[position], sure, tuple(dict.fromkeys(others)))
        taken.add(position)
    return picks


def _scores(columns: Sequence[Column]) -> Iterator[tuple[int, str, int]]:
    for position, column in enumerate(columns):
        if not column.filled:
            continue
        for use in names():
            if column.within and use in _OF_ORDERS:
                continue
            score = _score(use, column)
            if score < SURE and not _TELLS.get(use, _anything)(column):
                continue
            if use == "order" and plain_words(column.prefix) in names()["order"]:
                score = max(score, PREFIXED)
            if score and _FITS[use](column):
                yield score, use, position


def _score(use: str, column: Column) -> int:
    table = names()[use]
    plain = plain_words(column.name)
    for name, loss in (
        (plain, 0),
        (_last(column.name), 10 if "." in column.name else 0),
        (_uncoded(plain), 0),
    ):
        if name in table:
            weaker = _OF_PAYMENT if use == "order" and "transaction" in name else 0
            return (SURE if table[name] else MAYBE) - loss - weaker
    words = plain.split()
    if use in _MONEY and marks("no_money") & set(words):
        return 0
    if use in _CHANGED and (score := _changed(use, words)) is not None:
        return score
    if any(known and " " in name and plain.startswith(f"{name} ") for name, known in table.items()):
        return BEGINS
    if len(words) <= _PARTS and any(
        sure and f" {name} " in f" {plain} "
        for name, sure in table.items()
        if " " in name or len(words) <= 2  # noqa: PLR2004 - one more than the name
    ):
        return PART
    return CONTENT if _speaks(use, column) else 0


def _uncoded(plain: str) -> str:
    """Leave out the code of a currency behind a name: “Amount (USD)”."""
    before, _, last = plain.rpartition(" ")
    return before if before and currencies.known(last.upper()) else plain


def _changed(use: str, words: Sequence[str]) -> int | None:
    """Weigh a name that says whether it speaks of what is left, or of what was there before; None where it does not."""
    left, before = marks("left") & set(words), marks("before") & set(words)
    if not left and not before:
        return None
    pieces = use in ("quantity", "quantity_left", "quantity_back")
    meant = {
        (True, True): "quantity_left",
        (True, False): "quantity",
        (False, True): "left",
        (False, False): "total",
    }
    if not marks("piece").isdisjoint(words):
        meant[False, True] = "amount"  # of one piece: what is left of all of them is not in it
    if use != meant[pieces, bool(left)] or (left and before):
        return 0
    names_of = [names()["quantity"]] if pieces else [names()["amount"], names()["total"]]
    rests = (left | before, left | before | marks("beside"))
    plain = (" ".join(word for word in words if word not in rest) for rest in rests)
    return MAYBE if any(one in table for one in plain for table in names_of) else 0


def is_sum(column: Column) -> bool:
    """Whether a name is that of an amount, of whatever kind."""
    return column.is_numeric and any(_score(use, column) for use in _MONEY)


def tells_left(column: Column) -> bool:
    """Whether a name is that of an amount that is left."""
    return _score("left", column) > 0


def is_of_orders(column: Column) -> bool:
    """Whether a name is that of a sum of whole orders, which is the same on each of an order's items."""
    return is_sum(column) and not marks("order").isdisjoint(plain_words(column.name).split())


def _tells_reasons(column: Column) -> bool:
    """Whether texts say why: many that are known, or such as come again; not another one for each record."""
    texts = list(column.counts)[:_LOOKED_AT]
    known = sum(reason_code(text) != UNKNOWN for text in texts)
    return 2 * known > len(texts) or 2 * len(column.counts) <= len(column.filled)


def _tells_orders(column: Column) -> bool:
    """Whether texts are numbers or codes; not names of people."""
    return column.has_digits or all(text.isupper() and len(text.split()) == 1 for text in column.counts)


def _anything(_column: Column) -> bool:
    return True


# What the texts of a column must say where its name alone is not enough.
_TELLS = {"reason": _tells_reasons, "order": _tells_orders}


def _speaks(use: str, column: Column) -> bool:
    """Whether contents alone tell a use, whatever the name."""
    if use == "action_id":
        return column.is_action_id
    if use == "currency":
        return column.is_currency
    if use == "status":
        kinds = {status_kind(text) for text in column.counts} if column.has_few_words else set()
        return bool(kinds & {"cancelled", "refunded", "partly"}) and "" not in kinds
    return use == "date" and column.is_date
