"""Rules for a whole row: what it does, and whether its cells agree with one another.

The verdict depends on little: which cells are empty, the reason, the currency, whether amount and quantity
are zero. Those make up the row's shape, and a verdict is remembered per shape: a million rows cost a million
look-ups.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.impact.amounts import ZERO, places
from agent.impact.currencies import EXPONENTS
from agent.impact.dialect import dialect
from agent.model import Change, Fault, Level

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence

    from agent.impact.layout import Layout
    from agent.impact.reasons import Codes

    Judge = Callable[[Sequence[str]], "Judgement"]

__all__ = ["Judgement", "judging"]

_REMEMBERED = 4096
_TELLING = (
    "Reason",
    "Amount",
    "Quantity",
    "currencyCode",
    "ActionID",
    "Oid",
    "ActionTrackerID",
    "Category",
    "CustomerStatus",
)
_NO_AMOUNT = (
    "impact.com's pages differ on whether a row without Amount is taken; fill in the Amount that shall "
    "stand, 0 to reverse"
)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one row does, and what is wrong or remarkable about it."""

    change: Change
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class _Row:
    """One row's cells by name, with what it does."""

    amount: str
    quantity: str
    reason: str
    currency: str  # the row's, else the account's
    named: Change | None  # what its reason code is said to do
    change: Change


def judging(layout: Layout, codes: Codes, *, currency: str) -> Judge:
    """Make the function that judges rows of this layout; its cells must be sound one by one."""
    if layout.level is Level.RESET:
        reset = Judgement(Change.RESET)
        return lambda _cells: reset
    remembered: dict[Hashable, Judgement] = {}
    # Reason stands in for a column this batch has not: a part of the shape that says nothing new.
    reason, amount, quantity, money, action, oid, tracker, category, status = (
        layout.at.get(name, layout.at["Reason"]) for name in _TELLING
    )

    def judge(cells: Sequence[str]) -> Judgement:
        shape = (
            cells[reason],
            cells[amount][-3:],  # tells empty, zero, and which decimals are used
            cells[quantity] == ZERO,
            cells[money],
            not cells[quantity],
            not cells[action],
            not cells[oid],
            not cells[tracker],
            not cells[category],
            not cells[status],
        )
        judgement = remembered.get(shape)
        if judgement is None:
            judgement = _judge(layout, codes, currency, cells)
            if len(remembered) >= _REMEMBERED:
                remembered.clear()
            if not any(fault.found for fault in judgement.faults):
                remembered[shape] = judgement
        return judgement

    return judge


def _judge(layout: Layout, codes: Codes, currency: str, cells: Sequence[str]) -> Judgement:
    amount, reason = layout.cell(cells, "Amount"), layout.cell(cells, "Reason")
    named = codes.changes.get(reason)
    row = _Row(
        amount=amount,
        quantity=layout.cell(cells, "Quantity"),
        reason=reason,
        currency=layout.cell(cells, "currencyCode") or currency,
        named=named,
        change=named or (Change.REVERSAL if amount == ZERO else Change.MODIFICATION),
    )
    level = _item if layout.level is Level.ITEM else _order
    faults = (
        *_identified(layout, cells),
        *_placed(layout, cells, row),
        *_agreed(codes, row),
        *_scaled(row),
        *level(layout, cells, row),
    )
    return Judgement(row.change, faults)


def _identified(layout: Layout, cells: Sequence[str]) -> Iterator[Fault]:
    """Find rows that do not tell which action they change."""
    paths = dialect().identifiers[layout.level]
    filled = {name for path in paths for name in path if layout.cell(cells, name)}
    if any(filled >= set(path) for path in paths):
        return
    every = "write the identifiers on every row, also on the further rows of an order"
    if not filled:
        either = ", or ".join(" and ".join(path) for path in paths)
        yield Fault("E-ID", f"the row tells no action: it needs {either}", every)
    for path in paths:
        for name in path:
            if filled & set(path) and name not in filled:
                have = " and ".join(sorted(filled & set(path)))
                yield Fault("E-REQ", f"{name} is empty; {have} needs it beside it", every, field=name)


