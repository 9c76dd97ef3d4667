"""Values to rows and back; the order of columns is the order of fields. Pure."""

from __future__ import annotations

import json
from dataclasses import astuple, fields
from decimal import Decimal
from typing import Any

from agent.model import (
    Acknowledgement,
    Answer,
    Attempt,
    AuditEvent,
    Batch,
    Change,
    Counts,
    FindingGroup,
    Notice,
    Paper,
    Severity,
    Submission,
    Total,
)

Row = tuple[Any, ...]

_COUNTS = tuple(field.name for field in fields(Counts))
_COUNTED = 14  # where `counts` stands in a submission; the number of batches behind it is the ledger's own
_TOTALS, _AWAITED = 9, 19  # where `totals` and `awaited` stand in a batch


def of_submission(submission: Submission) -> Row:
    """Return the row of a submission."""
    s = submission
    return (
        *(s.id, s.feed, s.name, str(s.state), s.reason, s.received_at, s.updated_at, s.sha256, s.size),
        *(s.fingerprint, s.tries, s.generation, s.duplicate_of, s.told_at, counts_text(s.counts)),
        *(s.archive, s.member),
    )


def to_submission(row: Row) -> Submission:
    """Return the submission of a row."""
    counts = Counts(**json.loads(row[_COUNTED]))
    cells = [*row[:_COUNTED], counts, *row[_COUNTED + 2 :]]
    return Submission(*cells)


def counts_text(counts: Counts) -> str:
    """Return the counts as one JSON object."""
    return json.dumps({name: getattr(counts, name) for name in _COUNTS}, separators=(",", ":"))


def of_batch(batch: Batch) -> Row:
    """Return the row of a batch."""
    b = batch
    return (
        *(b.id, b.submission, b.destination, b.number, b.name, b.path, b.sha256, b.size, b.rows),
        *(_totals_text(b.totals), str(b.state), b.reason, b.due_at, b.tries, b.created_at, b.updated_at),
        *(b.sent_at, b.taken_at, b.processed_at, int(b.awaited), b.overdue_at, b.refused),
    )


def to_batch(row: Row) -> Batch:
    """Return the batch of a row."""
    cells = list(row)
    cells[_TOTALS] = _totals(cells[_TOTALS])
    cells[_AWAITED] = bool(cells[_AWAITED])
    return Batch(*cells)


def of_acknowledgement(acknowledgement: Acknowledgement) -> Row:
    """Return the row of an acknowledgement."""
    return astuple(acknowledgement)


def to_acknowledgement(row: Row) -> Acknowledgement:
    """Return the acknowledgement of a row."""
    return Acknowledgement(*row)


def of_answer(answer: Answer) -> Row:
    """Return the row of an answer, without the name that its acknowledgement has."""
    return astuple(answer)[:-1]


def to_answer(row: Row) -> Answer:
    """Return the answer of a row that ends with its acknowledgement's name."""
    return Answer(*row)


def of_attempt(attempt: Attempt) -> Row:
    """Return the row of an attempt."""
    return astuple(attempt)


def to_attempt(row: Row) -> Attempt:
    """Return the attempt of a row."""
    return Attempt(*row)


def of_notice(notice: Notice) -> Row:
    """Return the row of a notice."""
    return astuple(notice)


def to_notice(row: Row) -> Notice:
    """Return the notice of a row."""
    return Notice(*row)


def of_group(submission: str, position: int, group: FindingGroup) -> Row:
    """Return the row of a group of findings: counted, without its examples."""
    return (
        submission,
        position,
        group.code,
        str(group.severity),
        group.field,
        group.count,
        group.words,
        group.mend,
    )


def to_group(row: Row) -> FindingGroup:
    """Return the group of a row (without submission and position)."""
    code, severity, *rest = row
    return FindingGroup(code, Severity(severity), *rest)


def of_paper(submission: str, paper: Paper) -> Row:
    """Return the row of a paper."""
    return (submission, paper.path, paper.kind, paper.sha256, paper.size)


def to_paper(row: Row) -> Paper:
    """Return the paper of a row (kind, path, sha256, size)."""
    return Paper(*row)


def to_audit(row: Row) -> AuditEvent:
    """Return the audit event of a row (without its hash)."""
    return AuditEvent(*row)


def _totals_text(totals: tuple[Total, ...]) -> str:
    plain = [
        [t.currency, t.reason, str(t.change), t.rows, None if t.amount is None else str(t.amount)]
        for t in totals
    ]
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))


def _totals(text: str) -> tuple[Total, ...]:
    return tuple(
        Total(currency, reason, Change(change), rows, None if amount is None else Decimal(amount))
        for currency, reason, change, rows, amount in json.loads(text)
    )
