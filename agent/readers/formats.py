"""What a number format makes of a whole number: ids that are shown with more than their cells hold."""

from __future__ import annotations

import re

DRESSED = -1  # shown with other characters around it

_PADDED = re.compile(r'(?:\[[^\]]*\])?("?0[0" /\\-]*)(?:;.*)?')
_AROUND = r'((?:"[^"]*"|\\.)*)'
_DRESSED = re.compile(rf"(?:\[[^\]]*\])?{_AROUND}[0#?]+{_AROUND}(?:;.*)?", re.DOTALL)


def padding(code: str) -> int:
    """Say how many digits a format shows at least; 0: as many as there are, DRESSED: with texts before or behind."""
    if found := _PADDED.fullmatch(code):
        digits = found[1].count("0")
        return digits if digits > 1 else 0
    dressed = _DRESSED.fullmatch(code)
    return DRESSED if dressed and re.search(r"\w", dressed[1] + dressed[2]) else 0