def _placed(layout: Layout, cells: Sequence[str], row: _Row) -> Iterator[Fault]:
    """Find values in columns that this change does not have."""
    for name, cell in zip(layout.header, cells, strict=True):
        usage = dialect().columns[name].usage[layout.level].get(row.change) if cell else None
        if usage == "forbidden":
            words = f"{name} must be empty on a {row.change}"
            yield Fault("E-FORBID", words, f"leave {name} empty on rows whose Amount is 0", field=name)
        elif usage == "unlisted":
            words = f"{name} means nothing on a {row.change}; it is sent as it is"
            yield Fault("W-UNLISTED", words, f"leave {name} empty on rows whose Amount is 0", field=name)


def _agreed(codes: Codes, row: _Row) -> Iterator[Fault]:
    """Find reason codes that say one thing and amounts that say another."""
    if row.named is Change.REVERSAL and row.amount not in {"", ZERO}:
        words = f"the code {row.reason} reverses, but Amount is not 0"
        mend = f"write Amount 0, or say under `codes:` that {row.reason} does not always reverse"
        yield Fault("E-CODEAMT", words, mend, field="Amount")
    elif row.named is Change.APPROVAL and row.amount == ZERO:
        words = f"the code {row.reason} approves, but Amount 0 reverses"
        yield Fault("E-CODEAMT", words, "leave Amount empty, or use a code that reverses", field="Amount")
    elif row.reason in codes.updates and row.amount == ZERO:
        words = f"the code {row.reason} means an update, but Amount 0 reverses"
        mend = "use a code that says why it is reversed, such as ITEM_RETURNED"
        yield Fault("W-UPDREV", words, mend, field="Reason")


def _scaled(row: _Row) -> Iterator[Fault]:
    """Find amounts with more decimals than their currency has."""
    exponent = EXPONENTS.get(row.currency)
    if exponent is None or places(row.amount) <= exponent:
        return
    words = f"Amount has more decimals than {row.currency} has ({exponent})"
    mend = "round it in the source, or check the currency"
    yield Fault("E-SCALE", words, mend, row.amount, "Amount")


def _order(layout: Layout, cells: Sequence[str], row: _Row) -> Iterator[Fault]:
    if row.amount or row.change is Change.APPROVAL:
        return
    if row.change is Change.REVERSAL:
        yield _unreversed(row)
    elif layout.cell(cells, "currencyCode") or layout.cell(cells, "CustomerStatus"):
        words = "the row modifies an order without naming its Amount"
        yield Fault("W-NOAMOUNT", words, _NO_AMOUNT, field="Amount")
    else:
        yield _unchanged(row)


def _item(layout: Layout, cells: Sequence[str], row: _Row) -> Iterator[Fault]:
    if row.quantity and not row.amount:
        words = "Amount is empty; a row that changes the Quantity needs it"
        yield Fault("E-REQ", words, "write the new line total, 0 to reverse the item", field="Amount")
    elif row.change is not Change.APPROVAL and not row.amount:
        if row.change is Change.REVERSAL:
            yield _unreversed(row)
        elif not layout.cell(cells, "Category"):
            yield _unchanged(row)
    if row.quantity == ZERO and row.amount not in {"", ZERO}:
        words = "Quantity is 0, but Amount is not"
        mend = "write Amount 0 to reverse the item, or the new Quantity"
        yield Fault("E-QTYZERO", words, mend, field="Quantity")
    if row.amount == ZERO and row.quantity not in {"", ZERO}:
        words = "Amount 0 reverses the whole item, but Quantity says that pieces remain"
        mend = "Quantity is the new number, not the number returned: write 0, or the new line total as Amount"
        yield Fault("W-QTYREV", words, mend, field="Quantity")
    if not row.quantity and row.change is not Change.APPROVAL:
        words = "the row names no Quantity, which some of impact.com's pages require"
        yield Fault("W-NOQTY", words, "add the new Quantity, 0 for a returned item", field="Quantity")


def _unreversed(row: _Row) -> Fault:
    words = f"the code {row.reason} reverses, but Amount is empty; right only if the original amount was 0"
    return Fault("W-NOAMOUNT", words, "write Amount 0", field="Amount")


def _unchanged(row: _Row) -> Fault:
    words = "the row gives a Reason and no new value"
    mend = _NO_AMOUNT if row.named else f"{_NO_AMOUNT}; what a code does by itself is said under `codes:`"
    return Fault("W-NOCHANGE", words, mend, field="Amount")
