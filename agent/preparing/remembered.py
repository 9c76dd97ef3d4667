"""The files by which the preparing process asks what was sent before, is told, and says what is sent now.

A question holds the marks of orders, ascending, 16 bytes each. An answer is lines of JSON. What is sent is a piece for
each order: the place of its draft, its mark, how many bytes follow, and these, the marks of its rows.
"""

from __future__ import annotations

import json
import struct
from dataclasses import astuple
from typing import TYPE_CHECKING

from agent.model import Precedent, Standing
from agent.preparing.marks import ORDER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from agent.preparing.batches import DraftSet
    from agent.preparing.claims import Claims

    Ask = Callable[[Path], Path | None]  # takes a question, gives the answer; None where nothing was sent
    Orders = Iterator[
        tuple[int, bytes, bytes]
    ]  # place of a draft, mark of an order, what is said of its items

_HEAD = struct.Struct(f">I{ORDER}sI")


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
            yield bytes.fromhex(mark), tuple(map(_precedent, told))


def _precedent(told: tuple[str, str, str, float, str, float]) -> Precedent:
    said, level, standing, at, submission, came = told
    return Precedent(bytes.fromhex(said), level, Standing(standing), at, submission, came)


def write_orders(claims: Claims, drafts: DraftSet, path: Path) -> None:
    """Write what is sent of each order, by its mark; drafts count from 0, those without rows left out."""
    there = [number for number, draft in enumerate(drafts.files, start=1) if draft.rows]
    place = {number: index for index, number in enumerate(there)}
    with path.open("wb") as file:
        for number, mark, said in claims.kept():
            file.write(_HEAD.pack(place[number], mark, len(said)) + said)


def read_orders(path: Path) -> Orders:
    """Read what `write_orders` wrote."""
    with path.open("rb") as file:
        while head := file.read(_HEAD.size):
            place, mark, size = _HEAD.unpack(head)
            yield place, mark, file.read(size)
