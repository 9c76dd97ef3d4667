"""What text report, page and terminal show alike, set into rows of cells; their texts are visible already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.feedback.story import Fate
from agent.feedback.wording import amount, fold, number, prose, second, size, table, value, visible
from agent.model import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from agent.feedback.listing import Listed
    from agent.feedback.story import Delivery, Files, Preview, Story, Sum
    from agent.model import Answer, Attempt, AuditEvent, Total

Rows = list[tuple[str, ...]]  # the first row is the header

NO_CURRENCY = "account currency"

SEVERITY_WORDS = {
    Severity.ERROR: "Error: not sent",
    Severity.WARNING: "Warning: sent, look at it",
    Severity.NOTE: "Note",
}
FATE_WORDS = {
    Fate.DELIVERED: "What was delivered",
    Fate.DOUBT: "What may have arrived",
    Fate.WAITING: "What is not sent yet",
    Fate.NOT_SENT: "What was not sent",
}
WRONG_WORDS = {
    Severity.ERROR: "What is wrong",
    Severity.WARNING: "What was seen",
    Severity.NOTE: "What was seen",
}
_FOUND = {  # where "found" is no value but another record or an earlier batch
    "E-ORDERKEPT": "Because of",
    "N-ROWDUP": "Same as",
    "N-RESENT": "Last sent in",
    "W-RESENT": "Last sent in",
    "E-RESENT": "Last sent in",
}
AMOUNT_WORDS = (
    "Amount adds up the amounts in the rows: what the orders or items are worth from now on, not what was"
    " taken off. A reversal counts 0."
)
_COLUMNS = 40  # names of a file's columns shown
_ANSWERED = {
    "taken": "taken",
    "processed": "processed",
    "bounced": "the mail came back",
    "delayed": "the mail is delayed",
    "unclear": "could not be read",
}
_HEARD = {"heard": " (known already)", "contradicted": " (contradicts what is known)"}
_NOTE = 4  # columns a note of the audit is set in
_ATTEMPTS = 5  # attempts of one batch shown, the last ones


def finding_rows(listing: Listed) -> Rows:
    """Set the rows of a group into cells, without columns that say nothing; empty when none says anything."""
    rows, group = listing.rows, listing.group
    columns = (
        ("Record", ["" if row.record is None else number(row.record) for row in rows], "whole file"),
        ("Place", [prose(row.place) for row in rows], ""),
        (_FOUND.get(group.code, "Found"), [row.found for row in rows], "(empty)"),
        ("What is wrong", [prose(row.words) for row in rows], "as above" if group.words else ""),
        ("What to do", [prose(row.mend) for row in rows], "as above" if group.mend else ""),
    )
    told = [(head, *(text or empty for text in texts)) for head, texts, empty in columns if any(texts)]
    return list(zip(*told, strict=True))


def inside_rows(story: Story) -> Rows:
    """Set what was inside an archive into cells: a file each, and how it stands where that is asked for."""
    files = [(one.submission.id, value(one.submission.member), size(one.submission.size), prose(one.stands))
             for one in story.inside]  # fmt: skip
    rows: Rows = [("Submission", "File", "Size", "How it stands"), *files]
    return rows if any(one.stands for one in story.inside) else [row[:3] for row in rows]


def origin_words(story: Story) -> str:
    """Say which archive a file was inside; "" where it was in none."""
    submission, archive = story.submission, story.archive
    if archive is None:
        return ""
    return f"{archive.name}, submission {archive.id}, in it as {submission.member}"


def total_rows(sums: Sequence[Sum]) -> Rows:
    """Set totals into cells, each currency followed by its sum where it has several lines."""
    rows: Rows = [("Currency", "Reason", "Change", "Rows", "Amount")]
    for part in sums:
        name = visible(part.currency) or NO_CURRENCY
        rows += [_total_row(total, name, part.places) for total in part.totals]
        if len(part.totals) > 1:
            rows.append((f"{name}, all", "", "", number(part.rows), amount(part.amount, part.places)))
    return rows


def _total_row(total: Total, currency: str, places: int) -> tuple[str, ...]:
    return (
        currency,
        visible(total.reason),
        visible(total.change),
        number(total.rows),
        amount(total.amount, places),
    )


def detected_facts(preview: Preview) -> list[tuple[str, str]]:
    """Say what a file is read as, a name and words for each thing that was found out."""
    found = preview.detected
    packed = f", inside a {found.packed}" if found.packed else ""
    used = [name for name in preview.columns if name not in preview.unused]
    row = str(found.header_row) if found.header_row else ""
    facts = {
        "Format": f"{found.format}{packed}" if found.format else "",
        "Encoding": found.encoding,
        "Delimiter": found.delimiter,
        "Sheet": found.sheet,
        "Header in row": row,
        "Records at": found.records,
        "Columns used": _names(used),
        "Columns not used": _names(preview.unused),
    }
    return [(name, words) for name, words in facts.items() if words]


def _names(columns: Sequence[str]) -> str:
    shown = ", ".join(map(value, columns[:_COLUMNS]))
    return f"{shown} and {len(columns) - _COLUMNS} more" if len(columns) > _COLUMNS else shown


def preview_rows(preview: Preview) -> Rows:
    """Set the first rows of a preview into cells under the batch's header."""
    return [tuple(map(value, row)) for row in (preview.header, *preview.rows)]


