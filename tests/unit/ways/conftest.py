from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from agent.ways.base import Bulletin, Item, Report

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOON = 1_800_000_000.0
PEOPLE = ("far@batch.example.com",)


@pytest.fixture
def bulletin(tmp_path: Path) -> Callable[..., Bulletin]:
    """Make a bulletin about one file; `report` are the bytes of the report that goes along."""

    def make(report: bytes = b"", **fields: object) -> Bulletin:
        path = tmp_path / "report.html"
        path.write_bytes(report)
        kept = Report("report-a.html", path, len(report), hashlib.sha256(report).hexdigest())
        item = Item(
            about="file:20270115-a",
            state="new",
            title="refunds.csv",
            headline="Nothing was sent",
            since=NOON,
            todo="Mend it.",
            commands=(("impact-agent release 20270115-a", "prepares it anew"),),
            feed="shop",
            submission="20270115-a",
            folder="attention/20270115-a--refunds.csv",
        )
        plain: dict[str, object] = {
            "id": "0a" * 16,
            "made_at": NOON,
            "addressees": PEOPLE,
            "subject": "Nothing was sent — refunds.csv",
            "text": "refunds.csv: Nothing was sent\n  What to do: Mend it.\n",
            "items": (item,),
            "report": kept if report else None,
        }
        return Bulletin(**{**plain, **fields})  # type: ignore[arg-type]

    return make
