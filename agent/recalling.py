"""Answers the preparing process about orders that were sent before, out of the ledger."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from agent.preparing.remembered import answer, asked
from agent.spool import disk

if TYPE_CHECKING:
    from pathlib import Path

    from agent.ledger.ledger import Ledger
    from agent.preparing.remembered import Ask


def recalling(ledger: Ledger, destination: str) -> Ask:
    """Make the function that answers what was sent of some orders to a destination.

    The function raises:
        LedgerError: the ledger cannot be read.
        SpoolError: the answer could not be written.

    """
    return partial(_answer, ledger, destination)


def _answer(ledger: Ledger, destination: str, question: Path) -> Path | None:
    with disk.said_plainly("write what was sent before"):
        return answer(ledger.precedents(destination, asked(question)), question.with_name("answer"))
