from __future__ import annotations

import re
from pathlib import Path

import pytest

import agent
from agent.codes import CODES, finding
from agent.model import Fault, Severity

_SOURCES = sorted(path for path in Path(agent.__file__).parent.rglob("*") if path.suffix in (".py", ".yaml"))
_CODE = re.compile(r"\b([QDEWNTC]-[A-Z][A-Z0-9]+)\b")
_HEAVY = {"E": Severity.ERROR, "Q": Severity.ERROR, "W": Severity.WARNING, "N": Severity.NOTE}


def _used():
    texts = (
        path.read_text(encoding="utf-8") for path in _SOURCES if path.name not in ("codes.yaml", "pages.yaml")
    )
    return {code for text in texts for code in _CODE.findall(text)}


def test_the_table_has_every_code_that_is_used_and_no_other():
    """A code without a place in the table would break the file that needs it; an unused one is dead."""
    assert _used() == set(CODES)


@pytest.mark.parametrize("code", sorted(CODES))
def test_each_code_weighs_what_its_letter_says(code):
    """E and Q stop something, W asks for a look, N only tells; each has words for people."""
    assert CODES[code].severity is _HEAVY.get(code[0], Severity.ERROR)
    assert CODES[code].title
    assert not CODES[code].title.endswith(".")


def test_a_finding_has_the_weight_of_its_code_and_the_place_given():
    """The table alone decides how much a fault weighs."""
    made = finding(Fault("W-NOQTY", "words", "mend", "found", "SKU"), record=3, place="line 4")
    assert (made.severity, made.record, made.place, made.field) == (Severity.WARNING, 3, "line 4", "SKU")


def test_an_unknown_code_is_an_error():
    """Nothing gets a weight by accident."""
    with pytest.raises(KeyError):
        finding(Fault("E-NOSUCH", "words"))
