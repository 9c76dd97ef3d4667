"""What the filters that read values share: which blanks do not count, and digits that only look like digits."""

from __future__ import annotations

import unicodedata

__all__ = ["BLANKS", "foreign_digit"]

BLANKS = " \u00a0\u202f\t"  # around a value, of no meaning


def foreign_digit(text: str) -> str:
    """Name the first digit that is none of 0 to 9: "U+0661 ARABIC-INDIC DIGIT ONE"; "" where there is none."""
    found = next((one for one in text if one.isdigit() and not one.isascii()), "")
    return f"U+{ord(found):04X} {unicodedata.name(found, '')}".rstrip() if found else ""
