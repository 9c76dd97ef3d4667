"""What one answer means for one batch: an event of the batch's machine, or that it came too early. Pure.

An answer about the batch's bytes proves that they arrived, whatever we knew. What cannot be true with what we
know changes nothing; it is kept, and a person hears of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.acks.base import Stage
from agent.feedback.wording import count, number
from agent.states import ARRIVED, BatchState, Phase, doubtful

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.acks.base import Answer
    from agent.model import Attempt, Batch

_AWAITED = frozenset({BatchState.SENT, BatchState.TAKEN})
_OPEN = frozenset(  # may have arrived: those who were never tried are told apart before
    {BatchState.IN_DOUBT, BatchState.DEFERRED, BatchState.HELD, BatchState.READY}
)


@dataclass(frozen=True, slots=True)
class Consequence:
    """What follows for a batch."""

    event: str  # of the batch's machine
    reason: str = ""  # for whoever looks at the batch; "" where all is well
    attempt: Attempt | None = None  # the one that the answer is about, as it is known to have ended now


def consequence(batch: Batch, attempts: Sequence[Attempt], answer: Answer) -> Consequence | None:
    """Say what an answer means for a batch; None: it comes before the attempt has ended, hear it later."""
    if batch.state == BatchState.SENDING:
        return None
    if batch.state not in ARRIVED and not doubtful(attempts):
        return _contradicted(f"an answer came, though nothing of this batch was sent: {answer.remark}")
    meant = _MEANINGS.get(answer.stage)
    return meant(batch, attempts, answer) if meant else Consequence("heard")


def _taken(batch: Batch, attempts: Sequence[Attempt], _answer: Answer) -> Consequence:
    if batch.state == BatchState.SENT:
        return Consequence("taken")
    if batch.state in _OPEN:
        return Consequence("taken", attempt=_arrived(attempts))
    if batch.state in ARRIVED:
        return Consequence("heard")
    return _contradicted(f"impact.com has taken it, though here it is {batch.state}")


def _processed(batch: Batch, attempts: Sequence[Attempt], answer: Answer) -> Consequence:
    refused = answer.refused
    if refused is None or refused > batch.rows:
        words = answer.remark if refused is None else f"{number(refused)} refused rows are more than it has"
        return _unclear(batch, words)
    if batch.state == BatchState.PROCESSED:
        return _processed_again(batch, refused)
    if batch.state in _AWAITED:
        return Consequence("processed", _miscounted(batch, answer))
    if batch.state in _OPEN:
        return Consequence("processed", _miscounted(batch, answer), _arrived(attempts))
    return _contradicted(f"impact.com has processed it, though here it is {batch.state}")


def _processed_again(batch: Batch, refused: int) -> Consequence:
    if refused == batch.refused:
        return Consequence("heard")
    before = "an unknown number" if batch.refused is None else number(batch.refused)
    return _contradicted(f"two results contradict each other: {before} rows refused, then {number(refused)}")


def _bounced(batch: Batch, attempts: Sequence[Attempt], answer: Answer) -> Consequence:
    words = answer.remark or "the mail came back"
    if batch.state in {BatchState.SENT, BatchState.IN_DOUBT}:
        carried = doubtful(attempts)[-1:]
        back = [replace(one, outcome="bounced", evidence=answer.remark) for one in carried]
        return Consequence("bounced", words, *back)
    if batch.state in {BatchState.TAKEN, BatchState.PROCESSED}:
        return _contradicted(f"{words}; yet impact.com has answered it")
    return Consequence("heard", words)


def _arrived(attempts: Sequence[Attempt]) -> Attempt:
    """Note with the last attempt in doubt that it got through."""
    last = doubtful(attempts)[-1]
    return replace(last, phase=Phase.PUBLISHED, outcome="answered", evidence="impact.com answered it")


def _miscounted(batch: Batch, answer: Answer) -> str:
    """Say so where impact.com has counted other rows than were sent; nobody knows what it counts."""
    if answer.records is None or answer.records == batch.rows:
        return ""
    has = count(batch.rows, "row")
    return f"impact.com counted {count(answer.records, 'record')}, the batch has {has}: have a look there"


def _not_understood(batch: Batch, _attempts: Sequence[Attempt], answer: Answer) -> Consequence:
    return _unclear(batch, answer.remark)


def _unclear(batch: Batch, remark: str) -> Consequence:
    if batch.state not in _AWAITED:
        return Consequence("heard")
    why = f" ({remark})" if remark else ""
    return Consequence("unclear", f"an answer came that the agent cannot read{why}; a person has to read it")


def _contradicted(words: str) -> Consequence:
    return Consequence("contradicted", words)


_MEANINGS: dict[Stage, Callable[[Batch, Sequence[Attempt], Answer], Consequence]] = {
    Stage.TAKEN: _taken,
    Stage.PROCESSED: _processed,
    Stage.BOUNCED: _bounced,
    Stage.UNCLEAR: _not_understood,
}
