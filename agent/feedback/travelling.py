"""Verdicts about batches that are on their way, stuck, lost from sight, refused or called off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.feedback.sentences import (
    Tone,
    Verdict,
    caveat,
    commands,
    delivered,
    got_through,
    kept_besides,
    names,
    part,
    reasons,
)
from agent.feedback.story import Fate
from agent.feedback.wording import moment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.feedback.story import Delivery, Story

_AGAIN = "sends the same bytes again"
_FOR_GOOD = "leaves it unsent for good"


def in_doubt(story: Story, concerned: Sequence[Delivery]) -> Verdict:
    """Judge batches of which nobody knows whether they arrived."""
    return Verdict(
        Tone.BAD,
        part(story, concerned, "It may or may not have arrived", "may or may not have arrived"),
        _details(story, concerned),
        f"Look in impact.com whether {names(concerned)} was received. Only if it surely was not, resend it;"
        " if it was, release it: it then counts as delivered.",
        (
            *commands("resend", concerned, f"it is not there: {_AGAIN}"),
            *commands("release", concerned, "it is there: counts it as delivered"),
        ),
        caveat(story),
    )


def failed(story: Story, concerned: Sequence[Delivery]) -> Verdict:
    """Judge batches that trying again cannot help."""
    return Verdict(
        Tone.BAD,
        part(story, concerned, "It was not delivered", "were not delivered"),
        _details(story, concerned, *got_through(concerned)),
        "The agent does not try again by itself. Have the cause removed, then resend; or cancel.",
        (*commands("resend", concerned, _AGAIN), *commands("cancel", concerned, _FOR_GOOD)),
        caveat(story),
    )


def held(story: Story, concerned: Sequence[Delivery]) -> Verdict:
    """Judge batches that wait for a person."""
    return Verdict(
        Tone.CARE,
        part(story, concerned, "Held: waiting for a person", "are held: waiting for a person"),
        _details(story, concerned, *got_through(concerned)),
        "Look at the reason and at the findings, then decide: release or cancel.",
        (*commands("release", concerned, "sends it"), *commands("cancel", concerned, _FOR_GOOD)),
        caveat(story),
    )


def deferred(story: Story, concerned: Sequence[Delivery]) -> Verdict:
    """Judge batches that wait for their next try."""
    due = min(delivery.batch.due_at for delivery in concerned)
    following = f"next try at {moment(due, story.zone)}" if due else "the next try follows at once"
    waiting = part(story, concerned, "Waiting: it could not be delivered yet", "could not be delivered yet")
    return Verdict(
        Tone.CARE,
        f"{waiting}; {following}",
        _details(story, concerned, *got_through(concerned)),
        "Nothing yet: the agent tries again by itself. If it goes on, have the destination"
        f" {concerned[0].batch.destination} checked.",
        (),
        caveat(story),
    )


def under_way(story: Story, concerned: Sequence[Delivery]) -> Verdict:
    """Judge batches that go out now."""
    return Verdict(
        Tone.BUSY,
        part(story, concerned, "On its way", "are on their way"),
        _details(story, ()),
        "Nothing. The agent is sending it.",
        (),
        caveat(story),
    )


def cancelled(story: Story, concerned: Sequence[Delivery]) -> Verdict:
    """Judge a story that ended with batches called off by a person."""
    doubtful = any(delivery.fate is Fate.DOUBT for delivery in concerned)
    if story.arrived:
        headline = f"Partly sent: {part(story, concerned, '', 'cancelled')}"
    else:
        headline = "Cancelled; it may have arrived before that" if doubtful else "Cancelled: nothing was sent"
    return Verdict(
        Tone.BAD if doubtful else Tone.CARE,
        headline,
        _details(story, concerned),
        "Nothing, if that was meant. A cancelled batch can still be sent.",
        commands("resend", concerned, "sends it after all"),
        caveat(story),
    )


def _details(story: Story, concerned: Sequence[Delivery], *more: str) -> tuple[str, ...]:
    return (*reasons(concerned), *more, *delivered(story), *kept_besides(story))
