"""The last step before a draft is final: identifiers once per order, or another layout than CSV, where the feed asks.

Both rewrite a checked draft; neither changes what it says.
"""

from __future__ import annotations

import csv
import hashlib
from itertools import groupby
from typing import TYPE_CHECKING

from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from agent.impact.batchfile import line
from agent.mapping.failures import in_words, template_line
from agent.mapping.mapping import EXPRESSION_FAILURES
from agent.mapping.problems import TemplateProblem, TemplateRefusedError
from agent.model import Fault
from agent.preparing.job import Draft

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from agent.preparing.batches import DraftSet
    from agent.preparing.job import Job

_IDENTIFIERS = ("ActionID", "Oid", "ActionTrackerID")


def lay_out(job: Job, drafts: DraftSet, header: Sequence[str]) -> tuple[Draft, ...]:
    """Finish the drafts, in the form the feed asks for."""
    finished = drafts.finished()
    if job.layout:
        return tuple(_rewritten(job, draft, _by_template(job, header, draft)) for draft in finished)
    if job.feed.identifiers == "once":
        return tuple(
            _rewritten(job, draft, _identifiers_once(header, job.scratch / draft.file)) for draft in finished
        )
    return finished


def too_large(job: Job, drafts: Sequence[Draft]) -> Fault | None:
    """Say that a finished draft is larger than a batch file may be, None where none is.

    Of a layout that is known only now; where there is none, the orders were parted so that it cannot happen.
    """
    largest = max(drafts, key=lambda draft: draft.size, default=None)
    if largest is None or job.max_size is None or largest.size <= job.max_size:
        return None
    words = f"laid out, a batch of {largest.rows:,} rows has {largest.size:,} bytes, and one may have {job.max_size:,}"
    rows = max(largest.rows * job.max_size // largest.size, 1)
    return Fault(
        "E-BATCHBYTES", words, f"set max_rows of the feed to {rows} or less, so that batches are smaller"
    )


def _rewritten(job: Job, draft: Draft, parts: Iterator[str]) -> Draft:
    path = job.scratch / f"{draft.file}.laid-out"
    digest = hashlib.sha256()
    size = 0
    with path.open("wb") as target:
        for part in parts:
            data = part.encode()
            digest.update(data)
            size += len(data)
            target.write(data)
    return Draft(path.name, digest.hexdigest(), size, draft.rows, draft.totals)


def _rows(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        next(reader)
        yield from reader


def _identifiers_once(header: Sequence[str], path: Path) -> Iterator[str]:
    """Leave the identifiers out on all but an order's first row (the reference's own way, domain page 1.2)."""
    places = [header.index(name) for name in _IDENTIFIERS if name in header]
    yield line(header)
    for _, rows in groupby(_rows(path), key=lambda row: [row[place] for place in places]):
        for index, row in enumerate(rows):
            if index:
                for place in places:
                    row[place] = ""
            yield line(row)


def _by_template(job: Job, header: Sequence[str], draft: Draft) -> Iterator[str]:
    """Render the feed's layout over the checked rows, each a mapping of column to text.

    Raises:
        TemplateRefusedError: the layout fails.
    """
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=job.feed.extension == "xml",
    )
    rows = (dict(zip(header, row, strict=True)) for row in _rows(job.scratch / draft.file))
    values = {"rows": rows, "feed": {**job.feed.variables, "name": job.feed.name}, "header": tuple(header)}
    try:
        yield from environment.from_string(job.layout).generate(values)
    except EXPRESSION_FAILURES as error:
        words = f"the layout fails: {in_words(error, job.layout)}"
        raise TemplateRefusedError(TemplateProblem("T-FAILED", template_line(error), words)) from error
