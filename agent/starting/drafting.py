"""The template of a first feed: the batch as it will look, with each place that wants a look marked by CHECK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.model import Level
from agent.starting import amounts
from agent.starting.rows import batch_row, header, refused_row
from agent.starting.tables import UNKNOWN
from agent.starting.writing import cell, choice, listed, quoted, shown, template_remark, told

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agent.starting.planning import Plan
    from agent.starting.texts import Column

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
# kinds of a status whose records are sent, by where the amount comes from
_WHOLE = {
    "difference": ("cancelled",),
    "zero": ("cancelled", "refunded"),
    "left": ("cancelled", "refunded", "partly"),
    "open": ("cancelled", "refunded", "partly"),
}
_PARTLY = (
    "something was taken back, and what is left is not in the file",
    "change it at impact.com by hand, or take an export that tells it",
)
_STATUS = ("the template does not know this status", "say in the template what it means")


def template_text(plan: Plan, sample: str) -> str:
    """Write the template; `sample` is the name of the file it was made from."""
    return "\n".join((*_opening(plan, sample), ",".join(header(plan)), *_loop(plan), ""))


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
            what = "what each record is" if use == "status" and plan.refunds else _USES[use]
            words = f"is “{shown(pick.column.name)}” {what}, such as {listed(pick.column.counts, 3)}{others}"
            yield from template_remark(words if others else f"{words}?")
    if "order" not in plan.picks and "action_id" not in plan.picks:
        yield from template_remark(
            f"no column seems to hold the order's number; put it in place of {UNKNOWN}"
        )
    if plan.level is Level.ITEM and "sku" not in plan.picks:
        yield from template_remark(
            f"no column seems to hold the article's number; put it in place of {UNKNOWN}"
        )
    yield from _hundredths(plan)
    if "order" in used and (prefix := plan.order_prefix):
        words = f"{quoted(shown(prefix))} is taken from the front of the order's number; does impact.com have it so?"
        yield from template_remark(words)


def _hundredths(plan: Plan) -> Iterator[str]:
    """Say where whole figures are, or may be, hundredths."""
    uses = {"left": ("left",), "difference": ("refunded", "total"), "open": ("amount", "total")}
    for column in map(plan.column, uses.get(plan.amount, ())):
        if column is None:
            continue
        name = f"the figures of “{shown(column.name)}”"
        if column.is_minor:
            yield from template_remark(f"{name} are taken for hundredths: 1234 is 12.34")
        elif column.may_be_minor:
            words = f"{name} have no decimals. Where they are hundredths, and 1234 is 12.34, write"
            yield from template_remark(words, f"{cell(column)} | amount | float / 100")


def _used(plan: Plan) -> frozenset[str]:
    by_amount = {"left": ("left",), "difference": ("refunded", "total"), "zero": (), "open": ()}[plan.amount]
    ids = ("action_id",) if "action_id" in plan.picks else ("order", "tracker")
    pieces = ("sku", "quantity_left") if plan.level is Level.ITEM else ()
    return frozenset(
        (*ids, *by_amount, *pieces, "reason", "status", *(["currency"] if plan.names_currency else []))
    )


def _body(plan: Plan) -> Iterator[str]:
    if plan.level is Level.RESET:
        yield from batch_row(plan, "", "", "RESET")
    elif plan.statuses is not None:
        yield from _by_status(plan)
    elif plan.amount == "difference":
        yield from amounts.refunded(plan)
        yield "{% if refunded != 0 %}"
        yield from amounts.difference(plan)
        yield "{% endif %}"
    else:
        yield from _sent(plan)


def _sent(plan: Plan) -> Iterator[str]:
    ways = {"left": amounts.left, "open": amounts.asked}
    yield from ways.get(plan.amount, amounts.taken_back)(plan)


def _by_status(plan: Plan) -> Iterator[str]:
    statuses, column = plan.statuses or {}, plan.column("status")
    if column is None:
        return
    yield f"{{% set status = {cell(column)} | lower | trim %}}"
    if plan.amount == "difference":
        yield from amounts.refunded(plan)
    seen = ", ".join(f"{shown(text)} ({count})" for text, count in column.counts.most_common(12))
    yield from template_remark(f"which {_whole_words(plan)}? The sample has {seen}")
    whole = [word for kind in _WHOLE[plan.amount] for word in statuses.get(kind, ())]
    yield f"{{% if status in {choice(whole or [UNKNOWN])} %}}"
    yield from _sent(plan)
    if plan.amount == "difference":
        yield "{% elif refunded != 0 %}"
        yield from amounts.difference(plan)
    elif plan.amount == "zero":
        yield from _partly(plan, statuses.get("partly", ()))
    yield from _others(plan, statuses, column)
    yield "{% endif %}"


def _partly(plan: Plan, words: Sequence[str]) -> Iterator[str]:
    """Name the records of which something was taken back, nobody knows how much is left: by status, or otherwise."""
    if words:
        yield from template_remark(
            "what is left of these is not in the file, so they are named, not sent. To pass over them, move them to "
            "the last list"
        )
        yield f"{{% elif status in {choice(words)} %}}"
        yield from refused_row(plan, *_PARTLY)
    if plan.telling is not None:
        yield from template_remark(
            f"“{shown(plan.telling.within or plan.telling.name)}” tells that something was given back, whatever the "
            "status; what is left is not in the file, so these are named, not sent. To pass over them, take this out"
        )
        yield f"{{% elif {told(plan.telling)} %}}"
        yield from refused_row(plan, *_PARTLY)


def _others(plan: Plan, statuses: Mapping[str, Sequence[str]], column: Column) -> Iterator[str]:
    """Name the records with a status that nobody has said anything about."""
    unknown = statuses.get("unknown", ())
    if unknown:
        above = "the list above where it is taken back"
        if plan.column("reason") is None and plan.amount != "open":
            above += " (and under `reasons:` in the feed)"
        yield from template_remark(
            f"what does each of these mean: {listed(unknown)}? Put it into {above}, into the one below where nothing "
            "is to be sent"
        )
    standing = [
        *statuses.get("standing", ()),
        *([""] if column.blanks and not plan.fill_down and plan.only is None else []),
    ]
    yield f"{{% elif status not in {choice(standing or [UNKNOWN])} %}}"
    yield from refused_row(plan, *_STATUS)


def _whole_words(plan: Plan) -> str:
    if plan.level is not Level.ITEM:
        return f"orders are {'sent' if plan.amount in ('left', 'open') else 'taken back as a whole'}"
    if plan.amount != "zero":
        return "items are sent"
    return "items are taken back as a whole (0 takes all pieces; where some may stay, the file must tell how many)"