def audit_lines(audit: Sequence[AuditEvent], zone: tzinfo | None, width: int) -> list[str]:
    """Set audit events into lines, in the order given: one each, and its note below it."""
    rows: Rows = [("When", "Who", "What", "Of")]
    for event in audit:
        what = event.event if event.before == event.after else f"{event.event}: now {event.after}"
        rows.append((second(event.at, zone), *map(prose, (event.actor, what, event.subject))))
    head, rule, *lines = table(rows, width=None)
    told = [head, rule]
    for line, event in zip(lines, audit, strict=True):
        notes = fold(prose(event.note), width - _NOTE) if event.note else ()
        told += [line, *(" " * _NOTE + note for note in notes)]
    return told


def last_attempts(delivery: Delivery) -> tuple[Attempt, ...]:
    """Return the attempts that are shown."""
    return delivery.attempts[-_ATTEMPTS:]


def attempt_words(attempt: Attempt) -> str:
    """Say how an attempt ended, with its evidence."""
    ended = attempt.outcome or f"no outcome noted, it reached {attempt.phase}"
    return prose(f"{ended}; {attempt.evidence}" if attempt.evidence else ended)


def answer_words(answer: Answer) -> str:
    """Say what came back about a batch: what it was called, what it said, and what was not understood."""
    heard = _HEARD.get(answer.event, "")
    told = _ANSWERED.get(answer.stage, answer.stage)
    refused = "" if answer.refused is None else f", {number(answer.refused)} refused"
    said = f"{told}{refused}"
    remark = f"; {answer.remark}" if answer.remark and not answer.remark.startswith(said) else ""
    return prose(f"{answer.name}: {said}{heard}{remark}")


def sent_words(story: Story) -> str:
    """Name the records that are counted as sent for what is true of them by now."""
    if not story.deliveries:
        return "sound"
    return "sent" if all(delivery.fate is Fate.DELIVERED for delivery in story.deliveries) else "in a batch"


def full_list(story: Story, listing: Listed) -> str:
    """Name the file that has the findings which are not listed."""
    if story.files.findings:
        return story.files.findings
    if story.files.rejects and listing.group.severity is Severity.ERROR:
        return story.files.rejects
    return f"the archive, submission {story.submission.id}"


def place(files: Files, name: str) -> str:
    """Say where in the feed's folder a file lies."""
    return f"{files.folder}/{name}" if files.folder else name
