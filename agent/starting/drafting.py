"""The template of a first feed: the batch as it will look, with each place that wants a look marked by CHECK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.model import Level
from agent.starting.planning import NO_REASON, REFUND
from agent.starting.tables import UNKNOWN
from agent.starting.writing import cell, listed, quoted, shown, template_remark

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agent.starting.planning import Plan

_USES = {
    "action_id": "impact.com's id of the action",
    "order": "the order's number",
    "sku": "the article's number",
    "quantity": "the number of pieces",
    "quantity_left": "the number of pieces that is left",
    "left": "the amount that is left",
    "refunded": "the amount given back",
    "total": "the amount of the whole order",
    "reason": "why it was taken back",
    "status": "how the order stands",
    "currency": "the currency",
    "tracker": "the number of the event type",
}
_MIND = "impact.com wants what is left after the change, of the same kind as was reported at the sale"


def template_text(plan: Plan, sample: str) -> str:
    """Write the template; `sample` is the name of the file it was made from."""
    return "\n".join((*_opening(plan, sample), ",".join(_header(plan)), *_loop(plan), "")) + ""


def _header(plan: Plan) -> list[str]:
    ids = ["ActionID"] if plan.column("action_id") else ["Oid", "ActionTrackerID"]
    if plan.level is Level.MOBILE:
        return ["ActionID", "Amount", "Reason"]
    if plan.level is Level.RESET:
        return ["Oid", "ActionTrackerID", "Reason"]
    if plan.level is Level.ITEM:
        return [*ids, "SKU", "Amount", "Quantity", "Reason"]
    return [*ids, "Amount", *(["currencyCode"] if plan.names_currency else []), "Reason"]


def _opening(plan: Plan, sample: str) -> Iterator[str]:
    made = {Level.ITEM: "items", Level.ORDER: "orders", Level.MOBILE: "mobile actions", Level.RESET: "resets"}
    yield "{#-"
    yield f"  A first draft, made from {shown(sample)}: rows that change {made[plan.level]}."
    yield f"  Look at each place marked with {UNKNOWN}, mend it, and take the remark out."
    yield "-#}"


def _loop(plan: Plan) -> Iterator[str]:
    yield f"{{% for row in rows if {cell(plan.only)} %}}" if plan.only else "{% for row in rows %}"
    yield from _doubts(plan)
    yield from _body(plan)
    yield "{% endfor %}"


def _doubts(plan: Plan) -> Iterator[str]:
    """Say of which columns it is not sure that they are the right ones, and which are not there."""
    used = _used(plan)
    for use, pick in plan.picks.items():
        if use in used and not pick.sure:
            others = f"; or is it {listed(pick.others)}?" if pick.others else ""
            words = f"is “{shown(pick.column.name)}” {_USES[use]}, such as {listed(pick.column.counts, 3)}{others}"
            yield from template_remark(words if others else f"{words}?")
    if "order" not in plan.picks and "action_id" not in plan.picks:
        yield from template_remark(
            f"no column seems to hold the order's number; put it in place of {UNKNOWN}"
        )
    if plan.level is Level.ITEM and "sku" not in plan.picks:
        yield from template_remark(
            f"no column seems to hold the article's number; put it in place of {UNKNOWN}"
        )
    if "order" in used and (prefix := plan.order_prefix):
        words = f"{quoted(shown(prefix))} is taken from the front of the order's number; does impact.com have it so?"
        yield from template_remark(words)


def _used(plan: Plan) -> frozenset[str]:
    by_amount = {"left": ("left",), "difference": ("refunded", "total"), "zero": (), "open": ()}[plan.amount]
    ids = ("action_id",) if "action_id" in plan.picks else ("order", "tracker")
    pieces = ("sku", "quantity_left") if plan.level is Level.ITEM else ()
    return frozenset(
        (*ids, *by_amount, *pieces, "reason", "status", *(["currency"] if plan.names_currency else []))
    )


def _body(plan: Plan) -> Iterator[str]:
    if plan.level is Level.RESET:
        yield from _rows(plan, "", "", "RESET")
    elif plan.statuses is not None:
        yield from _by_status(plan)
    elif plan.amount == "difference":
        yield from _refunded(plan)
        yield "{% if refunded != 0 %}"
        yield from _difference(plan)
        yield "{% endif %}"
    elif plan.amount == "left":
        yield from _left(plan)
    else:
        yield from _open(plan)


def _by_status(plan: Plan) -> Iterator[str]:
    statuses, column = plan.statuses or {}, plan.column("status")
    if column is None:
        return
    whole = [
        *statuses.get("cancelled", ()),
        *(() if plan.amount == "difference" else statuses.get("refunded", ())),
    ]
    whole += statuses.get("partly", ()) if plan.amount == "left" else ()
    yield f"{{% set status = {cell(column)} | lower | trim %}}"
    if plan.amount == "difference":
        yield from _refunded(plan)
    seen = ", ".join(f"{shown(text)} ({count})" for text, count in column.counts.most_common(12))
    yield from template_remark(f"which {_whole_words(plan)}? The sample has {seen}")
    yield f"{{% if status in {_tuple(whole or [UNKNOWN])} %}}"
    yield from {"left": _left, "open": _open}.get(plan.amount, _taken_back)(plan)
    if plan.amount == "difference":
        yield "{% elif refunded != 0 %}"
        yield from _difference(plan)
    elif plan.amount == "zero" and statuses.get("partly"):
        yield from template_remark(
            "what is left of these is not in the file, so they are named, not sent. To pass over them, move them to "
            "the last list"
        )
        yield f"{{% elif status in {_tuple(statuses['partly'])} %}}"
        yield from _rows(plan, "partly taken back - what is left is not known", "", "OTHER")
    unknown = statuses.get("unknown", ())
    if unknown:
        yield from template_remark(
            f"what does each of these mean: {listed(unknown)}? Put it into the list above where it is taken back, into "
            "the one below where nothing is to be sent"
        )
    standing = [
        *statuses.get("standing", ()),
        *([""] if column.blanks and not plan.fill_down and plan.only is None else []),
    ]
    yield f"{{% elif status not in {_tuple(standing or [UNKNOWN])} %}}"
    yield from _rows(plan, "unknown status", "", "OTHER")
    yield "{% endif %}"


def _whole_words(plan: Plan) -> str:
    if plan.level is not Level.ITEM:
        return f"orders are {'sent' if plan.amount in ('left', 'open') else 'taken back as a whole'}"
    if plan.amount != "zero":
        return "items are sent"
    return "items are taken back as a whole (0 takes all pieces; where some may stay, the file must tell how many)"


def _tuple(texts: Iterable[str]) -> str:
    every = [quoted(text) for text in dict.fromkeys(texts)]
    return f"({', '.join(every)}{',' if len(every) == 1 else ''})"


def _refunded(plan: Plan) -> Iterator[str]:
    column = plan.column("refunded")
    if column is not None:
        minus = " | abs" if any(text.startswith(("-", "(")) for text in column.counts) else ""
        yield f'{{% set refunded = ({cell(column)} | amount or "0") | float{minus} %}}'


def _difference(plan: Plan) -> Iterator[str]:
    total, refunded = plan.column("total"), plan.column("refunded")
    if total is None or refunded is None:
        return
    words = (
        f"the new amount is “{shown(total.name)}” less “{shown(refunded.name)}”. {_MIND}: with or without shipping "
        "and tax. Use columns that are of that kind"
    )
    yield from template_remark(words)
    yield f"{{% set amount = ({cell(total)} | amount | float - refunded).normalize() %}}"
    yield from _rows(plan, "{{ amount }}", "", _reason(plan, quoted(REFUND)))


def _left(plan: Plan) -> Iterator[str]:
    left, pieces = plan.column("left"), plan.column("quantity_left")
    if left is None:
        return
    yield from template_remark(f"is “{shown(left.name)}” what is left, not what was given back? {_MIND}")
    quantity = ""
    if plan.level is Level.ITEM and pieces is not None:
        quantity = f"{{{{ {cell(pieces)} | quantity }}}}"
    elif plan.level is Level.ITEM:
        yield from _asked_quantity(plan)
        quantity = "{{ quantity }}"
    yield from _rows(plan, f"{{{{ {cell(left)} | amount }}}}", quantity, _reason(plan, "status"))


def _taken_back(plan: Plan) -> Iterator[str]:
    yield from _rows(plan, "0", "0", _reason(plan, "status"), currency=False)


def _open(plan: Plan) -> Iterator[str]:
    """Leave the amount open: nothing in the file says whether it is what is left or what was given back."""
    column = plan.column("amount") or plan.column("refunded") or plan.column("total")
    examples = ['{% set amount = "0" %}  takes all of it back']
    if column is not None:
        examples.append(
            f"{{% set amount = {cell(column)} | amount %}}  where “{shown(column.name)}” is what is left"
        )
    total, refunded = plan.column("total"), plan.column("refunded")
    if total and refunded:
        what = f"{cell(total)} | amount | float - ({cell(refunded)} | amount | float)"
        examples.append(f"{{% set amount = ({what}).normalize() %}}  where these are of one item")
    words = f"what is the new amount? {_MIND}, and the file does not say which it has. Write one of"
    yield from template_remark(words, *examples)
    yield f'{{% set amount = "{UNKNOWN}" %}}'
    if plan.level is Level.ITEM:
        yield from _asked_quantity(plan)
    yield from _rows(plan, "{{ amount }}", "{{ quantity }}", _reason(plan, ""))


def _asked_quantity(plan: Plan) -> Iterator[str]:
    examples = ['{% set quantity = "0" %}  takes all pieces back']
    bought, back = plan.column("quantity"), plan.column("quantity_back")
    if bought is not None and back is not None:
        what = f"{cell(bought)} | quantity | int - ({cell(back)} | quantity | int)"
        examples.append(f"{{% set quantity = {what} %}}  bought less given back")
    elif bought is not None:
        words = f"where “{shown(bought.name)}” is what is left"
        examples.append(f"{{% set quantity = {cell(bought)} | quantity %}}  {words}")
    yield from template_remark("how many pieces are left? Write one of", *examples)
    yield f'{{% set quantity = "{UNKNOWN}" %}}'


def _reason(plan: Plan, otherwise: str) -> str:
    """Write the cell of the reason: the file's own word, or what else tells it."""
    column = plan.column("reason")
    if column is not None:
        words = f"({cell(column)} or {quoted(NO_REASON)})" if column.blanks else cell(column)
        return f"{{{{ {words} | reason }}}}"
    if not otherwise or (otherwise == "status" and plan.statuses is None):
        return "OTHER"
    return f"{{{{ {otherwise} | reason }}}}"


def _rows(plan: Plan, amount: str, quantity: str, reason: str, *, currency: bool = True) -> Iterator[str]:
    """Write the line of a batch row, inside a loop over the items where a record holds several."""
    cells = {"Amount": amount, "Quantity": quantity, "Reason": reason, **_identity(plan)}
    code = plan.column("currency")
    if code is not None and currency:
        upper = "" if all(text == text.upper() for text in code.counts) else " | upper"
        cells["currencyCode"] = f"{{{{ {cell(code)}{upper} }}}}"
    line = ",".join(cells.get(name, "") for name in _header(plan))
    if reason == "OTHER" and "unknown" not in amount and "partly" not in amount:
        yield from template_remark("no column says why; OTHER stands for all rows, or write another code")
    if plan.items:
        yield f"{{% for item in row[{quoted(plan.items)}] %}}"
    yield line
    if plan.items:
        named = {**_identity(plan), "SKU": "", "Amount": "the record has no items", "Reason": "OTHER"}
        yield "{% else %}"
        yield ",".join(named.get(name, "") for name in _header(plan))
        yield "{% endfor %}"


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
