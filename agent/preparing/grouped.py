"""The first look at a file whose template brings records together with groupby: rows come from several records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.preparing.runs import FirstLook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from agent.impact.rules import RowRules
    from agent.mapping.mapping import BoundTemplate, Row
    from agent.preparing.batches import DraftSet
    from agent.preparing.rows import Origins
    from agent.preparing.scratch import Scratch

_EVERY = 8192  # rows between two words about progress


class GroupedLook(FirstLook):
    """Takes rows with all the records they come from; a record gives rows within one group only."""

    def __init__(
        self, rules: RowRules, scratch: Scratch, drafts: DraftSet, bound: BoundTemplate, currency: str
    ) -> None:
        super().__init__(rules, scratch, drafts, bound, currency)
        self._group: Origins = ()
        self._orders: dict[
            int, str
        ] = {}  # the group's records that gave a row or failed, with their last order
        self._mixed = False  # the group has rows in several runs

    def grouped_rows(
        self, rows: Iterable[tuple[Origins, Origins, Row]], progress: Callable[[int], None]
    ) -> None:
        """Take all rows: (group, origins, cells)."""
        for many, (group, origins, cells) in enumerate(rows, start=1):
            self.next_group(group)
            self._row(cells, origins)
            self._bound()
            if many % _EVERY == 0:
                progress(origins[0][0])

    def next_group(self, group: Origins) -> None:
        """What follows comes from these records."""
        if group is not self._group:
            self._group, self._orders, self._mixed = group, {}, False

    def _enter(self, key: str, origins: Origins) -> None:
        if key != self._key or not len(self._run):
            if self._orders:
                self._mixed = True
                self._shared.update(self._orders)
            self._flush()
            self._key = key
        for number, _ in origins:
            before = self._orders.get(number)
            if before is None:
                self.used += 1
            elif before != key:
                self.scratch.link(hash(before), hash(key))
            self._orders[number] = key
        if self._mixed:
            self._shared.update(number for number, _ in origins)

    def _bound(self) -> None:
        if len(self._run) > self.drafts.max_rows:
            self._shared.update(self._orders)
            self._flush()

    def _came_from(self, origins: Origins) -> None:
        self._run.many.append(origins)
