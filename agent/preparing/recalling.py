"""Between the two looks: what was sent of the same orders before is asked for, and what follows from it is noted.

A correction tells what is left of an order, so to send the last one again changes nothing, and to send an older one
puts back what was corrected since. The first is left out, the second is kept back; the feed may say otherwise.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from agent.model import Fault
from agent.preparing.precedents import Relation, related
from agent.preparing.remembered import answered, question
from agent.preparing.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from agent.preparing.claims import Claim
    from agent.preparing.precedents import Related
    from agent.preparing.remembered import Ask
    from agent.preparing.runs import FirstLook

SENT_ALREADY = Fault(
    "N-RESENT", "was sent before with the same values, and nothing else since; it is not sent again"
)
_OLDER = Fault(
    "E-RESENT",
    "was sent before, and the order was corrected since: it would put the older value back",
    "take it out; if the older value is right after all, drop these records and release the file",
)
_LATE = Fault(
    "E-RESENT",
    "a file that came later has sent something else for its order: it would put an older value back",
    "take it out; if the older value is right after all, drop these records and release the file",
)
_REFUSED = Fault(
    "E-RESENT",
    "its order was sent before, and this feed refuses such orders",
    "take it out; if it is to be sent again, drop these records and release the file",
)
_AGAIN = Fault(
    "W-RESENT",
    "its order was sent before; what it says now takes the place of that",
    "see whether this is meant",
)


def recall(look: FirstLook, folder: Path, policy: str, ask: Ask, came: float) -> None:
    """Ask what was sent of the orders of a file, and mark those that are not to be sent.

    Args:
        look: the first look, finished.
        folder: the scratch folder.
        policy: the feed's `sent_before`.
        ask: tells what was sent of the orders in a question.
        came: when the file came.
    """
    claims = look.scratch.claims
    asked = folder / "marks"
    told = ask(asked) if question(claims, asked) else None
    if told is None:
        return
    claims.index()
    for mark, precedents in answered(told):
        if found := claims.of(mark):
            _judge(look, found, related(b"".join(claim.said for claim in found), precedents, came), policy)


def _judge(look: FirstLook, order: Sequence[Claim], found: Related, policy: str) -> None:
    if found.precedent is None:
        return
    scratch, key = look.scratch, order[0].key
    day = datetime.fromtimestamp(found.precedent.at, UTC).date()
    before = f"submission {found.precedent.submission} of {day}"
    if policy == "leave-out" and found.relation is Relation.SAME:
        scratch.claims.spare(key, before)
        return
    fault = _fault(found, policy)
    origins = _origins(order, found.row)
    scratch.findings.add(replace(fault, found=before), origins)
    if fault.code == "E-RESENT":
        scratch.blame(key, origins[0][0])


def _fault(found: Related, policy: str) -> Fault:
    if policy == "refuse":
        return _REFUSED
    kept_back = {Relation.OLDER: _OLDER, Relation.LATE: _LATE} if policy == "leave-out" else {}
    return kept_back.get(found.relation, _AGAIN)


def _origins(order: Sequence[Claim], row: int) -> tuple[tuple[int, int], ...]:
    """Tell which records a row of an order came from."""
    for claim in order:
        if row < claim.rows:
            rows = Rows()
            rows.take_origins(claim.number, claim.line, claim.rows, claim.origins)
            return rows.origins_of(row)
        row -= claim.rows
    raise IndexError("the order has fewer rows")
