"""What a first feed should do with the rows of a sample: which are sent, with which new amount, for which reason.

The one rule: impact.com takes what is left after the change, and only a person knows whether a column says that. Where
a column's name says it, or two columns give it, the draft works it out; where a status says that all was taken back it
is 0; in all other cases the place stays open, and nothing is sent until somebody fills it in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.impact.dialect import canonical
from agent.model import Level
from agent.starting.columns import Pick, is_of_orders, is_sum, propose, tells_left
from agent.starting.tables import TAKEN, Shape, marks, reason_code, shapes, status_kind, taken_words
from agent.starting.texts import Column, plain_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.starting.sampling import Sample

REFUND = "refund"  # the word for the reason where only an amount tells that something was given back
NO_REASON = "no reason given"
_OF_ITEMS = frozenset(("sku", "quantity", "quantity_left", "quantity_back"))
MOST_REASONS = 60  # listed one by one


@dataclass(frozen=True, slots=True)
class Plan:
    """What a draft is made of."""

    level: Level
    picks: Mapping[str, Pick]
    shape: Shape | None = None  # an export that is known: nothing else is needed
    own: bool = False  # the file is laid out as impact.com's own already
    statuses: Mapping[str, tuple[str, ...]] | None = None  # kind → words in the sample, in small letters
    refunds: bool = (
        False  # records are single refunds: that one is called so says not that all was taken back
    )
    telling: Column | None = (
        None  # tells that something was given back, beside the status, and not what is left
    )
    items: str = ""  # the list in each record that holds the items
    fill_down: tuple[str, ...] = ()
    only: Column | None = (
        None  # what only the first line of an order has, where that line speaks for the order
    )

    def column(self, use: str) -> Column | None:
        """Return the column for a use, if there is one."""
        pick = self.picks.get(use)
        return pick.column if pick else None

    @property
    def amount(self) -> str:
        """Where the new amount comes from: "left", "difference", "zero" (by the status), or "open"."""
        if self.column("left"):
            return "left"
        if self.level is Level.ORDER and self.column("refunded") and self.column("total"):
            return "difference"
        whole = not self.refunds and not self._counts_pieces
        return "zero" if whole and self.by_status else "open"

    @property
    def by_status(self) -> bool:
        """Whether words of the status say that something was taken back."""
        return bool(self.statuses and self.statuses.keys() & TAKEN)

    @property
    def _counts_pieces(self) -> bool:
        """Whether the file tells how many pieces of an item are left, and what one costs."""
        return self.level is Level.ITEM and {"quantity_left", "amount"} <= self.picks.keys()

    @property
    def order_prefix(self) -> str:
        """What stands before every order's number and is surely no part of it; "" for nothing."""
        order = self.column("order")
        return order.prefix if order is not None and "action_id" not in self.picks else ""

    @property
    def names_currency(self) -> bool:
        """Whether rows name their currency: where they have amounts, and the level has the column."""
        return self.level is Level.ORDER and self.amount != "zero" and self.column("currency") is not None

    @property
    def reasons(self) -> Mapping[str, str]:
        """The texts that become reason codes, each with the code proposed; empty where there are too many."""
        column = self.column("reason")
        texts = list(column.counts) if column else []
        if len(texts) > MOST_REASONS:
            return {}
        if column is not None and column.blanks:
            texts.append(NO_REASON)
        if column is None:
            texts += self._status_texts()
        folded: dict[str, str] = {}
        for text in texts:
            folded.setdefault(" ".join(text.split()).casefold(), text)
        return {text: reason_code(text) for text in folded.values()}

    def _status_texts(self) -> list[str]:
        words = self.statuses or {}
        if self.amount == "difference":
            return [*words.get("cancelled", ()), REFUND]
        kinds = ("cancelled", "refunded", *(() if self.amount == "zero" else ("partly",)))
        return [word for kind in kinds for word in words.get(kind, ())]


def planned(sample: Sample, level: Level | None) -> Plan:
    """Plan a feed; `level` is asked for by a person, or told by the columns."""
    columns = _of_one_list(sample.columns)
    names = {plain_words(column.name) for column in sample.flat}
    picks = dict(propose(columns))
    if own := _own({canonical(column.name) for column in sample.flat}, picks, level):
        return own
    shape = next((one for one in shapes() if one.columns <= names and level in (None, one.level)), None)
    if shape is not None:
        return Plan(shape.level, {}, shape)
    chosen = level or (Level.ITEM if "sku" in picks else Level.ORDER)
    of_orders = dict(propose(sample.flat))
    if chosen is Level.ITEM:
        picks = dict(propose(_of_items(columns)))
    else:
        picks = {use: pick for use, pick in of_orders.items() if use not in _OF_ITEMS}
    refunds = _by_kind(picks) or _lists_refunds(picks)
    if "refunded" in picks and "total" not in picks and "amount" in picks and not refunds:
        picks["total"] = Pick(picks.pop("amount").column, sure=False)
    sku = picks.get("sku")
    below = _below(sample, picks)
    plan = Plan(
        chosen,
        picks,
        statuses=_statuses(picks),
        refunds=refunds,
        items=sku.column.within if sku else "",
        fill_down=tuple(column.name for column in below) if chosen is Level.ITEM else (),
        only=_only(below, picks) if chosen is Level.ORDER else None,
    )
    return replace(plan, telling=_telling(sample, plan, of_orders)) if plan.amount == "zero" else plan


