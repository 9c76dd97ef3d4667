"""Rules for the rows of one order together: which order a row belongs to, and what its rows may not say."""

from __future__ import annotations

from itertools import compress
from operator import ne
from typing import TYPE_CHECKING

from agent.impact.dialect import dialect
from agent.model import Change, Fault, Level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from agent.impact.judging import Judge
    from agent.impact.layout import Layout

    Key = Callable[[Sequence[str]], str]
    Rows = Sequence[Sequence[str]]
    JudgeOrder = Callable[[Rows], tuple[tuple[int, Fault], ...]]
    Clear = Callable[[Sequence[Sequence[str]], int, int], bool]

__all__ = ["clearing", "judging_orders", "keying"]

_BETWEEN = "\x1f"  # stands in no sound identifier

_TWICE = Fault(
    "E-CONTRA",
    "another row of this file says something else about the same action",
    "keep the row that shall stand; impact.com would apply them in an order nobody knows",
)
_SAME = Fault(
    "W-ROWPAIR",
    "another row of this file says the same about the same action, with other identifiers",
    "send it once",
)
_OTHER_IDS = Fault(
    "E-CONTRA",
    "another row of this file has the same ActionID with another Oid or ActionTrackerID",
    "check which order the action belongs to",
    field="ActionID",
)
_APPROVED_TOO = Fault(
    "E-CONTRA",
    "this item is approved on one row and changed on another of this file",
    "send the approval when the change has been processed",
    field="SKU",
)
_PAIR = Fault(
    "W-ROWPAIR",
    "this SKU stands on more than one row of the order; impact.com allows it",
    "check that both rows are meant, such as one piece returned and one re-priced",
    field="SKU",
)


def keying(layout: Layout) -> Key:
    """Make the function that names a row's order: its ActionID, else tracker and Oid, else "".

    Blanks around an identifier do not count, so that a row refused for them still keeps its order back.
    """
    at = layout.at
    action, oid, tracker = at.get("ActionID"), at.get("Oid"), at.get("ActionTrackerID")
    if oid is None or tracker is None:
        if action is None:
            raise ValueError("the layout tells no action")
        return lambda cells: cells[action].strip()

    def by_pair(cells: Sequence[str]) -> str:
        order, number = cells[oid].strip(), cells[tracker].strip()
        return f"{number}{_BETWEEN}{order}" if order and number else ""

    if action is None:
        return by_pair
    return lambda cells: cells[action].strip() or by_pair(cells)


def judging_orders(layout: Layout, judge: Judge) -> JudgeOrder:
    """Make the function that judges the distinct rows of one order; it names rows by their index."""
    identifiers = tuple(
        layout.at[name] for name in ("ActionID", "Oid", "ActionTrackerID") if name in layout.at
    )
    others = identifiers[1:] if "ActionID" in layout.at else ()
    sku = layout.at.get("SKU") if layout.level is Level.ITEM else None
    most = dialect().modifications_per_action

    def judge_order(rows: Rows) -> tuple[tuple[int, Fault], ...]:
        if any(len({row[place] for row in rows} - {""}) > 1 for place in others):
            return tuple((index, _OTHER_IDS) for index in range(len(rows)))
        if sku is None:
            fault = _SAME if _all_same(rows, identifiers) else _TWICE
            return tuple((index, fault) for index in range(len(rows)))
        found = tuple(_repeated(rows, sku, judge))
        return found if len(rows) <= most else (*found, (0, _many(len(rows), most)))

    return judge_order


def clearing(layout: Layout) -> Clear:
    """Make the function that tells at a glance that rows of one order, which name it alike, need no judging.

    It is given columns, and from which to before which row; the rows are then distinct too. It may say no where
    `judge_order` finds nothing.
    """
    if layout.level is not Level.ITEM:
        return lambda _columns, begin, end: end - begin == 1
    sku, most = layout.at["SKU"], dialect().modifications_per_action
    return lambda columns, begin, end: len(set(columns[sku][begin:end])) == end - begin <= most


def _all_same(rows: Rows, identifiers: Sequence[int]) -> bool:
    """Tell whether rows differ in nothing but how they name the action."""
    return (
        len({tuple("" if place in identifiers else cell for place, cell in enumerate(row)) for row in rows})
        == 1
    )


def _repeated(rows: Rows, sku: int, judge: Judge) -> Iterator[tuple[int, Fault]]:
    """Find the rows whose SKU stands on another row too; an approval excludes other changes of its item."""
    skus = [row[sku] for row in rows]
    if len(set(skus)) == len(skus):
        return
    last = dict(zip(skus, range(len(skus)), strict=True))
    several = {*compress(skus, map(ne, map(last.__getitem__, skus), range(len(skus))))}
    found = [index for index, one in enumerate(skus) if one in several]
    approved = {skus[index] for index in found if judge(rows[index]).change is Change.APPROVAL}
    for index in found:
        yield index, _APPROVED_TOO if skus[index] in approved else _PAIR


def _many(rows: int, most: int) -> Fault:
    words = f"{rows} rows change one action; impact.com takes at most {most} modifications per action"
    return Fault("W-MANYMODS", words, "ask impact.com's support before sending more")
