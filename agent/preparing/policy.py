"""What follows for a file when some of its orders are bad: the feed's policy, in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.model import Counts
    from agent.settings.models import BadRows


def judged(counts: Counts, policy: BadRows, *, entangled: bool) -> tuple[str, str]:
    """Give the verdict on a file ("ready", "hold", "refused" or "nothing") and its reason.

    `entangled`: orders with mistakes could not be parted from good ones.
    """
    if entangled:
        return "refused", "orders with mistakes share records with others and cannot be parted"
    if not counts.bad_orders:
        return ("ready", "") if counts.rows else ("nothing", "there is nothing to send")
    has, is_ = ("has", "is") if counts.bad_orders == 1 else ("have", "are")
    said = f"{counts.bad_orders:,} of {counts.orders:,} orders {has} mistakes"
    if refused := _refused(counts, policy):
        return "refused", f"{said}{refused}"
    if policy.policy == "hold":
        return "hold", f"{said}; a person decides whether the rest goes out"
    return "ready", f"{said} and {is_} kept back"


def _refused(counts: Counts, policy: BadRows) -> str:
    if not counts.rows:
        return ": nothing is left to send"
    if policy.policy == "refuse-file":
        return ", and this feed sends a file only when it is whole"
    if policy.policy == "split" and counts.bad_orders / counts.orders > policy.at_most:
        return f", more than the {policy.at_most:.0%} this feed allows; nothing was sent"
    return ""
