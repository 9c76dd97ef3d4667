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


class Related(NamedTuple):
    """A relation, with the earlier batch that shows it and the first row concerned."""

    relation: Relation
    precedent: Precedent | None = None
    row: int = 0


_NEW = Related(Relation.NEW)


def related(said: bytes, precedents: Sequence[Precedent]) -> Related:
    """Tell how the rows of an order, as `Marks.said` gives them, stand to earlier batches, the oldest first."""
    told = [(one, merged(one.said)) for one in _since_reset(precedents)]
    found = {item: _of_item(item, value, told) for item, value in merged(said).items()}
    kinds = {one.relation for one in found.values()}
    alike, older = len(kinds) == 1, Relation.OLDER in kinds
    relation = kinds.pop() if alike else Relation.OLDER if older else Relation.OTHER
    if relation is Relation.NEW:
        return _NEW
    shown = relation if relation is Relation.OLDER else None
    for row, (item, _) in enumerate(parts(said)):
        if found[item].relation is shown or (shown is None and found[item].relation is not Relation.NEW):
            return found[item]._replace(relation=relation, row=row)
    return _NEW


def _since_reset(precedents: Sequence[Precedent]) -> Sequence[Precedent]:
    """Leave out what a later reset has taken back, or will have before anything else is sent."""
    resets = [place for place, one in enumerate(precedents) if _surely_resets(one)]
    return precedents[resets[-1] :] if resets else precedents


def _surely_resets(one: Precedent) -> bool:
    return one.level == Level.RESET and one.standing in {Standing.ARRIVED, Standing.COMING}


def _of_item(item: bytes, value: bytes, told: Sequence[tuple[Precedent, dict[bytes, bytes]]]) -> Related:
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
    return Related(Relation.OLDER if len(others) < len(concerned) else Relation.OTHER, last)
