"""What a preparing writes beside the drafts: its findings, the records it gives back, what is sent of each order."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, BinaryIO

from agent.feedback.naming import BOOK
from agent.feedback.returning import write_kept_back
from agent.model import Finding
from agent.preparing.remembered import write_orders
from agent.preparing.sources import opened, reading
from agent.readers.sheet import Sheet

if TYPE_CHECKING:
    from agent.preparing.batches import DraftSet
    from agent.preparing.job import Job
    from agent.preparing.scratch import Scratch
    from agent.readers.base import OpenedFile

_COLUMNS = tuple(one.name for one in fields(Finding))


class Papers:
    """Writes into the scratch folder; each method returns the name of its file there."""

    def __init__(self, job: Job, scratch: Scratch) -> None:
        self._job, self._scratch = job, scratch

    def findings(self) -> str:
        """Write every finding that is kept, one JSON object per line."""
        with (self._job.scratch / "findings").open("w", encoding="utf-8") as target:
            for one in self._scratch.findings.all():
                said = {name: getattr(one, name) for name in _COLUMNS}
                target.write(json.dumps(said, ensure_ascii=False) + "\n")
        return "findings"

    def rejects(self, stream: BinaryIO, source: OpenedFile, *, everything: bool) -> str:
        """Write the records that are kept back, in the source's own form; a workbook's file is named as one."""
        own = opened(source)
        name = f"rejects{BOOK}" if isinstance(own, Sheet) and not own.detected.packed else "rejects"
        with (self._job.scratch / name).open("wb") as target:
            write_kept_back(
                stream,
                own,
                reading(self._job.feed, as_written=True),
                kept_back=self._scratch.findings.kept_back(),
                target=target,
                scratch=self._job.scratch,
                everything=everything,
            )
        return name

    def orders(self, drafts: DraftSet) -> str:
        """Write what is sent of each order."""
        write_orders(self._scratch.claims, drafts, self._job.scratch / "orders")
        return "orders"
