"""An acknowledgement that is kept is read, matched to the batches it speaks of, and these hear of it.

Matched by our own file name, which is unique, or by the batch's id in it; then by the Message-ID of the mail
that carried the batch. What matches nothing is kept and said. Each batch hears the same thing once.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from agent.acks.base import Stage
from agent.acks.reading import read
from agent.errors import SpoolError
from agent.impact.answers import meanings
from agent.ledger.ids import BATCH_ID
from agent.ledger.transition import Transition
from agent.mail.addresses import batch_of
from agent.model import Answer as Noted
from agent.model import Paper
from agent.stages.acknowledge.consequence import consequence
from agent.stages.acknowledge.keeping import ENDINGS
from agent.states import AnswerState, SubmissionState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agent.acks.base import Answer, Kind, Refusal
    from agent.model import Acknowledgement, Batch
    from agent.stages.acknowledge.consequence import Consequence
    from agent.stages.context import Context

_TOKEN = re.compile(BATCH_ID)
_SILENT = frozenset({"heard"})  # events that change nothing a report tells


def hear(context: Context, acknowledgement: str) -> list[Transition]:
    """Read an acknowledgement and say what follows, all of it to be committed together.

    Nothing follows yet while a batch it speaks of is being sent and it is known to be early.

    Raises:
        SpoolError: the disk does not let us read or write.

    """
    found = context.ledger.acknowledgement(acknowledgement)
    if found is None:
        raise LookupError(f"there is no acknowledgement {acknowledgement}")
    if found.state not in {AnswerState.KEPT, AnswerState.EARLY}:
        return []
    try:
        content = context.spool.verify(found.path, found.sha256).read_bytes()
    except SpoolError as error:
        if isinstance(error.__cause__, OSError) and not isinstance(error.__cause__, FileNotFoundError):
            raise
        return [_moved(found, "unmatched", f"it cannot be read any more: {error}")]
    return _Hearing(context, found).follow(read(_kind(found), found.name, content))


def _kind(found: Acknowledgement) -> Kind:
    return next(kind for kind, ending in ENDINGS.items() if found.path.endswith(ending))


def _moved(found: Acknowledgement, event: str, remark: str) -> Transition:
    return Transition(found.id, "acknowledgement", event, reason=remark)


class _Hearing:
    """One acknowledgement being heard."""

    def __init__(self, context: Context, found: Acknowledgement) -> None:
        self._context, self._ledger, self._found = context, context.ledger, found
        self._early = False
        self._opened: set[str] = set()  # submissions that it has opened again: once is enough

    def follow(self, answers: Sequence[Answer]) -> list[Transition]:
        """Return what follows from all that it says."""
        told = _agreed([found for answer in answers for found in self._matched(answer)])
        changes: list[Transition] = []
        seen: set[tuple[str, str]] = set()
        for batch, answer in told:
            if (batch.id, answer.stage) not in seen and not self._heard_before(batch, answer):
                seen.add((batch.id, answer.stage))
                changes += self._about(self._as_moved(batch, changes), answer)
        if self._early:
            return [] if self._found.state == AnswerState.EARLY else [*self._only_early()]
        remark = "; ".join(dict.fromkeys(answer.remark for answer in answers if answer.remark))
        return [*changes, _moved(self._found, "applied" if told else "unmatched", remark)]

    def _only_early(self) -> Iterator[Transition]:
        yield _moved(self._found, "came-early", "a batch it speaks of is being sent just now")

    def _matched(self, answer: Answer) -> list[tuple[Batch, Answer]]:
        """Return the batch an answer is about; where it speaks of several, a person has to choose."""
        found = self._spoken_of(answer)
        if len(found) > 1:
            named = ", ".join(batch.name for batch in found)
            answer = replace(answer, stage=Stage.UNCLEAR, remark=f"it speaks of several batches: {named}")
        return [(batch, answer) for batch in found]

    def _spoken_of(self, answer: Answer) -> list[Batch]:
        """Return the batches an answer speaks of: by name, by id in a name, by Message-ID."""
        found: dict[str, Batch] = {}
        for name in answer.names:
            named = self._ledger.batches_named(name)
            ids = filter(None, map(self._ledger.batch, dict.fromkeys(_TOKEN.findall(name.lower()))))
            found.update((batch.id, batch) for batch in (*named, *ids))
        if not found:
            wanted = filter(None, map(batch_of, answer.message_ids))
            found.update((batch.id, batch) for batch in filter(None, map(self._ledger.batch, wanted)))
        return list(found.values())

    def _heard_before(self, batch: Batch, answer: Answer) -> bool:
        heard = self._ledger.answers(batch.id)
        return any(one.acknowledgement == self._found.id and one.stage == answer.stage for one in heard)

    def _as_moved(self, batch: Batch, changes: Sequence[Transition]) -> Batch:
        """Return the batch as it will be after what was decided already."""
        for change in changes:
            if change.subject == batch.id and change.answer is not None:
                batch = replace(batch, state=_STATES.get(change.event, batch.state))
        return batch

    def _about(self, batch: Batch, answer: Answer) -> Iterator[Transition]:
        follows = consequence(batch, self._ledger.attempts(batch.id), answer)
        if follows is None:
            self._early = True
            return
        if follows.event not in _SILENT:
            yield from self._reopened(batch)
        yield self._change(batch, answer, follows)

    def _reopened(self, batch: Batch) -> Iterator[Transition]:
        owner = self._ledger.submission(batch.submission)
        if owner is not None and owner.state == SubmissionState.CLOSED and owner.id not in self._opened:
            self._opened.add(owner.id)
            note = f"an answer came later: {self._found.id}"
            yield Transition(owner.id, "submission", "reopened", reason=owner.reason, note=note)

    def _change(self, batch: Batch, answer: Answer, follows: Consequence) -> Transition:
        paper = self._refusals(batch, answer)
        noted = Noted(
            self._found.id, batch.id, answer.stage, self._context.now(), follows.event,
            answer.records, answer.refused, answer.remark, paper.path if paper else "",
        )  # fmt: skip
        found = self._found
        verbatim = Paper("acknowledgement", found.path, found.sha256, found.size)
        awaited = follows.event == "taken" and self._context.awaits(batch.destination)
        return Transition(
            batch.id,
            "batch",
            follows.event,
            reason=follows.reason,
            note=f"{found.id}: {answer.remark}" if answer.remark else found.id,
            attempt=follows.attempt,
            papers=(verbatim, paper) if paper else (verbatim,),
            awaited=awaited if follows.event in {"taken", "processed", "bounced"} else None,
            answer=noted,
        )

    def _refusals(self, batch: Batch, answer: Answer) -> Paper | None:
        """Write the list of refused rows where there is one: JSON lines, one refusal each, in plain words."""
        if not answer.refusals:
            return None
        lines = (json.dumps(_told(one), ensure_ascii=False) + "\n" for one in answer.refusals)
        place = f"spool/papers/{batch.submission}/refused-{batch.id}-{self._found.id}"
        return self._context.spool.write(place, "".join(lines).encode("utf-8", "replace")).paper("refused")


def _agreed(told: Sequence[tuple[Batch, Answer]]) -> list[tuple[Batch, Answer]]:
    """Choose none of several results for one batch that contradict each other, or that cannot all be read."""
    results: dict[str, set[int | None]] = {}  # refused rows; None: somebody has to read it
    for batch, answer in told:
        if answer.stage in {Stage.PROCESSED, Stage.UNCLEAR}:
            results.setdefault(batch.id, set()).add(answer.refused)
    torn = {batch for batch, counts in results.items() if len(counts) > 1}
    remark = "it brings several results for this batch, which contradict each other or cannot all be read"
    return [
        (batch, replace(answer, stage=Stage.UNCLEAR, remark=remark))
        if batch.id in torn and answer.stage == Stage.PROCESSED
        else (batch, answer)
        for batch, answer in told
    ]


def _told(refusal: Refusal) -> dict[str, object]:
    found = meanings(refusal.code)
    said = "; ".join(filter(None, (refusal.status, refusal.words)))
    return {
        "line": refusal.line,
        "order": refusal.order,
        "sku": refusal.sku,
        "code": refusal.code,
        "words": " ".join(dict.fromkeys(one.words for one in found)),
        "mend": " ".join(dict.fromkeys(one.mend for one in found)),
        "said": said,
    }


_STATES = {"taken": "TAKEN", "processed": "PROCESSED", "bounced": "FAILED"}
