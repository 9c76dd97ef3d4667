"""The lines of a draft's template that are rows of the batch, each cell in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.model import Level
from agent.starting.planning import NO_REASON
from agent.starting.tables import UNKNOWN
from agent.starting.writing import cell, quoted, template_remark

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agent.starting.planning import Plan

_FOR_ALL = "no column says why; OTHER stands for all rows, or write another code"


def header(plan: Plan) -> list[str]:
    """Name the batch's columns."""
    ids = ["ActionID"] if plan.column("action_id") else ["Oid", "ActionTrackerID"]
    if plan.level is Level.MOBILE:
        return ["ActionID", "Amount", "Reason"]
    if plan.level is Level.RESET:
        return ["Oid", "ActionTrackerID", "Reason"]
    if plan.level is Level.ITEM:
        return [*ids, "SKU", "Amount", "Quantity", "Reason"]
    return [*ids, "Amount", *(["currencyCode"] if plan.names_currency else []), "Reason"]


def batch_row(
    plan: Plan, amount: str, quantity: str, reason: str, *, before: Iterable[str] = (), currency: str = ""
) -> Iterator[str]:
    """Write the line of a batch row, inside a loop over the items where a record holds several.

    `before` are lines that work out what stands in it, of each item anew; `currency` is a condition under which it
    names its currency.
    """
    cells = {"Amount": amount, "Quantity": quantity, "Reason": reason, **_identity(plan)}
    if plan.column("currency") and amount != "0":
        cells["currencyCode"] = _currency(plan, currency)
    if reason == "OTHER":
        yield from template_remark(_FOR_ALL)
    yield from _of_items(plan, [*before, ",".join(cells.get(name, "") for name in header(plan))])


def refused_row(plan: Plan, words: str, mend: str) -> Iterator[str]:
    """Write the line of a row that is never sent: words and mend are told of the record."""
    amount = f"{{{{ status | refuse({quoted(words)}, {quoted(mend)}) }}}}"
    cells = {"Amount": amount, "Reason": "OTHER", **_identity(plan)}
    yield from _of_items(plan, [",".join(cells.get(name, "") for name in header(plan))])


def reason_cell(plan: Plan, otherwise: str) -> str:
    """Write the cell of the reason: the file's own word, or what else tells it."""
    column = plan.column("reason")
    if column is not None:
        words = f"({cell(column)} or {quoted(NO_REASON)})" if column.blanks else cell(column)
        return f"{{{{ {words} | reason }}}}"
    if not otherwise or (otherwise == "status" and plan.statuses is None):
        return "OTHER"
    return f"{{{{ {otherwise} | reason }}}}"


def _of_items(plan: Plan, lines: Iterable[str]) -> Iterator[str]:
    if not plan.items:
        yield from lines
        return
    identity = _identity(plan)
    refused = f'{{{{ row[{quoted(plan.items)}] | length | refuse("the record has no items") }}}}'
    none = {**identity, "SKU": "", "Amount": refused, "Reason": "OTHER"}
    yield f"{{% for item in row[{quoted(plan.items)}] %}}"
    yield from lines
    yield "{% else %}"
    yield ",".join(none.get(name, "") for name in header(plan))
    yield "{% endfor %}"


def _currency(plan: Plan, condition: str) -> str:
    code = plan.column("currency")
    if code is None:
        return ""
    upper = "" if all(text == text.upper() for text in code.counts) else " | upper"
    where = f' if {condition} else ""' if condition else ""
    return f"{{{{ {cell(code)}{upper}{where} }}}}"


def _identity(plan: Plan) -> dict[str, str]:
    order, sku, action = plan.column("order"), plan.column("sku"), plan.column("action_id")
    tracker = plan.column("tracker")
    cut = ".removeprefix(feed.order_prefix)" if plan.order_prefix else ""
    return {
        "ActionID": f"{{{{ {cell(action)} | order_id }}}}" if action else UNKNOWN,
        "Oid": f"{{{{ {cell(order)}{cut} | order_id }}}}" if order else UNKNOWN,
        "ActionTrackerID": f"{{{{ {cell(tracker)} }}}}" if tracker else "{{ feed.action_tracker_id }}",
        "SKU": f"{{{{ {cell(sku)} | order_id }}}}" if sku else UNKNOWN,
    }
