"""The files by which the preparing process asks what was sent before, is told, and says what is sent now.

A question holds the marks of orders, ascending, 16 bytes each. The answer and what is sent are lines of text.
"""

from __future__ import annotations

import json
from dataclasses import astuple
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from agent.model import Precedent
from agent.preparing.marks import ORDER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from agent.preparing.batches import DraftSet
    from agent.preparing.claims import Claims

    Ask = Callable[[Path], Path | None]  # takes a question, gives the answer; None where nothing was sent
    Orders = Iterator[tuple[bytes, bytes]]  # the mark of an order, what is said of its items


def question(claims: Claims, path: Path) -> bool:
    """Write the marks of a file's orders; tell whether there are any."""
    with path.open("wb") as file:
        file.writelines(claims.marks())
        return file.tell() > 0


def asked(path: Path) -> Iterator[bytes]:
    """Read a question."""
    with path.open("rb") as file:
        while mark := file.read(ORDER):
            yield mark


def answer(known: Iterable[tuple[bytes, Sequence[Precedent]]], path: Path) -> Path | None:
    """Write what was sent of each order; None where nothing was."""
    with path.open("w", encoding="utf-8") as file:
        for mark, precedents in known:
            told = [[one.said.hex(), *astuple(one)[1:]] for one in precedents]
            file.write(json.dumps([mark.hex(), told]) + "\n")
        return path if file.tell() else None


def answered(path: Path) -> Iterator[tuple[bytes, tuple[Precedent, ...]]]:
    """Read an answer."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            mark, told = json.loads(line)
            yield bytes.fromhex(mark), tuple(Precedent(bytes.fromhex(said), *rest) for said, *rest in told)


def write_orders(claims: Claims, drafts: DraftSet, path: Path) -> None:
    """Write what is sent of each order, by the draft it is in (counted from 0, those without rows left out)."""
    there = [number for number, draft in enumerate(drafts.files, start=1) if draft.rows]
    place = {number: index for index, number in enumerate(there)}
    with path.open("w", encoding="ascii") as file:
        for number, mark, said in claims.kept():
            file.write(f"{place[number]} {mark.hex()} {said.hex()}\n")


def orders_by_draft(path: Path) -> Iterator[tuple[int, Orders]]:
    """Read what `write_orders` wrote, draft by draft; each has to be read before the next."""
    with path.open(encoding="ascii") as file:
        lines = (line.split() for line in file)
        for number, found in groupby(lines, key=itemgetter(0)):
            yield int(number), ((bytes.fromhex(mark), bytes.fromhex(said)) for _, mark, said in found)