def _of_one_list(columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """Leave out the columns inside of lists other than the one with an article's number."""
    lists = dict.fromkeys(column.within for column in columns if column.within)
    with_sku = next(
        (within for within in lists if "sku" in propose([one for one in columns if one.within == within])), ""
    )
    return tuple(column for column in columns if column.within in ("", with_sku))


def _of_items(columns: tuple[Column, ...]) -> list[Column]:
    """Leave out what is left of whole orders, and all sums beside a list of items: each item would have them again."""
    within = any(column.within for column in columns)
    return [
        column
        for column in columns
        if not (tells_left(column) and is_of_orders(column))
        and not (within and not column.within and is_sum(column))
    ]


def _by_kind(picks: dict[str, Pick]) -> bool:
    """Tell records apart by what kind they are (a sale, a refund, a fee), where no status tells what was taken back."""
    kind, status = picks.pop("kind", None), picks.get("status")
    if kind is None or (status is not None and (_taken(status.column) or not _taken(kind.column))):
        return False
    picks["status"] = kind
    return True


def _taken(column: Column) -> bool:
    return bool(taken_words(column.counts))


def _lists_refunds(picks: dict[str, Pick]) -> bool:
    """Tell a list of refunds: each record's sum is what was given back itself, so it is not the order's."""
    back, total = picks.get("refunded"), picks.get("total")
    if back is None or total is None or len(back.column.texts) == 1:
        return False
    pairs = zip(back.column.texts, total.column.texts, strict=True)
    if back.column.blanks or any(one.strip() != two.strip() for one, two in pairs):
        return False
    del picks["total"]
    return True


def _telling(sample: Sample, plan: Plan, of_orders: Mapping[str, Pick]) -> Column | None:
    """Find a column that tells, on some of the records, that something was given back, and is not used."""
    used = {pick.column.name for use, pick in plan.picks.items() if use not in ("refunded", "quantity_back")}
    known = [
        pick.column
        for pick in (of_orders.get("refunded"), plan.picks.get("quantity_back"))
        if pick is not None
    ]
    others = [one for one in sample.columns if one.name not in used]
    told = [one for one in (*known, *filter(_names_refunds, others)) if one.says_something]
    every = (*told, *filter(_says_refunds, others))
    return next((one for one in every if not one.within or one.within != plan.items), None)


def _says_refunds(column: Column) -> bool:
    return not column.within and 0 < len(taken_words(column.counts)) < len(column.counts)


def _names_refunds(column: Column) -> bool:
    words = plain_words(column.within or column.name).split()
    return not marks("back").isdisjoint(words) and not column.is_date


def _own(names: set[str], picks: Mapping[str, Pick], level: Level | None) -> Plan | None:
    """Tell a file laid out as impact.com's own: its names for the ids, the reason, and what is changed."""
    ids = {"Oid", "ActionTrackerID"} <= names or "ActionID" in names
    if not ids or "Reason" not in names or not names & {"Amount", "SKU"}:
        return None
    return Plan(level or (Level.ITEM if "SKU" in names else Level.ORDER), picks, own=True)


def _statuses(picks: Mapping[str, Pick]) -> Mapping[str, tuple[str, ...]] | None:
    """Sort the words of the status by what they mean; None where none of them says that something was taken back."""
    pick = picks.get("status")
    if pick is None or pick.column.within:
        return None
    kinds: dict[str, list[str]] = {}
    for text in dict.fromkeys(one.lower() for one in pick.column.counts):
        kinds.setdefault(status_kind(text) or "unknown", []).append(text)
    if kinds.keys() <= {"standing", "unknown"} and not (pick.sure and "unknown" in kinds):
        return None
    return {kind: tuple(words) for kind, words in kinds.items()}


def _only(below: list[Column], picks: Mapping[str, Pick]) -> Column | None:
    """Name the column by which an order's first line is known; a line may be without a reason anyway."""
    reason = picks.get("reason")
    return next((column for column in below if reason is None or column is not reason.column), None)


def _below(sample: Sample, picks: Mapping[str, Pick]) -> list[Column]:
    """Name the columns that are blank below an order's first line: where its number is blank, or comes again."""
    order = picks.get("order")
    if order is None or not order.column.filled or sample.detected.format in ("json", "ndjson", "xml"):
        return []
    ids = order.column.texts
    if order.column.blanks:
        below = [at for at, text in enumerate(ids) if not text.strip()]
    else:
        below = [at for at in range(1, len(ids)) if ids[at] == ids[at - 1]]
    if not below or below[0] == 0:
        return []
    uses = [use for use in ("order", "status", "refunded", "total", "left", "reason") if use in picks]
    return [column for use in uses if _is_blank_below(column := picks[use].column, below)]


def _is_blank_below(column: Column, below: list[int]) -> bool:
    """Whether a column is filled on the first lines, and on none of those below them."""
    blank = {at for at, text in enumerate(column.texts) if not text.strip()}
    return blank == set(below)
