"""Rounds of telling: look what has changed, note it, send what is due, note that it was sent.

What is found is noted before it is told, and that it was told only afterwards. A way that fails is tried again
with growing pauses and hinders nobody; it is said once in the log. While the machine has no room nothing can
be noted: then only that is told, from memory.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.log import say
from agent.model import Notice
from agent.notices import course, faults, files, items
from agent.notices.board import MACHINE
from agent.notices.bulletins import Draft, bulletin
from agent.ways.base import WayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from agent.notices.board import Board
    from agent.settings.models import WayOptions
    from agent.stages.context import Context
    from agent.ways.base import Way

_FIRST, _LONGEST = 60.0, 3600.0  # seconds between two attempts after failures
LATE = 600.0  # seconds after which what is owed should have been told
_MANY = 1000  # notices told in one round, and lines of the audit after which it is noted how far it was read

Audience = tuple[bool, tuple[str, ...]]  # whether it is those who drop files, and their addresses
_NOBODY: Audience = (True, ())  # what was owed to somebody whom the settings name no more


@dataclass(slots=True)
class _Failures:
    """How often in a row an audience could not be told, and when it is tried again."""

    tries: int = 0
    next_at: float = 0.0


class Round:
    """What one way has to tell; used by one thread."""

    def __init__(self, options: WayOptions, way: Way, board: Board) -> None:
        self.options, self.way = options, way
        self._board = board
        self._mark = self._noted = -1  # of the audit, as far as files were looked at; -1: not asked yet
        self._failures: dict[Audience, _Failures] = {}
        self._no_room: Notice | None = None  # what was told about a machine without room

    def tell(self, context: Context, *, at_once: bool = False) -> bool:
        """Look, note and send; true if anybody was told.

        Args:
            context: of the agent.
            at_once: wait neither for what else may happen nor for a way that failed.

        Raises:
            LedgerError: the agent cannot go on.

        """
        if self._tell_of_no_room(context, at_once=at_once):
            return False
        self._look(context)
        sent = [self._send(context, audience, due) for audience, due in self._due(context, at_once=at_once)]
        return any(sent)

    def _look(self, context: Context) -> None:
        place = self.options.place
        if self._mark < 0:
            self._mark = self._noted = context.ledger.notice_mark(place) or 0
        if self.options.tells != "faults":
            changes, self._mark = files.look(context, self.options, self._mark)
            if changes or self._mark - self._noted >= _MANY:
                context.ledger.note(place, changes.kept, gone=changes.gone, mark=self._mark)
                self._noted = self._mark
        if changes := faults.look(context, self.options, self._board):
            context.ledger.note(place, changes.kept, gone=changes.gone)

    def _due(self, context: Context, *, at_once: bool) -> list[tuple[Audience, list[Notice]]]:
        """Return what is to be told now and to whom: when one thing is due, what came since goes along."""
        now, wait = context.now(), 0.0 if at_once else self.options.wait
        groups: dict[Audience, list[Notice]] = {}
        for one in context.ledger.notices_owed(self.options.place, limit=_MANY):
            if course.age(one, now, faults.PASSING) >= 0:
                groups.setdefault(self._audience(context, one), []).append(one)
        if nobodys := groups.pop(_NOBODY, []):
            context.ledger.note(self.options.place, [course.told(one, one.sign, now) for one in nobodys])
        return [
            (audience, group)
            for audience, group in groups.items()
            if max(course.age(one, now, faults.PASSING) for one in group) >= wait
            and self._may_try(audience, now, at_once=at_once)
        ]

    def _audience(self, context: Context, notice: Notice) -> Audience:
        feed, of_people = None, faults.is_of_people(notice.about)
        if of_people:
            found = context.ledger.submission(notice.about.removeprefix(files.PREFIX))
            feed = context.feed(found.feed if found else faults.feed_of(notice.about))
        addressees = self.options.addressees(feed)
        return _NOBODY if addressees is None else (of_people and bool(addressees), addressees)

    def _send(self, context: Context, audience: Audience, due: Sequence[Notice]) -> bool:
        drafts = list(_drafts(context, due))
        if not drafts or not self._sent(context, audience, drafts):
            return False
        told = [course.told(draft.notice, draft.sign, context.now()) for draft in drafts]
        context.ledger.note(self.options.place, told)
        return True

    def _sent(self, context: Context, audience: Audience, drafts: Sequence[Draft]) -> bool:
        """Send drafts; say that people were told or, once, that they could not be."""
        place = self.options.place
        try:
            with bulletin(context, self.options, audience[1], drafts) as made:
                self.way.send(made)
        except WayError as error:
            if self._failed(context, audience):
                say("notice.failed", way=place, notices=len(drafts), reason=str(error))
            return False
        self._failures.pop(audience, None)
        of_people = sum(faults.is_of_people(draft.notice.about) for draft in drafts)
        say("notice.sent", way=place, files=of_people, faults=len(drafts) - of_people)
        return True

    def _failed(self, context: Context, audience: Audience) -> bool:
        """Note a failure; true if it is the first in a row."""
        failures = self._failures.setdefault(audience, _Failures())
        failures.tries += 1
        pause = min(_FIRST * 2.0 ** min(failures.tries - 1, 30), _LONGEST)
        failures.next_at = context.now() + pause * (0.5 + context.dice() / 2)
        return failures.tries == 1

    def _may_try(self, audience: Audience, now: float, *, at_once: bool) -> bool:
        failures = self._failures.get(audience)
        return at_once or failures is None or not now < failures.next_at <= now + _LONGEST

    def _tell_of_no_room(self, context: Context, *, at_once: bool) -> bool:
        """Tell that the machine has run out of something, or has no more; true while it has."""
        concern, old, now = self._board.standing().get(MACHINE), self._no_room, context.now()
        if concern is None and old is None:
            return False
        notice = old or Notice(self.options.place, MACHINE, "", "", now)
        due = concern is None or not notice.told_at or notice.told_at + self.options.repeat <= now
        notice = replace(notice, words=concern.words) if concern else replace(notice, over_at=now)
        addressees = self.options.addressees(None)
        audience = (False, addressees or ())
        wanted = self.options.tells != "files" and addressees is not None
        drafts = [Draft(notice, items.of_fault(notice), "")]
        if (
            due
            and wanted
            and self._may_try(audience, now, at_once=at_once)
            and self._sent(context, audience, drafts)
        ):
            self._no_room = course.told(notice, "", now) if concern else None
        return concern is not None


def untold(context: Context) -> dict[str, tuple[Notice, ...]]:
    """Return what should have been told by now and was not, by way; the oldest first."""
    late = {}
    for options in context.settings.notices:
        before = context.now() - options.wait - LATE
        owed = context.ledger.notices_owed(options.place, limit=_MANY)
        if found := tuple(one for one in owed if one.owed_at < before):
            late[options.place] = found
    return late


def _drafts(context: Context, due: Sequence[Notice]) -> Iterator[Draft]:
    """Make what is told, as it stands now; a file that stands otherwise for the moment is left for later."""
    for one in due:
        if not one.about.startswith(files.PREFIX):
            yield Draft(one, items.of_fault(one), one.sign)
        elif story := items.story_of(context, one):
            item = items.of_file(story, one)
            yield Draft(one, item, item.headline, story)


class Notices:
    """All the ways of one agent; each is used by one thread.

    Args:
        context: returns the agent's context; it changes with the settings.
        open_way: makes a way; None: nobody is told.
        board: what troubles the agent and stands in no ledger.
    """

    def __init__(
        self, context: Callable[[], Context], open_way: Callable[[WayOptions], Way] | None, board: Board
    ) -> None:
        self._context, self._open_way, self._board = context, open_way, board
        self._rounds: dict[str, Round] = {}

    def begin(self) -> None:
        """Have each way begin here: what happened before it was there is not told."""
        context = self._context()
        for options in context.settings.notices:
            mark = context.ledger.notice_mark(options.place)
            if mark is None or options.tells == "faults":
                context.ledger.note(options.place, [], mark=context.ledger.audit_end())

    def tell(self, place: str, *, at_once: bool = False) -> bool:
        """Make a round by one way; true if anybody was told.

        Raises:
            LedgerError: the agent cannot go on.

        """
        turn = self._round(place)
        return turn is not None and turn.tell(self._context(), at_once=at_once)

    def tidy(self, place: str) -> None:
        """Let go of a way whose settings are others now; to be called by the way's thread."""
        known = self._rounds.get(place)
        if known is not None and known.options != self._options(place):
            del self._rounds[place]
            known.way.close()

    def close(self) -> None:
        """Let go of all ways, and cut short what is under way."""
        for known in tuple(self._rounds.values()):
            known.way.close()

    def _options(self, place: str) -> WayOptions | None:
        return next((one for one in self._context().settings.notices if one.place == place), None)

    def _round(self, place: str) -> Round | None:
        self.tidy(place)
        options = self._options(place)
        if place not in self._rounds and options is not None and self._open_way is not None:
            self._rounds[place] = Round(options, self._open_way(options), self._board)
        return self._rounds.get(place)
