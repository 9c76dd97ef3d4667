"""Verdicts about batches that were delivered and whose rows impact.com has a say about: awaited, overdue, answered.

Partly accepted is never green, and neither is what nobody could read or what contradicts itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.feedback.sentences import (
    Tone,
    Verdict,
    caveat,
    commands,
    delivered,
    kept,
    kept_besides,
    mend_kept,
    names,
    part,
    reasons,
)
from agent.feedback.wording import count, moment, number
from agent.states import BatchState, ended

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.feedback.story import Delivery, Story

_SAW_IT = "you have seen there what became of it: no answer is awaited any more"
_SILENT = "impact.com has not answered yet"
_TAKEN = "impact.com has it and has not said yet what became of the rows"
_NONE = "none of it was processed: sends the same rows again under a new name"
_AGAIN = "it is not there: sends the same rows again under a new name"


def contradiction(story: Story) -> Verdict | None:
    """Judge a story whose answers cannot be true with what is known; None where there is none of them."""
    concerned = _with(story, "contradicted")
    return _contradicted(story, concerned) if concerned else None


def verdict_of_answers(story: Story) -> Verdict | None:
    """Judge a story by what came back, or has not; None where that leaves nothing to say. The worst comes first."""
    for concerned, teller in (
        (_unread(story), _unclear),
        (_overdue(story), _late),
        (refusing(story), _refused),
        (_miscounted(story), _odd),
        (tuple(d for d in story.deliveries if not ended(d.batch)), _waiting),
    ):
        if concerned:
            return teller(story, concerned)
    return None


def refusing(story: Story) -> tuple[Delivery, ...]:
    """Return the deliveries of which impact.com did not accept every row."""
    return tuple(delivery for delivery in story.deliveries if delivery.batch.refused)


def needs_a_look(story: Story) -> bool:
    """Whether a person has to look at what came back, or at what did not come."""
    return bool(
        _with(story, "contradicted")
        or _unread(story)
        or _overdue(story)
        or refusing(story)
        or _miscounted(story)
    )


def accepted(story: Story) -> tuple[str, ...]:
    """Say how many rows impact.com has processed, and how many of them it refused."""
    processed = story.in_state(BatchState.PROCESSED)
    if not processed:
        return ()
    rows = sum(delivery.batch.rows for delivery in processed)
    refused = sum(delivery.batch.refused or 0 for delivery in processed)
    if not refused:
        return (f"impact.com has processed {count(rows, 'row')} without refusing any.",)
    return (f"impact.com has processed {count(rows, 'row')}; it refused {number(refused)} of them.",)


def _with(story: Story, event: str) -> tuple[Delivery, ...]:
    return tuple(d for d in story.deliveries if any(answer.event == event for answer in d.answers))


def _unread(story: Story) -> tuple[Delivery, ...]:
    waiting = (delivery for delivery in story.deliveries if not ended(delivery.batch))
    return tuple(d for d in waiting if d.answers and d.answers[-1].event == "unclear")


def _overdue(story: Story) -> tuple[Delivery, ...]:
    return tuple(d for d in story.deliveries if d.batch.overdue_at and not ended(d.batch))


def _miscounted(story: Story) -> tuple[Delivery, ...]:
    return tuple(delivery for delivery in story.in_state(BatchState.PROCESSED) if delivery.batch.reason)


def _contradicted(story: Story, concerned: Sequence[Delivery]) -> Verdict:
    remarks = [answer for one in concerned for answer in one.answers if answer.event == "contradicted"]
    return Verdict(
        Tone.BAD,
        part(
            story,
            concerned,
            "What came back contradicts itself",
            "have answers that contradict what is known",
        ),
        (*(f"{answer.name}: {answer.remark}" for answer in remarks), *reasons(concerned)),
        f"Look in impact.com (File Submissions) what became of {names(concerned)}; the answers are kept word for"
        " word in the archive.",
        (),
        caveat(story),
    )


def _unclear(story: Story, concerned: Sequence[Delivery]) -> Verdict:
    return Verdict(
        Tone.CARE,
        part(
            story,
            concerned,
            "An answer came that the agent cannot read",
            "have an answer that cannot be read",
        ),
        _details(story, concerned),
        f"Look in impact.com (File Submissions) what became of {names(concerned)}. If rows of it were processed,"
        " release it; only if none was, resend it. The answer is kept word for word in the archive.",
        (*commands("release", concerned, _SAW_IT), *commands("resend", concerned, _NONE)),
        caveat(story),
    )


def _late(story: Story, concerned: Sequence[Delivery]) -> Verdict:
    since = moment(min(delivery.batch.overdue_at for delivery in concerned), story.zone)
    late = part(story, concerned, "impact.com has not answered in time", "wait for an answer")
    return Verdict(
        Tone.CARE,
        f"{late}; overdue since {since}",
        _details(story, concerned),
        f"Look in impact.com (File Submissions) whether {names(concerned)} was processed. If it was, release it;"
        " only if it is not there, resend it. Should the answer still come, it is taken up.",
        (*commands("release", concerned, _SAW_IT), *commands("resend", concerned, _AGAIN)),
        caveat(story),
    )


def _refused(story: Story, concerned: Sequence[Delivery]) -> Verdict:
    refused = sum(delivery.batch.refused or 0 for delivery in concerned)
    rows = sum(delivery.batch.rows for delivery in story.deliveries)
    of_all = f"{number(refused)} of {count(rows, 'row')}"
    none_left = refused >= rows
    headline = (
        f"impact.com refused all {number(rows)} rows"
        if none_left
        else f"Partly accepted: impact.com refused {of_all}"
    )
    return Verdict(
        Tone.BAD if none_left else Tone.CARE,
        headline,
        (*_still_waiting(story), *delivered(story), *kept_besides(story)),
        "See below which rows, and why. Correct these at their source and drop a file with only these orders; what"
        " was accepted need not be sent again.",
        (),
        caveat(story),
    )


def _odd(story: Story, concerned: Sequence[Delivery]) -> Verdict:
    return Verdict(
        Tone.CARE,
        part(
            story,
            concerned,
            "Processed, but not as it was counted here",
            "were counted otherwise by impact.com",
        ),
        _details(story, concerned),
        f"Compare {names(concerned)} with what impact.com (File Submissions) shows of it.",
        (),
        caveat(story),
    )


def _waiting(story: Story, concerned: Sequence[Delivery]) -> Verdict:
    taken = all(delivery.batch.state == BatchState.TAKEN for delivery in concerned)
    waits = _TAKEN if taken else _SILENT
    if kept(story):
        details = (f"{waits}.", *delivered(story), *accepted(story))
        return Verdict(Tone.CARE, f"Partly sent: {kept(story)}", details, mend_kept(story), (), caveat(story))
    headline = part(story, concerned, f"Delivered; {waits}", "are delivered and wait for impact.com's answer")
    todo = "Nothing. The agent asks for the answer by itself."
    return Verdict(Tone.BUSY, headline, (*delivered(story), *accepted(story)), todo, (), caveat(story))


def _still_waiting(story: Story) -> tuple[str, ...]:
    waiting = [delivery for delivery in story.deliveries if not ended(delivery.batch)]
    wait = "waits" if len(waiting) == 1 else "wait"
    batches = count(len(waiting), "batch", "batches")
    return (f"{batches} still {wait} for impact.com's answer.",) if waiting else ()


def _details(story: Story, concerned: Sequence[Delivery]) -> tuple[str, ...]:
    return (*reasons(concerned), *delivered(story), *kept_besides(story))
