"""A program for the fault tests: one file on its whole way through spool and ledger, from wherever it stands.

`python -m tests.faults.ledger_way STATE` goes on where the ledger says, until the submission is closed.
Errors of the ledger and the spool end it with 70 and one line.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from agent.errors import LedgerError, SpoolError
from agent.ledger.ledger import Ledger
from agent.model import Batch, Paper, Submission
from agent.spool import Spool
from tests.unit.ledger.made import NOON, attempt, batch, moved, submission, taken

DROPPED = b"Order,Refund\r\n1,2.50\r\n" * 40
SENT = b"ActionTrackerID,Oid\r\n16027,1\r\n" * 40
FILE = submission("a")


def receive(spool: Spool, ledger: Ledger) -> None:
    """Keep the dropped file, then let the ledger name it."""
    source = spool.state / "dropped.csv"
    with source.open("rb") as file:
        copy = spool.take(file.fileno(), limit=10_000)
    path = spool.keep(copy)
    spool.sync()
    original = Paper("original", path, copy.sha256, copy.size)
    new = replace(FILE, sha256=copy.sha256, size=copy.size)
    ledger.commit([taken(new, papers=(original,))], at=NOON)


def prepare(spool: Spool, ledger: Ledger) -> None:
    """Publish two batches, then let the ledger name them."""
    scratch = spool.scratch()
    pairs = []
    for number in (1, 2):
        (scratch / f"{number}").write_bytes(SENT + b"%d" % number)
        pairs.append((scratch / f"{number}", f"spool/out/b{number}-a"))
    stored = spool.publish_all(pairs)
    spool.discard(scratch)
    batches = tuple(
        batch(FILE, number, path=one.path, sha256=one.sha256, size=one.size)
        for number, one in enumerate(stored, start=1)
    )
    report = spool.write(f"spool/papers/{FILE.id}/report.txt", b"two batches").paper("report")
    ledger.commit([moved(FILE, "prepared", new_batches=batches, papers=(report,))], at=NOON)


def deliver(spool: Spool, ledger: Ledger, one: Batch) -> None:
    """Send one batch to nowhere, as carefully as if it were somewhere."""
    if one.state == "SENDING":
        ledger.commit([moved(one, "recovered")], at=NOON)
    spool.verify(one.path, one.sha256)
    this = attempt(one, one.tries + 1)
    ledger.commit([moved(one, "started", attempt=this, tries=this.number)], at=NOON)
    ledger.note_phase(one.id, this.number, "WILL_PUBLISH", at=NOON)
    ledger.commit([moved(one, "sent", attempt=replace(this, phase="PUBLISHED", ended_at=NOON))], at=NOON)


def close(spool: Spool, ledger: Ledger) -> None:
    """Archive the papers, then let the ledger name them."""
    papers = [(Path(paper.path).name, paper) for paper in ledger.papers(FILE.id)]
    sent = [(one.name, Paper("batch", one.path, one.sha256, one.size)) for one in ledger.batches_of(FILE.id)]
    archived = spool.archive("2026/11/21", FILE.id, [*papers, *sent])
    ledger.commit([moved(FILE, "closed", papers=tuple(archived), told_at=NOON)], at=NOON)


def advance(spool: Spool, ledger: Ledger, now: Submission | None) -> None:
    """Go one step on."""
    if now is None:
        receive(spool, ledger)
    elif now.state == "RECEIVED":
        prepare(spool, ledger)
    else:
        for one in ledger.batches(["READY", "SENDING", "DEFERRED"]):
            deliver(spool, ledger, one)
        close(spool, ledger)


def go(state: Path) -> None:
    """Go the whole way."""
    spool = Spool(state)
    spool.make()
    with Ledger.open(state / "ledger.db", must_exist=not spool.is_empty()) as ledger:
        while (now := ledger.submission(FILE.id)) is None or now.state != "CLOSED":
            advance(spool, ledger, now)


def problems(state: Path) -> list[str]:
    """Return what is wrong at any moment: what the ledger names is there and whole, and the audit holds."""
    spool, found = Spool(state), []
    with Ledger.open(state / "ledger.db", must_exist=not spool.is_empty()) as ledger:
        found += ledger.verify_audit()
        named = [*ledger.papers(FILE.id), *ledger.batches_of(FILE.id)]
        for one in named:
            try:
                spool.verify(one.path, one.sha256)
            except SpoolError as error:
                found.append(str(error))
    for folder in (state / "archive").glob("*/*/*/*"):
        if len(list(folder.iterdir())) != 5:
            found.append(f"{folder} is not whole")
    return found


def leftovers(state: Path) -> list[str]:
    """Return what is in the wrong place once the way is done."""
    spool = Spool(state)
    with Ledger.open(state / "ledger.db", must_exist=True) as ledger:
        strange = spool.orphans(ledger.known_paths())
        states = ledger.counts_by_state()
    originals = [path.read_bytes() for path in (state / "spool/obj").iterdir()]
    right = states == {("submission", "CLOSED"): 1, ("batch", "SENT"): 2} and originals == [DROPPED]
    return strange if right else [*strange, f"states are {states}, originals {originals}"]


if __name__ == "__main__":
    try:
        go(Path(sys.argv[1]))
    except (LedgerError, SpoolError) as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        sys.exit(70)
