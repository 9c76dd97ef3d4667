"""The process that `bench_readers` measures: one file read by calamine alone, by its reader, or prepared whole."""

from __future__ import annotations

import json
import re
import sys
import tempfile
import time
from pathlib import Path

from python_calamine import CalamineWorkbook

from agent.model import Level
from agent.preparing.child import rest_the_collector
from agent.preparing.job import Job
from agent.preparing.pipeline import prepare
from agent.readers import open_source
from agent.readers.base import Listener, Reading
from agent.settings.models import Feed

TEMPLATE = """\
Oid,ActionTrackerID,SKU,Amount,Quantity,Category,Reason
{% for row in rows %}
{{ row.Order }},7,{{ row.Item }},{{ row.Amount | amount }},{{ row.Quantity | quantity }},{{ row.Title }},ORDER_UPDATE
{% endfor %}
"""


def main(how: str, path: Path) -> None:
    """Do it, and tell the processor seconds it took, the records, and the most memory the process held."""
    rest_the_collector()
    begun = time.process_time()
    records = {"calamine": _calamine, "reader": _reader, "prepare": _prepare}[how](path)
    spent = time.process_time() - begun
    status = Path("/proc/self/status").read_text(
        encoding="ascii"
    )  # the kernel's other figure has the parent's in it
    peak = int(re.search(r"VmHWM:\s*([0-9]+)", status)[1]) / 1024
    sys.stdout.write(json.dumps({"stage": spent, "records": records, "peak": peak}))


def _calamine(path: Path) -> int:
    with path.open("rb") as stream:
        book = CalamineWorkbook.from_filelike(stream)
        return sum(1 for _ in book.get_sheet_by_index(0).iter_rows()) - 1


def _reader(path: Path) -> int:
    def never(*told: object) -> None:
        raise AssertionError(told)

    with path.open("rb") as stream:
        return sum(1 for _ in open_source(stream, Reading(), Listener(never, never)))


def _prepare(path: Path) -> int:
    feed = Feed(name="shop", level=Level.ITEM, template="t", destination="d")
    with tempfile.TemporaryDirectory() as scratch:
        made = prepare(Job(feed, TEMPLATE, "", path, Path(scratch), 10**6), lambda _: None)
    assert made.counts.sent == made.counts.records, made.groups
    return made.counts.records


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
