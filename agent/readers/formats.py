"""What a number format makes of a number: ids that are shown with more than their cells hold, and percentages."""

from __future__ import annotations

import re

DRESSED = -1  # shown with other characters around it
PERCENT = -2  # shown as a hundred times as much, and a percent sign
BUILT_IN = {9: "0%", 10: "0.00%"}  # formats that workbooks name by these numbers only, as far as they matter

_PADDED = re.compile(r'(?:\[[^\]]*\])?("?0[0" /\\-]*)(?:;.*)?')
_SAID = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')  # what stands for itself, and colours or conditions
_AROUND = r'((?:"[^"]*"|\\.)*)'
_DRESSED = re.compile(rf"(?:\[[^\]]*\])?{_AROUND}[0#?]+{_AROUND}(?:;.*)?", re.DOTALL)


def padding(code: str) -> int:
    """Say how many digits a format shows at least; 0: as many as there are; or DRESSED or PERCENT."""
    if "%" in _SAID.sub("", code):
        return PERCENT
    if found := _PADDED.fullmatch(code):
        digits = found[1].count("0")
        return digits if digits > 1 else 0
    dressed = _DRESSED.fullmatch(code)
    return DRESSED if dressed and re.search(r"\w", dressed[1] + dressed[2]) else 0
