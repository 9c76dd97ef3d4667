"""A story to tell: one small refund file, which each test bends to its need."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from agent.feedback.story import Delivery, Files, Story
from agent.model import (
    Attempt,
    Batch,
    Change,
    Counts,
    Finding,
    FindingGroup,
    Severity,
    Submission,
    Total,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

NOON = 1_753_783_200.0  # 2025-07-29 10:00:00 UTC, noon in summer time
SUMMER = timezone(timedelta(hours=2), "CEST")
TOTALS = (
    Total("EUR", "ITEM_RETURNED", Change.REVERSAL, 3, Decimal(0)),
    Total("EUR", "ORDER_UPDATE", Change.MODIFICATION, 2, Decimal("1234.5")),
)


@pytest.fixture
def submission() -> Submission:
    """Make a file that was taken, prepared and closed."""
    return Submission(
        id="20250729-k3v9q2hd",
        feed="shop-refunds",
        name="refunds.csv",
        state="CLOSED",
        reason="",
        received_at=NOON,
        updated_at=NOON + 60,
        sha256="ab" * 32,
        size=2048,
        fingerprint="",
        counts=Counts(records=5, sent=5, rows=5, orders=3),
    )


@pytest.fixture
def batch() -> Batch:
    """Make a batch of five rows that was sent."""
    return Batch(
        id="b7c2m4x9q1w3e5r7t001",
        submission="20250729-k3v9q2hd",
        destination="impact-sftp",
        number=1,
        name="shop-refunds_20250729_b7c2m4x9q1w3e5r7t001.csv",
        path="spool/out/b7c2m4x9q1w3e5r7t001",
        sha256="cd" * 32,
        size=310,
        rows=5,
        totals=TOTALS,
        state="SENT",
        reason="",
        due_at=0.0,
        tries=1,
        created_at=NOON + 20,
        updated_at=NOON + 50,
    )


@pytest.fixture
def tell(submission: Submission, batch: Batch) -> Callable[..., Story]:
    """Make a story: the states of its batches, what else is known of them, changes to the submission and the story."""

    def told(
        *states: str,
        state: str = "CLOSED",
        counts: Counts | None = None,
        tries: tuple[Attempt, ...] = (),
        **more: Any,
    ) -> Story:
        reason = more.pop("reason", "")
        known, answers = more.pop("batch", {}), more.pop("answers", ())
        read = more.pop("sha256", submission.sha256)
        changed = replace(
            submission, state=state, reason=reason, sha256=read, counts=counts or submission.counts
        )
        batches = (
            replace(batch, id=f"{batch.id[:-1]}{number}", number=number, state=each, **known)
            for number, each in enumerate(states, 1)
        )
        deliveries = tuple(Delivery(each, tries, answers) for each in batches)
        return Story(
            **{"submission": changed, "deliveries": deliveries, "zone": SUMMER, "told_at": NOON + 70} | more
        )

    return told


@pytest.fixture
def attempt() -> Callable[..., Attempt]:
    """Make an attempt that reached a phase and ended so."""

    def made(phase: str, outcome: str = "", number: int = 1, evidence: str = "") -> Attempt:
        return Attempt("b", number, NOON + 30 * number, phase, NOON + 30 * number + 1, outcome, evidence)

    return made


@pytest.fixture
def grouped() -> Callable[..., FindingGroup]:
    """Make a group of findings."""

    def made(
        code: str = "X-REASON", count: int = 1, severity: Severity = Severity.ERROR, **more: Any
    ) -> FindingGroup:
        values = {
            "field": "Reason",
            "words": "The reason is unknown",
            "mend": "Use a reason code",
            "examples": (),
        }
        return FindingGroup(code=code, severity=severity, count=count, **(values | more))

    return made


@pytest.fixture
def write_findings(tmp_path: Path) -> Callable[[Iterable[Finding]], Path]:
    """Write the list of all findings as preparing does."""

    def written(findings: Iterable[Finding]) -> Path:
        path = tmp_path / "findings.jsonl"
        path.write_text("".join(json.dumps(asdict(finding)) + "\n" for finding in findings), encoding="utf-8")
        return path

    return written


@pytest.fixture
def partly(tell: Callable[..., Story], grouped: Callable[..., FindingGroup], write_findings: Any) -> Story:
    """Make the story of a file of which one order was kept back, with a finding of every weight."""
    groups = (
        grouped(count=2),
        grouped(
            "X-ENC", severity=Severity.WARNING, field="", words="The text looks wrongly encoded", mend=""
        ),
    )
    findings = write_findings(
        [
            Finding(
                "X-ENC", Severity.WARNING, groups[1].words, found="Caf\u00c3\u00a9", record=1, place="line 2"
            ),
            Finding(
                "X-REASON",
                Severity.ERROR,
                "“damaged” is no code",
                "use ITEM_RETURNED",
                "damaged",
                "Reason",
                4,
                "line 5",
            ),
            Finding("X-REASON", Severity.ERROR, groups[0].words, groups[0].mend, " ", "Reason", 6, "line 7"),
        ]
    )
    counts = Counts(records=8, sent=5, kept_back=2, skipped=1, rows=5, orders=4, bad_orders=1)
    files = Files(
        "attention", "refunds.csv", "refunds.rejects.csv", "refunds.report.html", "refunds.findings.jsonl"
    )
    return tell("SENT", counts=counts, groups=groups, findings=findings, files=files)
