"""What goes into the preparing process and what comes out: values that survive a trip through JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from agent.model import Change, Counts, Finding, FindingGroup, Severity, Total
from agent.readers.detected import UNSEEN, Detected
from agent.settings.models import Feed

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Job:
    """One file to prepare. Paths are absolute."""

    feed: Feed
    template: str  # the template's text
    layout: str  # the layout template's text, or ""
    source: Path
    scratch: Path  # an empty private folder; everything made is put there
    max_rows: int
    preview_rows: int = 0  # how many batch rows to hand back for showing; 0 outside of preview
    max_size: int | None = None  # bytes of one batch file
    tables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # for lookup: entries, by name
    now: float = 0.0  # when the file came, UTC epoch seconds; dates are too old or to come beside it
    again: bool = False  # its bytes came before and go out on purpose, whatever was sent before
    glance: bool = False  # open the file and look for the columns, and no further

    def to_json(self) -> str:
        """Write as one line of JSON."""
        return json.dumps(
            {
                "feed": self.feed.model_dump(mode="json"),
                "template": self.template,
                "layout": self.layout,
                "source": str(self.source),
                "scratch": str(self.scratch),
                "max_rows": self.max_rows,
                "preview_rows": self.preview_rows,
                "max_size": self.max_size,
                "tables": self.tables,
                "now": self.now,
                "again": self.again,
                "glance": self.glance,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Job:
        """Read what `to_json` wrote."""
        raw = json.loads(text)
        return cls(
            Feed.model_validate(raw["feed"]),
            raw["template"],
            raw["layout"],
            Path(raw["source"]),
            Path(raw["scratch"]),
            raw["max_rows"],
            raw["preview_rows"],
            raw["max_size"],
            raw["tables"],
            raw["now"],
            raw["again"],
            raw["glance"],
        )


@dataclass(frozen=True, slots=True)
class Draft:
    """One written batch, before it has an id and a name."""

    file: str  # name in the scratch folder
    sha256: str
    size: int
    rows: int
    totals: tuple[Total, ...]


@dataclass(frozen=True, slots=True)
class Prepared:
    """How preparing ended.

    `verdict` is "ready", "hold" (a person decides, policy hold), "refused" (nothing of it may be sent) or "nothing"
    (it holds no row to send and no mistake).
    """

    verdict: str
    reason: str
    counts: Counts
    drafts: tuple[Draft, ...] = ()
    groups: tuple[FindingGroup, ...] = ()
    findings_file: str = ""  # JSON lines, one Finding each, by record
    orders_file: str = ""  # what is sent of each order, see `remembered.read_orders`; "" when nothing is
    rejects_file: str = ""  # the kept-back records in the source's own form; "" when there are none
    columns: tuple[str, ...] = ()
    columns_unused: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    detected: Detected = UNSEEN
    first_rows: tuple[tuple[str, ...], ...] = ()
    peak_memory: int = 0  # bytes, of the preparing process

    def to_json(self) -> str:
        """Write as one line of JSON."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> Prepared:
        """Read what `to_json` wrote.

        Raises:
            ValueError, KeyError, TypeError: it was something else.
        """
        raw = json.loads(text)
        raw["counts"] = Counts(**raw["counts"])
        raw["drafts"] = tuple(_draft(draft) for draft in raw["drafts"])
        raw["groups"] = tuple(_group(group) for group in raw["groups"])
        for name in ("columns", "columns_unused", "header"):
            raw[name] = tuple(raw[name])
        raw["detected"] = Detected(**raw["detected"])
        raw["first_rows"] = tuple(tuple(row) for row in raw["first_rows"])
        return cls(**raw)


def _draft(raw: dict[str, object]) -> Draft:
    totals = tuple(_total(total) for total in raw["totals"])  # type: ignore[attr-defined]  # a list, by to_json
    return Draft(**{**raw, "totals": totals})  # type: ignore[arg-type]  # as above


def _total(raw: dict[str, object]) -> Total:
    amount = None if raw["amount"] is None else Decimal(str(raw["amount"]))
    return Total(**{**raw, "change": Change(raw["change"]), "amount": amount})  # type: ignore[arg-type]  # by to_json


def _group(raw: dict[str, object]) -> FindingGroup:
    examples = tuple(
        Finding(**{**example, "severity": Severity(example["severity"])})
        for example in raw["examples"]  # type: ignore[attr-defined]  # a list, by to_json
    )
    severity = Severity(str(raw["severity"]))
    return FindingGroup(**{**raw, "severity": severity, "examples": examples})  # type: ignore[arg-type]  # by to_json
