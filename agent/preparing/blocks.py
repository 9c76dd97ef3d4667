"""The first look at a plain file, by blocks of rows: what is sound is taken column by column, which costs least.

Values repeat and most rows are sound, so a block is looked up by column, cut where an identifier changes, and whole
orders go to the draft together. Where anything is odd about a block its rows are taken one by one.
"""

from __future__ import annotations

from itertools import chain, compress, islice, pairwise
from operator import is_not, itemgetter
from typing import TYPE_CHECKING

from agent.codes import finding
from agent.errors import RefusedFile
from agent.model import Fault
from agent.preparing.marks import ROW, of_order
from agent.preparing.rows import Block, step_of
from agent.preparing.runs import FirstLook
from agent.preparing.scratch import Run
from agent.preparing.verdicts import IDENTIFIERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from agent.impact.rules import RowRules
    from agent.mapping.mapping import BoundTemplate
    from agent.mapping.records import Columns
    from agent.preparing.batches import DraftSet
    from agent.preparing.memo import CellMemo
    from agent.preparing.rows import Origins
    from agent.preparing.scratch import Scratch
    from agent.readers.base import Piece, Source

    Part = tuple[int, int, str]  # where an order's rows begin and end in a block, and its key

_BLOCK = 512  # rows
_EVERY = 16  # blocks between two words about progress
_LARGE = 64  # rows that are worth a look of their own
_MOST_OF_ONE = 200_000  # rows of one record: a template that gives more does not come to an end
_INNER_LOOP = "look for a loop inside its loop over rows"


