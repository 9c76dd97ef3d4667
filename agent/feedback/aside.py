"""Verdicts about files of which nothing travels: taken, refused, set aside, repeated, empty, called off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.feedback.sentences import (
    Tone,
    Verdict,
    because,
    command,
    drop_folder,
    kept_besides,
    left_out,
    mend_kept,
    passed_over,
)
from agent.feedback.wording import count, number, when
from agent.model import Severity
from agent.states import SubmissionState

if TYPE_CHECKING:
    from agent.feedback.story import Story

_EACH = ("Each is a submission of its own, with an ID, a folder and a report.",)
_UNPACKED = "Unpacked is not sent: what became of a file stands in its own report."
_FOR_GOOD = "leaves it unsent for good"


def received(story: Story) -> Verdict:
    """Judge a file that is taken but not prepared."""
    again = ("Preparing it broke once; it is tried again.",) if story.submission.tries else ()
    return Verdict(
        Tone.BUSY,
        "Taken; nothing is sent yet",
        (*because(story.submission.reason), *again),
        "Nothing. The agent reads and checks the file next.",
    )


def rejected(story: Story) -> Verdict:
    """Judge a file of which nothing could be sent."""
    submission, counts = story.submission, story.counts
    fault = (
        f"{number(counts.bad_orders)} of {count(counts.orders, 'order')} at fault."
        if counts.bad_orders
        else ""
    )
    marks = f" {story.files.rejects} marks the records at fault." if story.files.rejects else ""
    anew = " If the file is right and the settings were wrong, correct the settings and release it."
    read = bool(submission.sha256)
    return Verdict(
        Tone.BAD,
        "Nothing was sent",
        because(submission.reason) or ((fault,) if fault else ()),
        f"Correct {submission.name} as the findings say and drop it into {drop_folder(story)} again, whole,"
        f" for nothing of it was sent.{marks}{anew if read else ''}",
        (command("release", submission.id, "prepares the same file anew"),) if read else (),
    )


def quarantined(story: Story) -> Verdict:
    """Judge a file that is unsafe or broke the agent."""
    submission = story.submission
    cancel = command("cancel", submission.id, _FOR_GOOD)
    if not submission.sha256:
        return Verdict(
            Tone.BAD,
            "Nothing was sent: it was set aside unread",
            because(submission.reason),
            f"Find out where it comes from, and drop a plain copy of the file into {drop_folder(story)}.",
            (cancel,),
        )
    return Verdict(
        Tone.BAD,
        "Nothing was sent: the file was set aside",
        because(submission.reason),
        "Have it looked at by somebody who knows where it comes from before anybody opens it. If it is sound,"
        " release it; if not, cancel it.",
        (command("release", submission.id, "prepares it once more"), cancel),
    )


def duplicate(story: Story) -> Verdict:
    """Judge a file whose bytes came before."""
    submission, first = story.submission, story.first
    before = f"Before: submission {submission.duplicate_of}." if submission.duplicate_of else ""
    if first is not None:
        at = when(first.received_at, story.zone)
        before = f"Before: {first.name}, received {at}, submission {first.id}."
    return Verdict(
        Tone.CARE,
        "Nothing was sent: the same file came before",
        (*because(submission.reason), *((before,) if before else ())),
        "If it was dropped twice by mistake, cancel this one. Release it only if every row is meant to be"
        " sent again: that can put old amounts back.",
        (
            command("cancel", submission.id, _FOR_GOOD),
            command("release", submission.id, "sends all of it again"),
        ),
    )


def unpacked(story: Story) -> Verdict:
    """Judge an archive whose files are submissions of their own; it tells nothing of what becomes of them."""
    many = count(len(story.inside), "file")
    were = "was" if len(story.inside) == 1 else "were"
    aside = sum(group.count for group in story.groups if group.severity is Severity.ERROR)
    if not aside:
        return Verdict(Tone.GOOD, f"{many} {were} inside, each is taken", _EACH, "Nothing.", (), _UNPACKED)
    todo = "Look at those that were set aside: each has a folder and a report in attention/."
    headline = f"{many} {were} inside, {number(aside)} of them set aside"
    return Verdict(Tone.CARE, headline, _EACH, todo, (), _UNPACKED)


def without_batches(story: Story) -> Verdict:
    """Judge a prepared or closed file that has no batch."""
    counts, submission = story.counts, story.submission
    if counts.repeated and not counts.kept_back:
        return Verdict(
            Tone.GOOD,
            "There was nothing new to send",
            (*left_out(story), *passed_over(story)),
            f"Nothing. To send it all the same, drop the file into {drop_folder(story)} again and release it.",
        )
    if counts.records and not counts.kept_back:
        return Verdict(
            Tone.CARE,
            "There was nothing to send",
            (f"The template passed over everything in the file ({count(counts.records, 'record')}).",),
            "If something should have been sent, have the feed's template and the file compared.",
        )
    if submission.state == SubmissionState.CLOSED:
        return Verdict(
            Tone.CARE,
            "Cancelled: nothing was sent",
            because(submission.reason),
            f"Nothing. To send the file after all, drop it into {drop_folder(story)} again.",
        )
    details = (*because(submission.reason), *kept_besides(story))
    return Verdict(Tone.BAD, "Nothing was sent", details, mend_kept(story))
