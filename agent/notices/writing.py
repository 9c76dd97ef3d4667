"""Writes what is told in words: a subject on one line, and a text for people. Pure.

One thing is told whole; of several each has a few lines, and its report lies in the folder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.feedback.wording import count, fold, when

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agent.ways.base import Item

_WIDTH = 76  # columns
_LONGEST_SUBJECT = 180  # characters
_LONGEST_NAME = 80
_WELL = frozenset({"over", "done"})


def subject(items: Sequence[Item], more: int = 0) -> str:
    """Say on one line what is told."""
    text = _of_one(items[0]) if len(items) == 1 and not more else _of_several(items, more)
    return text if len(text) <= _LONGEST_SUBJECT else f"{text[: _LONGEST_SUBJECT - 1]}…"


def text(items: Sequence[Item], more: int, *, report: bool, host: str) -> str:
    """Write all of it.

    Args:
        items: what is told.
        more: how many things there are beyond those.
        report: whether the report of the file goes along.
        host: name of the machine the agent runs on.

    """
    alone = len(items) == 1 and not more
    blocks = ["\n".join(_block(item, whole=alone)) for item in items]
    if more:
        blocks.append(f"and {count(more, 'other')}: `impact-agent status` names what waits.")
    if report:
        blocks.append("\n".join(fold("The attached report names every row concerned.", _WIDTH)))
    footer = f"-- \nWritten by the impact agent on {host}.\nNobody reads what is answered to this mail."
    return "\n\n".join([*blocks, footer]) + "\n"


def _of_one(item: Item) -> str:
    name = _cut(item.title, _LONGEST_NAME)
    if item.submission:
        begin = "Settled: " if item.state == "over" else ""
        return f"{begin}{item.headline} — {name}"
    begin = "Still: " if item.state == "lasts" else "Over: " if item.state == "over" else ""
    told = f"{begin}{name}: {item.headline}"
    return told[:1].upper() + told[1:] if not item.feed else told


def _of_several(items: Sequence[Item], more: int) -> str:
    well = sum(item.state in _WELL for item in items)
    waiting = len(items) - well + more
    of_files = all(item.feed for item in items)
    parts = []
    if waiting:
        need = "needs" if waiting == 1 else "need"
        parts.append(f"{count(waiting, 'file')} {need} somebody" if of_files else count(waiting, "fault"))
    if well:
        parts.append(f"{well} {'settled' if of_files else 'over'}")
    feeds = sorted({item.feed for item in items if item.feed})
    where = f" — {_cut(', '.join(feeds), _LONGEST_NAME)}" if feeds else ""
    return f"{', '.join(parts)}{where}"


def _block(item: Item, *, whole: bool) -> Iterator[str]:
    yield from fold(f"{item.title}: {item.headline}", _WIDTH)
    if item.state not in _WELL or whole:
        for detail in item.details:
            yield from _indented(detail)
        if item.todo:
            yield from _indented(f"What to do: {item.todo}")
        for line, effect in item.commands:
            yield f"    {line}"
            yield from _indented(effect, 8)
    yield from _indented(f"Since {when(item.since, None)}.")
    if item.folder:
        yield f"  Folder: {item.feed}/{item.folder}"
    if item.submission:
        yield f"  Submission: {item.submission}"


def _indented(words: str, by: int = 2) -> Iterator[str]:
    return (" " * by + line for line in fold(words, _WIDTH - by))


def _cut(words: str, most: int) -> str:
    return words if len(words) <= most else f"{words[: most - 1]}…"
