"""What a story means, in plain words: how it stands, why, and what a person should do next.

The one place where states become words and colours. Green is said only when every row was sent and nothing
was kept back; whatever is not understood is never green.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.feedback import aside, travelling
from agent.feedback.answered import accepted, contradiction, verdict_of_answers
from agent.feedback.sentences import (
    Tone,
    Verdict,
    caveat,
    delivered,
    kept,
    kept_besides,
    left_out,
    mend_kept,
    passed_over,
)
from agent.feedback.wording import count, number
from agent.model import Severity
from agent.states import BatchState, SubmissionState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.feedback.story import Delivery, Story

__all__ = ["TONE_WORDS", "Tone", "Verdict", "batch_tone", "batch_words", "verdict"]

TONE_WORDS = {
    Tone.GOOD: "Done",
    Tone.CARE: "Needs a look",
    Tone.BAD: "Needs action",
    Tone.BUSY: "Under way",
}

_BY_SUBMISSION: dict[str, Callable[[Story], Verdict]] = {
    SubmissionState.RECEIVED: aside.received,
    SubmissionState.REJECTED: aside.rejected,
    SubmissionState.QUARANTINED: aside.quarantined,
    SubmissionState.DUPLICATE: aside.duplicate,
}

_BY_BATCH: tuple[tuple[str, Callable[[Story, Sequence[Delivery]], Verdict]], ...] = (
    (BatchState.IN_DOUBT, travelling.in_doubt),
    (BatchState.FAILED, travelling.failed),
    (BatchState.HELD, travelling.held),
    (BatchState.DEFERRED, travelling.deferred),
    (BatchState.READY, travelling.under_way),
    (BatchState.SENDING, travelling.under_way),
)

_BATCH: dict[str, tuple[str, Tone]] = {
    BatchState.READY: ("Ready to go", Tone.BUSY),
    BatchState.SENDING: ("Being sent", Tone.BUSY),
    BatchState.SENT: ("Delivered", Tone.GOOD),
    BatchState.TAKEN: ("Taken by impact.com", Tone.GOOD),
    BatchState.PROCESSED: ("Processed by impact.com", Tone.GOOD),
    BatchState.HELD: ("Held for a person", Tone.CARE),
    BatchState.DEFERRED: ("Waiting for the next try", Tone.CARE),
    BatchState.IN_DOUBT: ("May have arrived", Tone.BAD),
    BatchState.FAILED: ("Not delivered", Tone.BAD),
    BatchState.CANCELLED: ("Cancelled", Tone.CARE),
}


def verdict(story: Story) -> Verdict:
    """Say how a submission stands and what to do next."""
    if aside_teller := _BY_SUBMISSION.get(story.submission.state):
        return aside_teller(story)
    if story.submission.state not in (SubmissionState.PREPARED, SubmissionState.CLOSED):
        return _not_understood(story, story.submission.state)
    for state, teller in _BY_BATCH:  # what is worst comes first
        if concerned := story.in_state(state):
            return teller(story, concerned)
    return _ended(story)


def batch_tone(delivery: Delivery, whole: Tone) -> Tone | None:
    """Return the tone of one batch; a sent one is green only where the whole is, else it has none."""
    if delivery.batch.refused:
        return Tone.CARE
    tone = _BATCH.get(delivery.batch.state, ("", Tone.CARE))[1]
    return None if tone is Tone.GOOD and whole is not Tone.GOOD else tone


def batch_words(delivery: Delivery) -> str:
    """Return the state of one batch as people call it."""
    state, refused = delivery.batch.state, delivery.batch.refused
    words = _BATCH.get(state, (state, None))[0]
    return f"{words}; {count(refused, 'row')} refused" if refused else words


def _ended(story: Story) -> Verdict:
    if not story.deliveries:
        return aside.unpacked(story) if story.inside else aside.without_batches(story)
    states = [delivery.batch.state for delivery in story.deliveries]
    if strange := [state for state in states if state not in _BATCH]:
        return _not_understood(story, strange[0])
    return contradiction(story) or _settled(story)


def _settled(story: Story) -> Verdict:
    """Judge a story of which nothing is on its way to the other end any more."""
    if cancelled := story.in_state(BatchState.CANCELLED):
        return travelling.cancelled(story, cancelled)
    if not _adds_up(story):
        return _does_not_add_up(story)
    return verdict_of_answers(story) or (_partly_sent(story) if kept(story) else _all_sent(story))


def _not_understood(story: Story, state: str) -> Verdict:
    return Verdict(Tone.CARE, f"It stands at {state}", (*delivered(story), *kept_besides(story)))


def _partly_sent(story: Story) -> Verdict:
    rest = "; impact.com has processed the rest without errors" if _all_processed(story) else ""
    details = (*delivered(story), *accepted(story))
    return Verdict(
        Tone.CARE, f"Partly sent: {kept(story)}{rest}", details, mend_kept(story), (), caveat(story)
    )


def _all_sent(story: Story) -> Verdict:
    rows = story.counts.rows
    done = "delivered and processed without errors" if _all_processed(story) else "delivered"
    headline = f"The 1 row was {done}" if rows == 1 else f"All {number(rows)} rows were {done}"
    details = _how(story)
    if any(group.severity is Severity.ERROR for group in story.groups):
        headline, todo = f"{headline}, but there were errors", "Look at the errors below."
        return Verdict(Tone.CARE, headline, details, todo, (), caveat(story))
    warnings = sum(group.count for group in story.groups if group.severity is Severity.WARNING)
    todo = f"Look at the {count(warnings, 'warning')} below." if warnings else "Nothing."
    return Verdict(Tone.GOOD, headline, details, todo, (), caveat(story))


def _all_processed(story: Story) -> bool:
    """Whether impact.com has said of every batch what became of its rows; refused ones are told before."""
    return len(story.in_state(BatchState.PROCESSED)) == len(story.deliveries)


def _how(story: Story) -> tuple[str, ...]:
    """Say how all rows went, and why the file has more records than were sent."""
    where = ", ".join(sorted({delivery.batch.destination for delivery in story.deliveries}))
    told = f"In {count(len(story.deliveries), 'batch', 'batches')} to {where}."
    return (told, *left_out(story), *passed_over(story))


def _adds_up(story: Story) -> bool:
    return story.counts.balanced and story.counts.rows == _rows(story)


def _rows(story: Story) -> int:
    return sum(delivery.batch.rows for delivery in story.deliveries)


def _does_not_add_up(story: Story) -> Verdict:
    counts = story.counts
    ended = counts.sent + counts.kept_back + counts.repeated + counts.skipped
    figures = (
        f"{count(counts.records, 'record')} read; sent, kept back, repeated and passed over are"
        f" {number(ended)} together. {count(counts.rows, 'row')} counted,"
        f" {number(_rows(story))} in the batches."
    )
    todo = "Do not rely on this report; have the batches in the archive compared with the dropped file."
    return Verdict(
        Tone.BAD, "The figures do not add up", (figures, *delivered(story)), todo, (), caveat(story)
    )
