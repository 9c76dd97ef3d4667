"""Values and transitions that the ledger's tests start from; every field differs from its default."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing, contextmanager
from decimal import Decimal
from importlib import resources
from typing import TYPE_CHECKING

from agent.ledger.opening import APPLICATION
from agent.ledger.transition import Transition
from agent.model import (
    Acknowledgement,
    Attempt,
    Batch,
    Change,
    Counts,
    Finding,
    FindingGroup,
    Paper,
    Severity,
    Submission,
    Total,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOON = 1_795_262_400.0  # 2026-11-21 12:00 UTC
COUNTS = Counts(records=9, sent=4, kept_back=3, repeated=1, skipped=1, rows=6, orders=5, bad_orders=2)
TOTALS = (
    Total("EUR", "ITEM_RETURNED", Change.REVERSAL, 4, Decimal("-0.10")),
    Total("", "OTHER", Change.RESET, 2, None),
)
CANARY = "jane.roe@example.net"


@contextmanager
def of_shape(path: Path, number: int) -> Iterator[sqlite3.Connection]:
    """Make a ledger as an agent of the time of this migration did; what is written meanwhile is in it."""
    files = sorted((resources.files("agent.ledger") / "schema").iterdir(), key=lambda file: file.name)
    with closing(sqlite3.connect(path)) as old:
        for file in files:
            if int(file.name[:3]) <= number:
                old.executescript(file.read_text("utf-8"))
        yield old
        old.execute(f"PRAGMA application_id = {APPLICATION}")
        old.execute(f"PRAGMA user_version = {number}")
        old.commit()


def digest(text: str) -> str:
    """Return the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def submission(name: str = "a", **other) -> Submission:
    """Make a submission as intake would; `other` replaces fields."""
    fields = {
        "id": f"20261121-{name}",
        "feed": "refunds",
        "name": f"{name}.csv",
        "state": "",
        "reason": "",
        "received_at": NOON,
        "updated_at": NOON,
        "sha256": digest(name),
        "size": 120,
        "fingerprint": f"1:2:120:{name}",
        "counts": COUNTS,
    }
    return Submission(**fields | other)


def batch(owner: Submission, number: int = 1, **other) -> Batch:
    """Make a batch of a submission, ready to go."""
    name = f"b{number}-{owner.id[9:]}"
    fields = {
        "id": name,
        "submission": owner.id,
        "destination": "impact-sftp",
        "number": number,
        "name": f"refunds_20261121_{name}.csv",
        "path": f"spool/out/{name}",
        "sha256": digest(name),
        "size": 80,
        "rows": 6,
        "totals": TOTALS,
        "state": "READY",
        "reason": "",
        "due_at": 0.0,
        "tries": 0,
        "created_at": NOON,
        "updated_at": NOON,
    }
    return Batch(**fields | other)


def group() -> FindingGroup:
    """Make a group of findings with an example that names a customer."""
    example = Finding("E-OID", Severity.ERROR, "Oid is unknown", found=CANARY, field="Oid", record=7)
    return FindingGroup("E-OID", Severity.ERROR, "Oid", 2, "Oid is unknown", "look it up", (example,))


def taken(new: Submission, event: str = "taken", **other) -> Transition:
    """Make the transition that brings a new submission in."""
    return Transition(new.id, "submission", event, new_submission=new, **other)


def prepared(owner: Submission, *batches: Batch, **other) -> Transition:
    """Make the transition that brings batches along."""
    return Transition(owner.id, "submission", "prepared", new_batches=batches, **other)


def moved(subject: Submission | Batch | Acknowledgement, event: str, **other) -> Transition:
    """Make any other transition."""
    kinds = {Batch: "batch", Submission: "submission", Acknowledgement: "acknowledgement"}
    return Transition(subject.id, kinds[type(subject)], event, **other)


def acknowledgement(name: str = "a", **other) -> Acknowledgement:
    """Make an acknowledgement as collecting would; `other` replaces fields."""
    fields = {
        "id": f"ack-{name}",
        "source": "results",
        "key": f"result_{name}.csv",
        "name": f"result_{name}.csv",
        "path": f"archive/acknowledgements/2026/11/21/ack-{name}.csv",
        "sha256": digest(name),
        "size": 80,
        "fetched_at": NOON,
        "updated_at": NOON,
        "state": "",
    }
    return Acknowledgement(**fields | other)


def fetched(new: Acknowledgement) -> Transition:
    """Make the transition that brings an acknowledgement in."""
    return Transition(new.id, "acknowledgement", "fetched", acknowledgement=new)


def attempt(of: Batch, number: int = 1, **other) -> Attempt:
    """Make an attempt that has just started."""
    return Attempt(**{"batch": of.id, "number": number, "started_at": NOON, "phase": "STARTED"} | other)


def original(of: Submission) -> Paper:
    """Make the paper of the dropped file itself."""
    return Paper("original", f"spool/obj/{of.sha256}", of.sha256, of.size)
