"""Which sheet of a workbook is read: the one that the feed names, or the only visible one with anything in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol, TypeVar

from agent.model import Fault
from agent.readers.base import refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LONGEST = 31  # characters of a sheet's name in an .xlsx
_NOT_ALLOWED = re.compile(r"[\[\]:*?/\\]|^'|'$")


class _Sheet(Protocol):
    @property
    def height(self) -> int: ...


Some = TypeVar("Some", bound=_Sheet)


def choose_sheet(
    names: Mapping[str, bool], wanted: str, load: Callable[[str], Some]
) -> tuple[Some, tuple[Fault, ...]]:
    """Choose a sheet; return it, and what is to be said about others.

    Args:
        names: of all sheets that hold tables, in their order, and whether each is visible.
        wanted: what the feed says: a name, a number from 1, or nothing.
        load: returns a sheet by its name, or refuses it.

    Raises:
        RefusedFile: E-SHEET, E-EMPTY, or what `load` raises.

    """
    if wanted:
        return load(_named([*names], wanted)), ()
    visible = [name for name, seen in names.items() if seen]
    filled = [(name, sheet) for name in visible if (sheet := load(name)).height]
    if not filled:
        raise refusal("E-EMPTY", "no visible sheet of the workbook has anything in it", "export it again")
    if len(filled) > 1:
        words = f"{len(filled)} sheets have something in them: {_listed([name for name, _ in filled])}"
        mend = "declare one of them under `sheet:` in the feed, or drop a workbook with one sheet"
        raise refusal("E-SHEET", words, mend)
    return filled[0][1], _hidden_note([name for name, seen in names.items() if not seen])


def storable(name: str) -> str:
    """Return the name under which an .xlsx can hold a sheet; other programs write longer ones, and with any sign."""
    return _NOT_ALLOWED.sub("_", name)[:_LONGEST]


def _named(names: list[str], wanted: str) -> str:
    """Find the sheet that the feed names; a rejects file has it under the name that could be stored."""
    number = int(wanted) if wanted.isascii() and wanted.isdigit() else 0
    for name in (wanted, storable(wanted)):
        if name in names:
            return name
    if 0 < number <= len(names):
        return names[number - 1]
    words = f"the workbook has no sheet {wanted!r}; it has {_listed(names)}"
    raise refusal("E-SHEET", words, "name the sheet as the feed's `sheet:` says, or mend that")


def _hidden_note(hidden: list[str]) -> tuple[Fault, ...]:
    if not hidden:
        return ()
    return (Fault("N-SHEET", f"hidden sheets of the workbook were not looked at: {_listed(hidden)}"),)


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"“{name}”" for name in names[:10])
    return f"{shown} and {len(names) - 10} more" if len(names) > 10 else shown  # noqa: PLR2004 - as many as are read
