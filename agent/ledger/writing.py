"""One transition applied within an open transaction: the state, all that comes along, the audit line.

The state machine is asked about the state the subject has in this transaction, so whoever comes second to an
edge that is gone gets an `UnknownTransitionError`, and the caller's whole transaction is rolled back.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from agent.ledger import reading, rows, statements
from agent.ledger.chain import Line
from agent.states import (
    ARRIVED,
    CONCERNS,
    NEWS,
    BatchState,
    Phase,
    SubmissionState,
    UnknownTransitionError,
    after,
    has_ended,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from agent.ledger.chain import Pen
    from agent.ledger.transition import Transition
    from agent.model import Attempt, Batch, Paper

_PHASES = tuple(Phase)
_SUBMISSION_STATES = frozenset(SubmissionState)


def apply(connection: sqlite3.Connection, change: Transition, pen: Pen) -> None:
    """Apply one transition and write its audit line.

    Raises:
        UnknownTransitionError: the subject has no such edge from where it stands.

    """
    _MOVES[change.kind](connection, change, pen)


def note_phase(
    connection: sqlite3.Connection, attempt: Attempt, phase: Phase, evidence: str, pen: Pen
) -> None:
    """Record how far a running attempt got; a phase only goes forward.

    Raises:
        UnknownTransitionError: the batch is not being sent, or the phase was passed before.

    """
    (state, *_) = connection.execute(statements.STATE_OF_BATCH, {"id": attempt.batch}).fetchone()
    event = phase.lower().replace("_", "-")
    if state != BatchState.SENDING:
        raise UnknownTransitionError(state, event)
    if attempt.ended_at is not None or _PHASES.index(phase) <= _PHASES.index(Phase(attempt.phase)):
        raise UnknownTransitionError(attempt.phase, event)
    reached = replace(attempt, phase=phase, evidence=evidence or attempt.evidence)
    connection.execute(statements.UPSERT_ATTEMPT, rows.of_attempt(reached))
    pen.write(Line(attempt.batch, event, state, state, _joined(f"attempt {attempt.number}", evidence)))


def _move_submission(connection: sqlite3.Connection, change: Transition, pen: Pen) -> None:
    row = connection.execute(statements.STATE_OF_SUBMISSION, {"id": change.subject}).fetchone()
    before = row[0] if row else ""
    following = after(before, change.event)
    if row:
        _check_all_ended(connection, change)
        _update_submission(connection, change, before, following, pen.at)
        note = _joined(change.reason, change.note)
    else:
        note = _insert_submission(connection, change, following, pen.at)
    pen.write(Line(change.subject, change.event, before, following, note))
    _bring_along(connection, change, pen)


def _insert_submission(connection: sqlite3.Connection, change: Transition, following: str, at: float) -> str:
    new = change.new_submission
    if new is None or following not in _SUBMISSION_STATES:
        raise UnknownTransitionError("", change.event)
    if change.first_of_its_bytes and (first := reading.same_bytes(connection, new.feed, new.sha256)):
        raise UnknownTransitionError(f"a repetition of {first.id}", change.event)  # it came in meanwhile
    made = replace(new, state=following, reason=change.reason or new.reason, updated_at=at)
    connection.execute(statements.INSERT_SUBMISSION, rows.of_submission(made))
    if (change.tries, change.generation, change.counts, change.told_at) != (None, None, None, None):
        _update_submission(connection, change, following, following, at)
    return _joined(made.reason, change.note, f"sha256 {made.sha256}" if made.sha256 else "")


def _update_submission(
    connection: sqlite3.Connection, change: Transition, before: str, following: str, at: float
) -> None:
    told_only, told_at = change.event == "told", change.told_at
    values = {  # None keeps what is there
        "state": str(following),
        "reason": change.reason if change.reason or following != before else None,
        "updated_at": None if told_only else at,
        "tries": change.tries,
        "generation": change.generation,
        "told_at": told_at if told_only or told_at is None else max(told_at, at),
        "counts": None if change.counts is None else rows.counts_text(change.counts),
        "id": change.subject,
        "before": before,
    }
    _compare_and_set(connection, statements.UPDATE_SUBMISSION, values, change)


def _check_all_ended(connection: sqlite3.Connection, change: Transition) -> None:
    """Refuse to close while a batch is on its way: a person may have had it sent again meanwhile."""
    if change.event == "closed":
        found = connection.execute(statements.STATES_OF_BATCHES, {"submission": change.subject})
        for state, awaited in found:
            if not has_ended(state, awaited=bool(awaited)):
                raise UnknownTransitionError(f"waiting for a batch that is {state}", change.event)


def _bring_along(connection: sqlite3.Connection, change: Transition, pen: Pen) -> None:
    if change.groups is not None:
        connection.execute(statements.DELETE_GROUPS, {"submission": change.subject})
        counted = [rows.of_group(change.subject, place, group) for place, group in enumerate(change.groups)]
        connection.executemany(statements.INSERT_GROUP, counted)
    _keep_papers(connection, change.subject, change.papers)
    for batch in change.new_batches:
        _insert_batch(connection, batch, pen)


def _insert_batch(connection: sqlite3.Connection, batch: Batch, pen: Pen) -> None:
    event = "held" if batch.state == BatchState.HELD else "written"
    known = connection.execute(statements.STATE_OF_BATCH, {"id": batch.id}).fetchone()
    if known:
        raise UnknownTransitionError(known[0], event)
    following = after("", event)
    connection.execute(
        statements.INSERT_BATCH, rows.of_batch(replace(batch, state=following, updated_at=pen.at))
    )
    more = int(not has_ended(following, awaited=batch.awaited))
    _count(connection, batch.submission, more, pen.at if following in CONCERNS else None)
    note = _joined(batch.reason, f"{batch.rows} rows, {batch.size} bytes, sha256 {batch.sha256}")
    pen.write(Line(batch.id, event, "", following, note))


def _move_batch(connection: sqlite3.Connection, change: Transition, pen: Pen) -> None:
    row = connection.execute(statements.STATE_OF_BATCH, {"id": change.subject}).fetchone()
    if row is None:
        raise UnknownTransitionError("", change.event)
    before, submission, awaited = row
    following = after(before, change.event)
    moved = following != before
    values = {  # None keeps what is there
        "state": str(following),
        "reason": change.reason if change.reason or moved else None,
        "updated_at": None if change.event == "heard" else pen.at,  # nothing is new then
        "tries": change.tries,
        "due_at": 0.0 if change.due_at is None and moved else change.due_at,
        "awaited": change.awaited,
        **_of_answers(change, before, following, pen.at),
        "id": change.subject,
        "before": before,
    }
    _compare_and_set(connection, statements.UPDATE_BATCH, values, change)
    waits = bool(awaited) if change.awaited is None else change.awaited
    ended_before, ended = has_ended(before, awaited=bool(awaited)), has_ended(following, awaited=waits)
    told = (moved and following in CONCERNS) or (change.event in NEWS and not (moved and ended))
    _count(connection, submission, int(ended_before) - int(ended), pen.at if told else None)
    if change.answer is not None:
        connection.execute(statements.INSERT_ANSWER, rows.of_answer(change.answer))
    if change.attempt is not None:
        _keep_attempt(connection, change.attempt)
    _keep_papers(connection, submission, change.papers)
    pen.write(Line(change.subject, change.event, before, following, _joined(change.reason, change.note)))


def _of_answers(change: Transition, before: str, following: str, at: float) -> dict[str, object]:
    """Return what a batch learns about its delivery and its answers; None keeps what is there."""
    moved = following != before
    overdue = at if change.event == "overdue" else 0.0 if moved else None
    return {
        "sent_at": at if following in ARRIVED and before not in ARRIVED else None,
        "taken_at": at if moved and following == BatchState.TAKEN else None,
        "processed_at": at if moved and following == BatchState.PROCESSED else None,
        "overdue_at": overdue,
        "refused": change.answer.refused if change.answer and change.event == "processed" else None,
    }


def _move_acknowledgement(connection: sqlite3.Connection, change: Transition, pen: Pen) -> None:
    row = connection.execute(statements.STATE_OF_ACKNOWLEDGEMENT, {"id": change.subject}).fetchone()
    before = row[0] if row else ""
    following = after(before, change.event)
    if row is None:
        if change.acknowledgement is None:
            raise UnknownTransitionError("", change.event)
        made = replace(change.acknowledgement, state=following, updated_at=pen.at)
        connection.execute(statements.INSERT_ACKNOWLEDGEMENT, rows.of_acknowledgement(made))
    else:
        values = {"state": str(following), "updated_at": pen.at, "remark": change.reason or None}
        values |= {"id": change.subject, "before": before}
        _compare_and_set(connection, statements.UPDATE_ACKNOWLEDGEMENT, values, change)
    pen.write(Line(change.subject, change.event, before, following, _joined(change.reason, change.note)))


def _count(connection: sqlite3.Connection, submission: str, more: int, concern_at: float | None) -> None:
    """Keep how many batches have not ended, and when the folder was last to hear of one."""
    if more or concern_at is not None:
        counted = {"more": more, "concern_at": concern_at, "id": submission}
        connection.execute(statements.COUNT_BATCH, counted)


def _compare_and_set(
    connection: sqlite3.Connection, statement: str, values: Mapping[str, object], change: Transition
) -> None:
    if connection.execute(statement, values).rowcount != 1:
        raise UnknownTransitionError(f"no longer {values['before']}", change.event)


def _keep_attempt(connection: sqlite3.Connection, attempt: Attempt) -> None:
    """Write the attempt; what may be visible at the other end stays so, whatever an older copy of it says."""
    known = reading.attempt(connection, attempt.batch, attempt.number)
    phase = max(Phase(attempt.phase), Phase(known.phase if known else attempt.phase), key=_PHASES.index)
    connection.execute(statements.UPSERT_ATTEMPT, rows.of_attempt(replace(attempt, phase=phase)))


def _keep_papers(connection: sqlite3.Connection, submission: str, papers: Iterable[Paper]) -> None:
    for paper in papers:
        connection.execute(statements.UPSERT_PAPER, rows.of_paper(submission, paper))


def _joined(*notes: str) -> str:
    return "; ".join(filter(None, notes))


_MOVES = {"submission": _move_submission, "batch": _move_batch, "acknowledgement": _move_acknowledgement}
