"""Which cells of a sheet cannot be told as text, and what is to be said of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.readers.cellvalues import column_letters

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from agent.readers.sheetmarks import Corners, Marks

    Words = tuple[str, str, str, str]  # a fault without its column
    Place = tuple[int, int]  # line from 1, column from 0

_UNMERGE = "split the merged cells and fill each; or declare the column under `fill_down:`"
_COMPUTE = "open the file in a spreadsheet program, let it calculate, and save it; or paste the values"
TWICE = (  # code, words, how to mend it
    "E-CELL",
    "the cell, or its row, stands twice in the sheet: nobody can tell which is meant",
    "look at it in a spreadsheet program, and save it there",
)
_ERROR = "the cell holds an error in place of a value"
_UNTRUE = "the cell holds something else than it says"


def odd_cells(
    marks: Marks, merged: Sequence[Corners], last: tuple[int, int], filled: AbstractSet[int]
) -> Iterator[tuple[Words, Iterable[Place]]]:
    """Yield what is odd, and the places where it is.

    Args:
        marks: what was found beside values.
        merged: the merged cells.
        last: the last row and column with anything in it, from 0.
        filled: the columns whose blank cells are filled from above.

    """
    for line, texts in marks.errors.items():
        for column, text in texts.items():
            yield ("E-CELL", _ERROR, "mend the cell, or delete the row", text), [(line, column)]
    for line, texts in marks.untrue.items():
        for column, text in texts.items():
            yield ("E-CELL", _UNTRUE, "correct the cell, or delete the row", text), [(line, column)]
    words = "the cell holds a formula that was never worked out"
    for line, columns in marks.formulas.items():
        yield ("E-FORMULACELL", words, _COMPUTE, ""), [(line, column) for column in columns]
    for line, columns in marks.twice.items():
        yield (*TWICE, ""), [(line, column) for column in columns]
    for corners in merged:
        (top, left), (bottom, right) = corners
        named = f"{column_letters(left)}{top + 1}:{column_letters(right)}{bottom + 1}"
        fault = ("E-CELL", f"the cell is a part of the merged cells {named}", _UNMERGE, "")
        yield fault, _covered(corners, last, filled)


def _covered(corners: Corners, last: tuple[int, int], filled: AbstractSet[int]) -> Iterator[Place]:
    """Yield the cells that lost their value to the first of a merged range, unless it is filled down again."""
    (top, left), (bottom, right) = corners
    for row in range(top, min(bottom, last[0]) + 1):
        for column in range(left, min(right, last[1]) + 1):
            if (row, column) != (top, left) and not (left == right and column in filled):
                yield row + 1, column