class PlainLook(FirstLook):
    """Takes all rows of a plain file."""

    def __init__(
        self, rules: RowRules, scratch: Scratch, drafts: DraftSet, bound: BoundTemplate, currency: str
    ) -> None:
        super().__init__(rules, scratch, drafts, bound, currency)
        self._identifiers = [place for place, name in enumerate(rules.header) if name in IDENTIFIERS]
        self._waiting: list[tuple[str, ...]] = []  # rows as the template gave them, not looked at yet
        self._numbers: list[int] = []  # of their records
        self._at: list[int] = []  # and their lines
        self._long = 0  # the record that a whole block of rows came from
        self._rows_of_long = 0

    def rows(self, rows: Iterator[tuple[str, ...]], source: Source, progress: Callable[[int], None]) -> None:
        """Take all rows. This loop is the cost of preparing: nothing in it may grow."""
        add, number, line = self._waiting.append, self._numbers.append, self._at.append
        for blocks, first in enumerate(rows, start=1):
            for cells in chain((first,), islice(rows, _BLOCK - 1)):
                add(cells)
                number(source.number)
                line(source.line)
            self.take()
            if blocks % _EVERY == 0:
                progress(source.number)

    def columns(self, pieces: Iterator[tuple[Piece, Columns]], progress: Callable[[int], None]) -> None:
        """Take all rows, which come by column, one from each record; large pieces as they are."""
        told = _EVERY * _BLOCK
        for piece, columns in pieces:
            numbers, at = range(piece.number, piece.number + len(piece.lines)), piece.lines
            if len(numbers) < _LARGE:
                self._waiting += zip(*columns, strict=True)
                self._numbers += numbers
                self._at += at
                if len(self._waiting) >= _BLOCK:
                    self.take()
            else:
                self.take()
                self._look_at(columns, numbers, at)
            if numbers[-1] > told:
                progress(numbers[-1])
                told += _EVERY * _BLOCK
        self.take()

    def _endless(self) -> None:
        """Count the rows of one record, block by block, and give up where they do not end.

        Raises:
            RefusedFile: T-LIMIT.
        """
        same = self._numbers[0] == self._long
        self._long, self._rows_of_long = self._numbers[0], _BLOCK + (self._rows_of_long if same else 0)
        if self._rows_of_long > _MOST_OF_ONE:
            words = f"the template gives more than {_MOST_OF_ONE:,} rows for one record"
            place = f"line {self._at[0]}"
            self._forget()
            raise RefusedFile(finding(Fault("T-LIMIT", words, _INNER_LOOP), place=place))

    def failed(self, key: str, faults: Sequence[Fault], origins: Origins) -> None:
        """Take records that gave no row but findings, behind the rows that came before them."""
        self.take()
        super().failed(key, faults, origins)

    def take(self) -> None:
        """Look at the rows that wait; also where the file cannot be read on."""
        if not self._waiting:
            return
        if len(self._numbers) == _BLOCK and self._numbers[0] == self._numbers[-1]:
            self._endless()
        self._look_at([*zip(*self._waiting, strict=True)], self._numbers, self._at)
        self._forget()

    def _forget(self) -> None:
        for part in (self._waiting, self._numbers, self._at):
            part.clear()

    def _look_at(self, by_column: Columns, numbers: Sequence[int], at: Sequence[int]) -> None:
        """Look at rows as the template gave them: together, or else one by one."""
        if not self._together(by_column, numbers, at):
            for cells, number, line in zip(zip(*by_column, strict=True), numbers, at, strict=True):
                self._row(cells, ((number, line),))
        self._bound()

    def _together(self, by_column: Columns, numbers: Sequence[int], at: Sequence[int]) -> bool:
        """Take rows that are all sound and from different records; else do nothing and say so."""
        many = len(numbers)
        if many == 1 or numbers[0] == self._last or not (_is_plain(numbers) or len(set(numbers)) == many):
            return False
        columns = [_looked_up(memo, texts) for memo, texts in zip(self.memos, by_column, strict=True)]
        try:
            lines = list(map(",".join, zip(*columns, strict=True)))
        except TypeError:  # there is a Fault among them
            return False
        identifiers = [columns[place] for place in self._identifiers]
        if any(0 < column.count("") < many for column in identifiers):
            return False
        verdicts = self.verdicts.of_all(columns)
        odd = self.verdicts.remarkable.intersection(verdicts)
        if any(verdict.error for verdict in odd):
            return False
        for index in compress(range(many), map(odd.__contains__, verdicts)) if odd else ():
            self._remark(verdicts[index], ((numbers[index], at[index]),))
        step = 1 if _is_plain(numbers) and _is_plain(at) else step_of(numbers, at)
        self._part(Block(columns, lines, verdicts, numbers, at, step), identifiers)
        self.used += many
        self._last = numbers[-1]
        return True

    def _part(self, block: Block, identifiers: Sequence[Sequence[str]]) -> None:
        """Part a block into orders; the first may have begun before it, the last may go on behind it."""
        parts = self._orders(block, identifiers)
        if parts[0][2] == self._key:
            self._run.take(block, *parts.pop(0)[:2])
        if not parts:
            return
        self._flush()
        *whole, (begin, end, self._key) = parts
        last = self._key
        self._whole(block, whole)
        self._key = last
        self._run.take(block, begin, end)

    def _orders(self, block: Block, identifiers: Sequence[Sequence[str]]) -> list[Part]:
        """Cut where an identifier changes; the memos give one object for one text."""
        ends = {0, len(block.lines)}
        for column in identifiers:
            if column.count(column[0]) < len(column):
                ends.update(compress(range(1, len(column)), map(is_not, column[1:], column)))
        parts: list[Part] = []
        key = self.rules.key
        for begin, end in pairwise(sorted(ends)):
            order = key([column[begin] for column in block.columns])
            if parts and parts[-1][2] == order:
                parts[-1] = (parts[-1][0], end, order)
            else:
                parts.append((begin, end, order))
        return parts

    def _whole(self, block: Block, parts: Sequence[Part]) -> None:
        """Settle whole orders, those that nothing is to be said about together."""
        most, clear, limited = self.drafts.max_rows, self.rules.clear, self.drafts.max_size is not None
        good: list[Part] = []
        for part in parts:
            begin, end, key = part
            if (
                end - begin <= most
                and clear(block.columns, begin, end)
                and not (limited and self.drafts.oversize(block.lines[begin:end]))
            ):
                good.append(part)
                continue
            self._send_all(block, good)
            good = []
            self._key = key
            self._run.take(block, begin, end)
            self._flush()
        self._send_all(block, good)

    def _send_all(self, block: Block, parts: Sequence[Part]) -> None:
        """Send adjacent whole orders."""
        if not parts:
            return
        first, last = parts[0][0], parts[-1][1]
        if len(parts) > 1 and not self.drafts.fits(block.lines[first:last]):
            for part in parts:
                self._send_all(block, (part,))
            return
        number, start, size = self.send(block.lines[first:last], block.verdicts[first:last])
        self.tally.sent += last - first
        plain = size == sum(map(len, block.lines[first:last])) + 2 * (last - first)
        skus = None if self.sku is None else block.columns[self.sku][first:last]
        said = self._said(skus, block.verdicts[first:last])
        for part in parts:
            lines = block.lines[part[0] : part[1]]
            size = sum(map(len, lines if plain else map(str.encode, lines))) + 2 * len(lines)
            says = said[(part[0] - first) * ROW : (part[1] - first) * ROW]
            self.scratch.add_run(self._sent(block, part, (number, start, size), says))
            start += size

    def _sent(self, block: Block, part: Part, place: tuple[int, int, int], says: bytes) -> Run:
        begin, end, key = part
        many, number, line = end - begin, block.numbers[begin], block.at[begin]
        run = self.scratch.next_run()
        told = (number, line, block.origins_text(begin, end), None, of_order(key), says)
        return Run._make((run, hash(key), *place, many, many, 0, *told))


def _is_plain(numbers: Sequence[int]) -> bool:
    """Tell whether each number is the next."""
    return isinstance(numbers, range) and numbers.step == 1


def _looked_up(memo: CellMemo, texts: Sequence[str]) -> Sequence[str]:
    """Look the texts of a column up, of which there are several; often all are one constant of the template."""
    first, many = texts[0], len(texts)
    if texts[-1] is first and texts.count(first) == many:
        return (memo[first],) * many  # type: ignore[return-value]  # a Fault among them is for who joins them
    return itemgetter(*texts)(memo)  # type: ignore[no-any-return]
