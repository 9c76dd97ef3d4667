"""Take settled files: claim, record, move away, in groups that share what it costs to be sure.

The order is what makes it safe to die at any point. The bytes are on disk before the ledger names them; the
ledger names them before the original leaves the drop folder; a file that is recorded but still there is known
again by its fingerprint and bytes, and only its move is done.

`LedgerError` and `SpoolError` leave this module and stop the agent, but for a full disk or too many open
files: then the files stay where they are until that has passed.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import repeat
from typing import TYPE_CHECKING

from agent.errors import SpoolError
from agent.stages.intake import faults
from agent.stages.intake.claiming import Claim, Claimer
from agent.stages.intake.dropfolder import working_name
from agent.stages.intake.reading import Copied, Deferred, Pins, Reader, Reading, Refused, Short

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from agent.ledger.ledger import Ledger
    from agent.model import Fault
    from agent.settings.models import Feed
    from agent.settle import Look
    from agent.spool import Spool
    from agent.stages.intake.dropfolder import DropFolder

_ABREAST = 8  # files read at once, for a disk syncs many at the cost of one


@dataclass(slots=True)
class Taking:
    """What became of one group of files."""

    claims: list[Claim] = field(default_factory=list)  # recorded
    deferred: list[Deferred] = field(default_factory=list)
    said: list[tuple[str, Fault]] = field(default_factory=list)  # name, and what to say once
    late: list[str] = field(default_factory=list)  # submissions whose file was written to after it was taken
    short: Fault | None = None  # what the machine has run out of; some of the group were not tried


class Taker:
    """Takes files of one feed."""

    def __init__(self, feed: Feed, folder: DropFolder, ledger: Ledger, spool: Spool) -> None:
        self._marker = feed.ready_marker
        self._folder, self._ledger, self._spool = folder, ledger, spool
        self._reader = Reader(feed, folder, spool)
        self._claimer = Claimer(feed, ledger)

    def take(self, looks: Sequence[Look], *, now: float, twins: Mapping[str, Fault]) -> Taking:
        """Take a group of settled files, each of them or not at all.

        Args:
            looks: what they looked like when they settled.
            now: the wall clock.
            twins: warnings to keep with files, by name.

        """
        with Pins() as pins:
            taking = self._claimed(self._read(looks, pins), now, twins)
            if taking.claims and self._synced(taking):
                self._ledger.commit([claim.change for claim in taking.claims if claim.change], at=now)
                self._move_all(taking)
        return taking

    def _read(self, looks: Sequence[Look], pins: Pins) -> list[Reading]:
        if len(looks) < 2:  # noqa: PLR2004 - one alone needs no threads
            return [self._reader.read(look, pins) for look in looks]
        with ThreadPoolExecutor(_ABREAST, "intake") as pool:
            return list(pool.map(self._reader.read, looks, repeat(pins)))

    def _claimed(self, readings: Iterable[Reading], now: float, twins: Mapping[str, Fault]) -> Taking:
        taking = Taking()
        self._claimer.begin()
        for reading in readings:
            match reading:
                case Copied():
                    twin = twins.get(reading.look.name)
                    taking.claims.append(self._claimer.copied(reading, now=now, twin=twin))
                case Refused():
                    taking.claims.append(self._claimer.refused(reading, now=now))
                case Deferred():
                    taking.deferred.append(reading)
                case Short():
                    taking.short = reading.fault
        return taking

    def _synced(self, taking: Taking) -> bool:
        """Put the group's names in the spool on disk; if the machine is short of something, claim nothing."""
        try:
            self._spool.sync()
        except SpoolError as error:
            taking.short = faults.short_of(error)
            if taking.short is None:
                raise
            taking.claims.clear()
        return bool(taking.claims)

    def _move_all(self, taking: Taking) -> None:
        for claim in taking.claims:
            try:
                self._move(claim, taking)
            except FileNotFoundError:
                taking.said.append((claim.look.name, faults.gone(claim.look, claim.submission.id)))
            except OSError as error:
                taking.deferred.append(Deferred(claim.look, faults.immovable(claim.look, error)))
        self._folder.sync()

    def _move(self, claim: Claim, taking: Taking) -> None:
        """Move one original into `working/`; another file by now goes back and is a new candidate."""
        look, target = claim.look, working_name(claim.submission.id, claim.submission.name)
        self._folder.take_away(look.name, target)
        moved = self._folder.working(target)
        if moved is None or (moved.dev, moved.ino) != (look.dev, look.ino):
            self._folder.give_back(target, look.name)
            return
        if claim.submission.sha256 and moved.fingerprint != look.fingerprint:
            taking.late.append(claim.submission.id)
            taking.said.append((look.name, faults.written_late(look, claim.submission.id)))
        if self._marker:
            self._folder.drop_marker(look.name + self._marker)
