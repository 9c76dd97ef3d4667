"""A sheet as the library gives it, without a workbook around it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Grid:
    """A sheet as calamine gives it."""

    rows: list
    name: str = "S"
    width: int = 3
    start: tuple[int, int] = (0, 0)
    end: tuple[int, int] = (0, 2)
    merged_cell_ranges: list = field(default_factory=list)

    def iter_rows(self):
        """Yield the rows."""
        return iter([*row] for row in self.rows)
