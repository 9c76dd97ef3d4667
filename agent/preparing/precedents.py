"""How what a file says of an order stands to what earlier batches said of it. Pure.

A correction tells what is left of an order, not what changes; so the last one sent counts, and to send an older one
again would put back what was corrected since.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from agent.model import Level, Standing
from agent.preparing.marks import WHOLE, merged, parts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.model import Precedent


class Relation(Enum):
    """What an order's rows are beside the earlier ones."""

    NEW = "no earlier batch names the order, or none names its items"
    SAME = "the last batches that name its items have arrived, and say the same"
    OTHER = "they say something else, or it is not certain that they took effect"
    OLDER = "an earlier batch said the same of an item, and a later one something else"
    LATE = "a file that came later has said something else of an item"


class Related(NamedTuple):
    """A relation, with the earlier batch that shows it and the first row concerned."""

    relation: Relation
    precedent: Precedent | None = None
    row: int = 0


_NEW = Related(Relation.NEW)


def related(said: bytes, precedents: Sequence[Precedent], came: float) -> Related:
    """Tell how the rows of an order stand to earlier batches, the oldest first.

    Args:
        said: the marks of the rows, see `marks`.
        precedents: what the batches say of the order.
        came: when the file came that the rows are in.
    """
    told = [(one, merged(one.said)) for one in _since_reset(precedents)]
    found = {item: _of_item(item, value, told, came) for item, value in merged(said).items()}
    kinds = {one.relation for one in found.values()}
    older = next((one for one in (Relation.OLDER, Relation.LATE) if one in kinds), None)
    relation = older or (kinds.pop() if len(kinds) == 1 else Relation.OTHER)
    if relation is Relation.NEW:
        return _NEW
    for row, (item, _) in enumerate(parts(said)):
        if found[item].relation is older or (older is None and found[item].relation is not Relation.NEW):
            return found[item]._replace(relation=relation, row=row)
    return _NEW


def _since_reset(precedents: Sequence[Precedent]) -> Sequence[Precedent]:
    """Leave out what a later reset has taken back, or will have before anything else is sent."""
    resets = [place for place, one in enumerate(precedents) if _surely_resets(one)]
    return precedents[resets[-1] :] if resets else precedents


def _surely_resets(one: Precedent) -> bool:
    return one.level == Level.RESET and one.standing in {Standing.ARRIVED, Standing.COMING}


def _of_item(
    item: bytes, value: bytes, told: Sequence[tuple[Precedent, dict[bytes, bytes]]], came: float
) -> Related:
    concerned = [(one, said) for one, said in told if item == WHOLE or item in said or WHOLE in said]
    if not concerned:
        return _NEW
    last, said = concerned[-1]
    others = [one for one, before in concerned if before.get(item) != value]
    if said.get(item) == value:
        sure = last.standing is Standing.ARRIVED and all(
            one.standing is not Standing.WAITING for one in others
        )
        return Related(Relation.SAME if sure else Relation.OTHER, last)
    if len(others) < len(concerned):
        return Related(Relation.OLDER, last)
    later = next((one for one in reversed(others) if one.came > came), None)
    return Related(Relation.LATE, later) if later else Related(Relation.OTHER, last)
