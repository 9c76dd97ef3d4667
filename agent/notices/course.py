"""The course of a notice: found, changed, told, told again while it lasts, over. Pure.

What is over before anybody was told of it is told to nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from agent.model import Notice

if TYPE_CHECKING:
    from agent.notices.board import Concern


@dataclass(slots=True)
class Changes:
    """What is to be noted about notices."""

    kept: list[Notice] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)  # about these nothing is kept any more

    def __bool__(self) -> bool:
        return bool(self.kept or self.gone)

    def add(self, notice: Notice | None) -> None:
        """Add a notice that has changed; None: it has not."""
        if notice is not None:
            self.kept.append(notice)


def found(old: Notice | None, concern: Concern, way: str, now: float) -> Notice | None:
    """Return what becomes of a notice when its concern is found to last; None: it stays as it is."""
    owed_at = now + concern.patience
    if old is None or (old.over_at and not old.owed_at):
        return Notice(way, concern.about, concern.words, concern.sign, now, owed_at)
    is_news = concern.sign != old.told or not old.told_at
    if old.over_at:  # and nobody has heard yet that it was
        return replace(
            old, words=concern.words, sign=concern.sign, over_at=0.0, owed_at=owed_at if is_news else 0.0
        )
    if (concern.words, concern.sign) == (old.words, old.sign):
        return None
    if not is_news:
        owed_at = 0.0 if concern.sign != old.sign else old.owed_at
    elif old.owed_at:
        owed_at = min(old.owed_at, owed_at)
    return replace(old, words=concern.words, sign=concern.sign, owed_at=owed_at)


def over(old: Notice, words: str, sign: str, now: float, changes: Changes) -> None:
    """Note that what was found is over; `words` say how it stands now, "" keeps what is there."""
    if old.over_at:
        return
    if not old.told_at:
        changes.gone.append(old.about)
        return
    changes.kept.append(replace(old, words=words or old.words, sign=sign, over_at=now, owed_at=now))


def passed(old: Notice, changes: Changes) -> None:
    """Note that something neither needs anybody now nor has ended: what is owed about it is told to nobody."""
    if old.owed_at and old.told_at:
        changes.kept.append(replace(old, owed_at=0.0, over_at=0.0))
    elif old.owed_at:
        changes.gone.append(old.about)


def age(notice: Notice, now: float, longest: float) -> float:
    """Return for how many seconds it has been owed; negative: not yet, infinite: the clock was set back since.

    `longest` is the longest patience there is.
    """
    return now - notice.owed_at if notice.owed_at <= now + longest else float("inf")


def again(old: Notice, repeat: float, now: float) -> Notice | None:
    """Return the notice of something that lasts, if it is time to tell it again."""
    lasts = old.told_at and not old.over_at and not old.owed_at
    recently = old.told_at <= now < old.told_at + repeat  # neither, where the clock was set back
    return replace(old, owed_at=now) if lasts and not recently else None


def told(old: Notice, sign: str, now: float) -> Notice:
    """Return a notice after people were told."""
    return replace(old, sign=sign, told=sign, told_at=now, owed_at=0.0)
