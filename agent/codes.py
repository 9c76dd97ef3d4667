"""Every finding code, its weight and what it means; a code never changes its meaning.

The table is `codes.yaml` beside this module: the only place where a code gets its weight. Row rules and readers name
codes; `finding` turns what they found into findings.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

import yaml

from agent.model import Fault, Finding, FindingGroup, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CODES", "Code", "counted_once", "finding"]


@dataclass(frozen=True, slots=True)
class Code:
    """What a code stands for, for people: `title` in one line, `about` in a few sentences."""

    severity: Severity
    title: str
    about: str = ""


def _read() -> Mapping[str, Code]:
    text = files("agent").joinpath("codes.yaml").read_text(encoding="utf-8")
    raw = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both loaders are safe
    return {
        name: Code(Severity(code["severity"]), code["title"], code.get("about", ""))
        for name, code in raw.items()
    }


CODES: Mapping[str, Code] = _read()


def finding(fault: Fault, *, record: int | None = None, place: str = "", column: str = "") -> Finding:
    """Give a fault its weight and its place in the source.

    Raises:
        KeyError: the code is not in the table.
    """
    return Finding(
        code=fault.code,
        severity=CODES[fault.code].severity,
        words=fault.words,
        mend=fault.mend,
        found=fault.found,
        field=column or fault.field,
        record=record,
        place=place,
    )


def counted_once(fault: Fault) -> FindingGroup:
    """Make a group of one fault about a file as a whole."""
    found = finding(fault)
    return FindingGroup(found.code, found.severity, found.field, 1, found.words, found.mend, (found,))
