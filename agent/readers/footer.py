"""Is the last record a line of totals? Spreadsheets add one; as a row it would name an order that never was.

The look is narrow on purpose: a record that is taken for a footer is given back, never sent, so only what
no order looks like may match.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_WORDS = (
    "total|totals|grand total|subtotal|sub total|sub-total|sum|sums|summe|gesamt|gesamtsumme|endsumme"
    "|insgesamt|zwischensumme|total général|somme|totale|somma|suma|suma total|totaal|som|soma|razem|summa"
    "|totalt|yhteensä|toplam|итого|всего|合計|总计|합계"
)
_TOTALS = frozenset(_WORDS.split("|"))
_NUMBER = re.compile(r"[^\w\s]?(?:[A-Z]{3}\s?)?[^\w\s]?\d[\d\s.,'\u2019]*\)?\s?(?:[^\w\s]|[A-Z]{3})?")

TOTAL_SPELLINGS = frozenset(
    spelling + colon
    for word in _TOTALS
    for spelling in (word, word.upper(), word.capitalize(), word.title())
    for colon in ("", ":")
)


def names_total(cell: str) -> bool:
    """Say whether a cell is a word for a total, and nothing else."""
    return cell.strip().rstrip(":").rstrip().casefold() in _TOTALS


def looks_like_footer(cells: Sequence[str], width: int) -> bool:
    """Say whether a record is no more than a word for a total and numbers, with cells left empty."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    if not filled or not names_total(filled[0]):
        return False
    has_gap = len(cells) != width or len(filled) < width or width <= len(("word", "number"))
    return has_gap and all(_NUMBER.fullmatch(cell) for cell in filled[1:])
