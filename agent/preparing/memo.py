"""One column of all rows: its expression, its rule and its form in the batch, worked out once per distinct value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.codes import finding
from agent.errors import RefusedFile
from agent.impact.batchfile import encode, reads_back
from agent.model import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

UNREADABLE = Fault(
    "T-ROUNDTRIP", "the batch would not read back as it was meant", "nothing is sent; report this"
)
_REMEMBERED = 8192  # values of one column
_SHORT = 64  # characters; longer texts are not remembered


class CellMemo(dict[str, "str | Fault"]):
    """`memo[text]` is the cell as it is written, or what is wrong with it."""

    def __init__(
        self, rule: Callable[[str], str | Fault], function: Callable[[str], str | Fault] | None = None
    ) -> None:
        super().__init__()
        self._rule, self._function = rule, function

    def __missing__(self, text: str) -> str | Fault:
        found: str | Fault = text if self._function is None else self._function(text)
        if not isinstance(found, Fault):
            found = self._rule(found)
        if not isinstance(found, Fault):
            found = _written(str(found))  # no number of a file any more
        if len(text) <= _SHORT:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[text] = found
        return found


def _written(cell: str, write: Callable[[str], str] = encode) -> str:
    """Write a cell, and read it back.

    Raises:
        RefusedFile: T-ROUNDTRIP, a mistake of ours.
    """
    written = write(cell)
    if not reads_back(cell, written):
        raise RefusedFile(finding(UNREADABLE))
    return written
