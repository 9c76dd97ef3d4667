"""The verdict's shape, and the sentences that several verdicts share."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from agent.feedback.wording import count, number
from agent.readers.base import MEND_COLUMN, REASON_COLUMN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.feedback.story import Delivery, Story

_NAMED = 5  # batches, reasons and commands written out; the others stand in the table of batches

_NOT_ASKED = (
    "Delivered is not applied: nobody asked impact.com what became of these rows, because the destination has"
    " no source of acknowledgements. Only impact.com itself can show whether each change was made."
)


class Tone(StrEnum):
    """How a verdict looks; each also has a word, so that colour never stands alone."""

    GOOD = "good"
    CARE = "care"
    BAD = "bad"
    BUSY = "busy"


@dataclass(frozen=True, slots=True)
class Command:
    """A command a person may give next, and what it does."""

    line: str
    effect: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """A story in plain words."""

    tone: Tone
    headline: str
    details: tuple[str, ...] = ()
    todo: str = ""  # the one next step
    commands: tuple[Command, ...] = ()
    caveat: str = ""  # what this verdict does not say


def left_out(story: Story) -> tuple[str, ...]:
    """Say of which records nothing was sent because it was said already, in this file or by an earlier batch."""
    resent = sum(group.count for group in story.groups if group.code == "N-RESENT")
    repeated = story.counts.repeated - resent
    told = []
    if resent:
        told.append(f"{count(resent, 'record')} said what was sent before; that was not sent again.")
    if repeated > 0:
        told.append(f"{count(repeated, 'record')} repeated an earlier one; what that says was sent once.")
    return tuple(told)


def passed_over(story: Story) -> tuple[str, ...]:
    """Say how many records the template left out."""
    skipped = story.counts.skipped
    return (f"The feed's template passed over {count(skipped, 'record')}.",) if skipped else ()


def command(verb: str, subject: str, effect: str) -> Command:
    """Write a command for a submission or batch id."""
    return Command(f'impact-agent {verb} {subject} --why "…"', effect)


def commands(verb: str, concerned: Sequence[Delivery], effect: str) -> tuple[Command, ...]:
    """Write the same command for the first few batches."""
    return tuple(command(verb, delivery.batch.id, effect) for delivery in concerned[:_NAMED])


def because(reason: str) -> tuple[str, ...]:
    """Give the reason of a submission, if it has one."""
    return (f"Why: {reason}",) if reason else ()


def reasons(concerned: Sequence[Delivery]) -> tuple[str, ...]:
    """Give the different reasons of batches, the first few."""
    different = dict.fromkeys(delivery.batch.reason for delivery in concerned if delivery.batch.reason)
    return tuple(f"Why: {reason}" for reason in list(different)[:_NAMED])


def names(concerned: Sequence[Delivery]) -> str:
    """Name the first few batches as they are called at the other end."""
    text = ", ".join(delivery.batch.name for delivery in concerned[:_NAMED])
    return text if len(concerned) <= _NAMED else f"{text} and {number(len(concerned) - _NAMED)} more"


def part(story: Story, concerned: Sequence[Delivery], alone: str, several: str) -> str:
    """Say something of some batches: `alone` where there is one only, else "2 of 3 batches `several`"."""
    if len(story.deliveries) == 1:
        return alone
    return f"{number(len(concerned))} of {number(len(story.deliveries))} batches {several}"


def delivered(story: Story) -> tuple[str, ...]:
    """Say how much was delivered, and where to."""
    sent = story.arrived
    if not sent:
        return ()
    rows = sum(delivery.batch.rows for delivery in sent)
    where = ", ".join(sorted({delivery.batch.destination for delivery in sent}))
    text = (
        f"{count(rows, 'row')} in {count(len(sent), 'batch', 'batches')} {_were(rows)} delivered to {where}."
    )
    return (text,)


def kept(story: Story) -> str:
    """Say what was kept back, in orders where they are known; empty when nothing was."""
    counts = story.counts
    if counts.bad_orders and counts.orders:
        whole = count(counts.orders, "order")
        return f"{number(counts.bad_orders)} of {whole} {_were(counts.bad_orders)} kept back"
    if counts.kept_back:
        whole = count(counts.records, "record")
        return f"{number(counts.kept_back)} of {whole} {_were(counts.kept_back)} kept back"
    return ""


def kept_besides(story: Story) -> tuple[str, ...]:
    """Say beside something graver what was kept back."""
    text = kept(story)
    where = f"they are in {story.files.rejects}" if story.files.rejects else "see the findings"
    return (f"Beside that, {text}; {where}.",) if text else ()


def got_through(concerned: Sequence[Delivery]) -> tuple[str, ...]:
    """Say that an earlier attempt may have arrived, where that is so."""
    text = "An earlier try may have got through; the agent looks before it sends again."
    return (text,) if any(delivery.maybe_there for delivery in concerned) else ()


def drop_folder(story: Story) -> str:
    """Name the folder that corrected files go to."""
    return f"the folder {story.submission.feed}/"


def mend_kept(story: Story) -> str:
    """Say how kept records come back."""
    if story.files.rejects:
        return (
            f"Open {story.files.rejects}: it holds every record that was kept back. Correct it as its columns"
            f" “{REASON_COLUMN}” and “{MEND_COLUMN}” say, and drop it into {drop_folder(story)} as it is."
            " What was sent already is not in it and is not sent again."
        )
    return (
        "Correct the records named below at their source, and drop a file with only these orders into"
        f" {drop_folder(story)}."
    )


def caveat(story: Story) -> str:
    """Say that nobody asked about the rows, where some were delivered and nobody did."""
    return "" if story.asked else _NOT_ASKED


def _were(how_many: int) -> str:
    return "was" if how_many == 1 else "were"
