"""What the agent says while it works: events with facts, never prose, never row contents or secrets.

Every event has its name, weight and meaning in `EVENTS`; `say` refuses any other. On a terminal the lines are
for people; under systemd they go to the journal, with a field for each fact; elsewhere they are JSON, one
object a line, on standard error.
"""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

import structlog

from agent.journal import SOCKET, Journal, is_journal

if TYPE_CHECKING:
    from pathlib import Path

    from structlog.typing import EventDict, Processor

EVENTS: dict[str, tuple[int, str]] = {
    "agent.started": (logging.INFO, "The agent holds its lock and the ledger is sound."),
    "agent.ready": (logging.INFO, "Every folder was looked into for the first time."),
    "agent.stopping": (logging.INFO, "A stop was asked for; what is at hand is brought to a safe point."),
    "agent.stopped": (logging.INFO, "Everything is at rest."),
    "agent.failed": (logging.CRITICAL, "The agent cannot go on; nothing is lost, start it again."),
    "settings.reloaded": (logging.INFO, "New settings were read; all work goes on with them."),
    "settings.refused": (logging.ERROR, "New settings are wrong; all work goes on with the old ones."),
    "monitor.listening": (logging.INFO, "Metrics and health can be asked for."),
    "folder.watched": (logging.INFO, "A drop folder is watched and scanned."),
    "folder.degraded": (logging.WARNING, "The kernel's hints are not to be had; the scan alone finds files."),
    "folder.troubled": (logging.WARNING, "Something in a drop folder needs a person; said once."),
    "file.waiting": (logging.WARNING, "A dropped file has not settled for a long time."),
    "submission.taken": (logging.INFO, "A dropped file is in the spool."),
    "submission.prepared": (logging.INFO, "Its batches are written."),
    "submission.unpacked": (logging.INFO, "Each file inside it is a submission of its own."),
    "submission.refused-unread": (logging.WARNING, "Nothing of it may be sent; the folder says why."),
    "submission.rejected": (logging.WARNING, "Nothing of it may be sent; the folder says why."),
    "submission.quarantined": (logging.WARNING, "It is unsafe or broke the worker; the folder says why."),
    "submission.repeated": (logging.WARNING, "The same bytes came before; held."),
    "submission.broke": (logging.WARNING, "Preparing broke; it is tried once more."),
    "submission.told": (logging.INFO, "The folder says where it stands."),
    "submission.closed": (logging.INFO, "Every batch ended; archived."),
    "batch.started": (logging.DEBUG, "An attempt begins."),
    "batch.sent": (logging.INFO, "Delivered."),
    "batch.deferred": (logging.WARNING, "It did not work; another attempt follows."),
    "batch.in-doubt": (logging.ERROR, "It may have arrived; a person decides."),
    "batch.held": (logging.ERROR, "It waits for a person."),
    "batch.failed": (logging.ERROR, "It cannot be sent."),
    "batch.recovered": (logging.WARNING, "The agent had died while sending it."),
    "spool.full": (logging.ERROR, "There is no room; files stay where they are until there is."),
    "spool.swept": (logging.INFO, "Old scratch was removed."),
    "spool.orphaned": (logging.WARNING, "Files lie in the spool that the ledger does not know; kept."),
    "step.abandoned": (logging.ERROR, "A step did not come to rest in time; the next start takes it up."),
    "step.failed": (logging.ERROR, "A step failed in a way nobody foresaw; it is tried again later."),
    "batch.taken": (logging.INFO, "impact.com has said that it has it."),
    "batch.processed": (logging.INFO, "impact.com has said what became of its rows."),
    "batch.bounced": (logging.ERROR, "The mail that carried it came back."),
    "batch.unclear": (logging.ERROR, "An answer came that the agent cannot read; a person does."),
    "batch.overdue": (logging.ERROR, "impact.com has not answered in time."),
    "batch.contradicted": (logging.ERROR, "An answer cannot be true with what is known; a person looks."),
    "batch.settled": (logging.INFO, "No answer is awaited any more."),
    "acknowledgement.fetched": (logging.INFO, "Something came back; it is kept as it came."),
    "acknowledgement.applied": (logging.INFO, "The batches it speaks of know of it."),
    "acknowledgement.came-early": (logging.INFO, "It speaks of a batch that is being sent just now."),
    "acknowledgement.unmatched": (logging.WARNING, "It speaks of no batch of ours; it is kept."),
    "source.failed": (logging.WARNING, "A source of acknowledgements cannot be asked; said once."),
    "source.recovered": (logging.INFO, "It can be asked again."),
    "notice.sent": (logging.INFO, "People were told of so many files and faults."),
    "notice.failed": (logging.WARNING, "People could not be told; it is tried again, and said once."),
    "destination.paused": (logging.WARNING, "The destination is left alone for a while."),
}

_log = structlog.get_logger("agent")
_MACHINE_TIME = structlog.processors.TimeStamper(fmt="iso", utc=True)
_JSON = structlog.processors.JSONRenderer()


def say(event: str, /, **facts: object) -> None:
    """Log an event of the catalogue with its facts (ids, counts, durations, reasons).

    Where the log cannot be written (a full disk, nobody who reads the pipe) work goes on without it.

    Raises:
        KeyError: the event is not in the catalogue.

    """
    level, _ = EVENTS[event]
    with suppress(OSError):
        _log.log(level, event, **facts)


def configure(
    *,
    stream: TextIO | None = None,
    as_json: bool | None = None,
    level: int = logging.INFO,
    without: tuple[str, ...] = (),
    journal: Path = SOCKET,
) -> None:
    """Choose where events go: `stream` is standard error unless given; JSON unless it is a terminal.

    Events whose names begin with one of `without` are left out, because somebody else tells them. Where the
    stream leads to systemd's journal and nothing else is asked for, they go to the socket `journal`.
    """
    target = stream or sys.stderr
    plain = target.isatty() if as_json is None else not as_json
    stamp = structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False) if plain else _MACHINE_TIME
    renderer = structlog.dev.ConsoleRenderer(colors=target.isatty()) if plain else _JSON
    first = [_to_journal(Journal(journal))] if as_json is None and is_journal(target) else []
    level_of = structlog.processors.add_log_level
    structlog.configure(
        processors=[_leave_out(without), level_of, _short, *first, stamp, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(target),
        cache_logger_on_first_use=False,
    )


def _leave_out(beginnings: tuple[str, ...]) -> Processor:
    def let_through(_logger: object, _name: str, event: EventDict) -> EventDict:
        if str(event["event"]).startswith(beginnings):
            raise structlog.DropEvent
        return event

    return let_through


def _to_journal(journal: Journal) -> Processor:
    """Make what hands events to the journal; those it would not have go on to the stream."""

    def hand_over(_logger: object, _name: str, event: EventDict) -> EventDict:
        facts = {name: value for name, value in event.items() if name not in {"event", "level"}}
        if journal.write(str(event["event"]), str(event["level"]), facts):
            raise structlog.DropEvent
        return event

    return hand_over


def _short(_logger: object, _name: str, event: EventDict) -> EventDict:
    """Keep a reason from a far side to one short line."""
    for key, value in event.items():
        if isinstance(value, str) and (len(value) > 500 or "\n" in value):  # noqa: PLR2004 - characters of one line
            event[key] = value.replace("\n", " ")[:500]
    return event
