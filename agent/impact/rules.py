"""The rules of one feed's batches, put together from the dialect and the feed's settings.

`row_rules` is this room's door: it gives the columns to write, a rule per cell, and the rules for rows and
orders. All of them are pure; what they find are faults without a place, which the caller knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.impact import amounts, cells, currencies, reasons
from agent.impact.dialect import canonical, dialect
from agent.impact.judging import Judgement, judging
from agent.impact.layout import RefusedHeader, layout
from agent.impact.orders import clearing, judging_orders, keying
from agent.impact.personal import personal as private
from agent.model import Fault, Level

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from decimal import Decimal

    from agent.impact.cells import Check, Rule
    from agent.impact.dialect import Column, Kind
    from agent.impact.layout import Layout
    from agent.impact.orders import Clear, JudgeOrder, Key
    from agent.model import Change

__all__ = ["Judgement", "RefusedHeader", "RowRules", "canonical", "row_rules"]


@dataclass(frozen=True, slots=True)
class RowRules:
    """What a batch looks like and what its rows must obey.

    `columns` are pure rules, text → text as written or fault, in the order of `header`; their answers may be
    remembered. `key`, `judge` and `judge_order` take rows in the order of `header` whose cells those rules
    have passed; `key` also takes rows with bad cells.
    """

    level: Level
    header: tuple[str, ...]  # canonical spelling, in the order they are written
    order: tuple[int, ...]  # where each column stood in the header as given
    columns: tuple[Rule, ...]
    key: Key  # the order a row belongs to, "" where it cannot be told
    judge: Callable[[Sequence[str]], Judgement]  # one row: what it does, errors and warnings
    judge_order: JudgeOrder  # the distinct rows of one order, more than one: (index, fault) each
    clear: Clear  # rows with the same identifiers, by column: judge_order finds nothing, none repeats another


def row_rules(
    level: Level,
    header: Sequence[str],
    *,
    codes: Mapping[str, Change | None],
    currency: str,
    max_amount: Decimal,
    personal: Sequence[str] = (),
) -> RowRules:
    """Make the rules for batches of a level with this header (any spelling and order of the columns).

    `codes` are the account's own disposition codes with what they do (None: told by the amount), `currency`
    is the account's (ISO 4217, or empty), `max_amount` the largest amount let through, `personal` the columns
    (any spelling) that may hold personal values.

    Raises:
        RefusedHeader: the header, the codes or the currency cannot be used; it holds every fault.

    """
    found = _layout(level, header, [*reasons.bad_codes(codes), *_bad_currency(currency)])
    known = reasons.codes_of(level, codes)
    judge = judging(found, known, currency=currency)
    allowed = set(map(canonical, personal))
    checks = {name: () if name in allowed else (_private(name),) for name in found.header}
    readers = {
        name: _reader(dialect().columns[name], level, known, max_amount, checks[name])
        for name in found.header
    }
    return RowRules(
        level=level,
        header=found.header,
        order=found.order,
        columns=tuple(
            cells.cell(name, reader, required=name in found.required) for name, reader in readers.items()
        ),
        key=keying(found),
        judge=judge,
        judge_order=judging_orders(found, judge),
        clear=clearing(found),
    )


def _private(name: str) -> Check:
    return private(name, ids=dialect().columns[name].kind == "identifier")


def _layout(level: Level, header: Sequence[str], refused: Sequence[Fault]) -> Layout:
    """Lay the columns out; everything that is refused is told at once."""
    try:
        found = layout(level, header)
    except RefusedHeader as error:
        raise RefusedHeader((*error.faults, *refused)) from None
    if refused:
        raise RefusedHeader(tuple(refused))
    return found


def _reader(
    column: Column, level: Level, codes: reasons.Codes, max_amount: Decimal, checks: tuple[Check, ...]
) -> Rule:
    """Make the rule for a column's cells that are not empty; `checks` are those of personal values."""
    name, size = column.name, column.size
    mobile = level is Level.MOBILE and name == "ActionID"
    readers: dict[Kind, Callable[[], Rule]] = {
        "identifier": lambda: cells.identifier(
            name, size=size, prefix=dialect().mobile_prefix if mobile else "", private=checks
        ),
        "tracker": lambda: amounts.tracker(name, size=size),
        "amount": lambda: amounts.amount(name, limit=max_amount),
        "quantity": lambda: amounts.quantity(name, size=size),
        "currency": lambda: currencies.currency(name),
        "reason": lambda: reasons.reason(name, level, codes, size=dialect().code_size),
        "text": lambda: cells.plain_text(name, size=size, private=checks),
    }
    return readers[column.kind]()


def _bad_currency(currency: str) -> list[Fault]:
    if not currency or currencies.known(currency):
        return []
    fault = currencies.currency("currency")(currency)
    words, mend = (fault.words, fault.mend) if isinstance(fault, Fault) else ("", "")
    return [Fault("C-CUR", words, mend, cells.shown(currency))]
