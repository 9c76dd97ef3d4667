"""Which records of a file are given back, and why, as the source's records pass by one after the other. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.feedback.rejects import KeptBack

__all__ = ["OTHERS", "Owed"]

OTHERS = "other records of this file have mistakes, so nothing of it was sent"


class Owed:
    """The records kept back that have not passed by yet; `first` is the one that must come first.

    Args:
        kept_back: each of them, ascending.
        everything: all records are given back, because none was sent; those without a reason get a common one.
    """

    def __init__(self, kept_back: Iterator[KeptBack], *, everything: bool) -> None:
        self._kept_back, self._everything = kept_back, everything
        self.first = next(kept_back, None)
        self._given = 0

    def why(self, number: int) -> tuple[str, str] | None:
        """Return why the record that passes by is given back and how to mend it, once; None: it is not."""
        if self.first and self.first.number == number:
            why = self.first.reason, self.first.mend
            self.first = next(self._kept_back, None)
        elif self._everything:
            why = OTHERS, ""
        else:
            return None
        self._given += 1
        return why

    def end(self) -> int:
        """Return how many were given back.

        Raises:
            ValueError: one did not pass by.

        """
        if self.first:
            raise ValueError(f"record {self.first.number} is not in the source, or not in its order")
        return self._given
