"""A memory of what was sent, for tests of preparing that have no ledger: every order arrives as it was written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.model import Precedent, Standing
from agent.preparing.remembered import answer, asked, read_orders

if TYPE_CHECKING:
    from pathlib import Path

    from agent.preparing.job import Job, Prepared


class Memory:
    """Answers a preparing, and takes what came out of it."""

    def __init__(self) -> None:
        self.sent: dict[bytes, list[Precedent]] = {}
        self._files = 0

    def ask(self, question: Path) -> Path | None:
        """Answer a question."""
        known = ((mark, self.sent[mark]) for mark in asked(question) if mark in self.sent)
        return answer(known, question.with_name("answer"))

    def take(self, job: Job, prepared: Prepared) -> None:
        """Deliver what was prepared."""
        self._files += 1
        if not prepared.orders_file:
            return
        told: dict[bytes, bytes] = {}  # an order may be told of in several parts
        for _, mark, said in read_orders(job.scratch / prepared.orders_file):
            told[mark] = told.get(mark, b"") + said
        for mark, said in told.items():
            one = Precedent(said, job.feed.level, Standing.ARRIVED, self._files, str(self._files), job.now)
            self.sent.setdefault(mark, []).append(one)
