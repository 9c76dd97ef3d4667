"""The lines of a draft's template that say what is left of an order or item; where the file does not tell, they ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.model import Level
from agent.starting.columns import is_of_orders
from agent.starting.planning import REFUND
from agent.starting.rows import batch_row, reason_cell
from agent.starting.tables import UNKNOWN, is_of_before, is_of_piece
from agent.starting.writing import cell, figure, money, quoted, shown, template_remark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.starting.planning import Plan
    from agent.starting.texts import Column

_MIND = "impact.com wants what is left after the change, of the same kind as was reported at the sale"
_ALL = '{% set amount = "0" %}  takes all of it back'
_ASK = (
    f"what is the new amount? {_MIND}, and the file does not say which it has. Write one of these; where it only has "
    "what was given back, no line is right: take an export that has the whole amount, too"
)


def refunded(plan: Plan) -> Iterator[str]:
    """Set what was given back, without its sign."""
    column = plan.column("refunded")
    if column is not None:
        signs = any(text.startswith(("-", "(")) or text.endswith("-") for text in column.counts)
        minus = " | abs" if signs else ""
        yield f"{{% set refunded = {figure(column, blank='0')}{minus} %}}"


def difference(plan: Plan) -> Iterator[str]:
    """Take what was given back from the whole."""
    total = plan.column("total")
    back = plan.column("refunded")
    if total is None or back is None:
        return
    yield from template_remark(
        f"the new amount is “{shown(total.name)}” less “{shown(back.name)}”. {_MIND}: with or without shipping and "
        "tax. Use columns that are of that kind"
    )
    yield f"{{% set amount = ({figure(total)} - refunded).normalize() %}}"
    yield from batch_row(plan, "{{ amount }}", "", reason_cell(plan, quoted(REFUND)), currency="amount")


def left(plan: Plan) -> Iterator[str]:
    """Send the column that says what is left."""
    column = plan.column("left")
    if column is None:
        return
    yield from template_remark(f"is “{shown(column.name)}” what is left, not what was given back? {_MIND}")
    before, quantity = _quantity(plan)
    amount = f"{{{{ {money(column)} }}}}"
    yield from batch_row(plan, amount, quantity, reason_cell(plan, "status"), before=before)


def taken_back(plan: Plan) -> Iterator[str]:
    """Take all of it back."""
    yield from batch_row(plan, "0", "0", reason_cell(plan, "status"))


def asked(plan: Plan) -> Iterator[str]:
    """Leave the amount open: nothing in the file says whether it is what is left or what was given back."""
    before = [*template_remark(_ASK, *_choices(plan)), f'{{% set amount = "{UNKNOWN}" %}}']
    more, quantity = _quantity(plan)
    reason = reason_cell(plan, "status" if plan.by_status else "")
    yield from batch_row(plan, "{{ amount }}", quantity, reason, before=[*before, *more])


def _choices(plan: Plan) -> Iterator[str]:
    amount, total, back = plan.column("amount"), plan.column("total"), plan.column("refunded")
    pieces = plan.column("quantity_left") or (plan.column("quantity") if plan.level is Level.ITEM else None)
    yield _ALL
    column = amount or (total if total and not is_of_before(total.name) else None)
    if column is not None and not (
        plan.level is Level.ITEM and (is_of_orders(column) or _counted(plan, column))
    ):
        yield f"{{% set amount = {money(column)} %}}  where “{shown(column.name)}” is what is left"
    if amount is not None and pieces is not None:
        what = f"({figure(amount)} * ({cell(pieces)} | quantity | int)).normalize()"
        words = f"where “{shown(amount.name)}” is the price of one piece, and “{shown(pieces.name)}” are left"
        yield f"{{% set amount = {what} %}}  {words}"
    if total is not None and back is not None:
        of = "of one item" if plan.level is Level.ITEM else "of one order"
        yield f"{{% set amount = ({figure(total)} - {figure(back)}).normalize() %}}  where these are {of}"


def _counted(plan: Plan, column: Column) -> bool:
    """Whether an amount is that of one piece, of which the file tells how many there are."""
    return is_of_piece(column.name) and not {"quantity", "quantity_left"}.isdisjoint(plan.picks)


def _quantity(plan: Plan) -> tuple[list[str], str]:
    """Say how many pieces are left: lines to work it out, and the cell."""
    if plan.level is not Level.ITEM:
        return [], ""
    kept = plan.column("quantity_left")
    if kept is not None:
        return [], f"{{{{ {cell(kept)} | quantity }}}}"
    examples = ['{% set quantity = "0" %}  takes all pieces back']
    bought, back = plan.column("quantity"), plan.column("quantity_back")
    if bought is not None and back is not None:
        what = f"{cell(bought)} | quantity | int - ({cell(back)} | quantity | int)"
        examples.append(f"{{% set quantity = {what} %}}  bought less given back")
    elif bought is not None and not is_of_before(bought.name):
        words = f"where “{shown(bought.name)}” is what is left"
        examples.append(f"{{% set quantity = {cell(bought)} | quantity %}}  {words}")
    remark = template_remark("how many pieces are left? Write one of", *examples)
    return [*remark, f'{{% set quantity = "{UNKNOWN}" %}}'], "{{ quantity }}"
