"""What must hold after any run, whatever happened to it: asked of the folders, the ledger and the receiver.

These are promises about the agent as a whole; tests that kill it, cut it off or fill its disk end with them.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from typing import TYPE_CHECKING

from agent.states import AnswerState, BatchState, SubmissionState
from tests.running import left_in, told_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from agent.ledger.ledger import Ledger
    from agent.model import Batch, Submission
    from tests.running import Installation

_DELIVERED = [BatchState.SENT, BatchState.TAKEN, BatchState.PROCESSED]
_RECORDED = re.compile(
    r'^(?P<what>open|remove name|posix-rename old|rename old) "(?P<path>[^"]*)"(?P<rest>.*)$'
)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def at_rest(installation: Installation) -> bool:
    """Whether everything dropped has come to an end or waits for a person, and the folders say so."""
    aside = [SubmissionState.REJECTED, SubmissionState.QUARANTINED, SubmissionState.DUPLICATE]
    moving = [BatchState.READY, BatchState.SENDING, BatchState.DEFERRED]
    with installation.ledger() as ledger:
        open_ones = (
            ledger.submissions([SubmissionState.RECEIVED]),
            ledger.batches(moving),
            ledger.to_tell(),
            ledger.owed(aside),
            ledger.acknowledgements([AnswerState.KEPT, AnswerState.EARLY]),
        )
    return not any(open_ones) and not any(map(left_in, installation.drop.iterdir()))


def assert_told_once(drop: Path, dropped: Mapping[str, bytes]) -> None:
    """Each file dropped is, whole and once, in done/ or attention/, with its report; nothing is left over."""
    assert left_in(drop) == []
    assert list((drop / "working").iterdir()) == []
    assert told_in(drop, "sent") == {}
    assert len([*(drop / "done").iterdir(), *(drop / "attention").iterdir()]) == len(dropped)
    told = {**told_in(drop, "done"), **told_in(drop, "attention")}
    assert {name: files.pop(name, None) for name, files in told.items()} == dropped
    assert {name for name, files in told.items() if {"report.html", "report.txt"} - set(files)} == set()


def assert_recorded(installation: Installation, names: Sequence[str]) -> None:
    """One submission a file, every path of the ledger there with its digest, archives, an unbroken audit."""
    with installation.ledger() as ledger:
        assert ledger.verify_audit() == []
        submissions = ledger.submissions(limit=1_000_000)
        assert sorted(found.name for found in submissions) == sorted(names)
        papers = [paper for found in submissions for paper in ledger.papers(found.id)]
        named = {paper.path: paper.sha256 for paper in (*papers, *_batches(ledger, submissions))}
        assert {path: digest(installation.state / path) for path in named} == named
        assert_archived(installation.state / "archive", [one for one in submissions if one.state == "CLOSED"])


def assert_archived(archive: Path, closed: Sequence[Submission]) -> None:
    """Every closed submission has its archive folder, whole by its manifest.

    It has another, `ID-2`, where the agent died before it could say that it had archived, and an answer came meanwhile.
    """
    folders = sorted(archive.glob("[0-9]*/*/*/*"))
    of = {folder: "-".join(folder.name.split("-")[:2]) for folder in folders}
    found = {one.id: one for one in closed}
    assert set(of.values()) == set(found)
    assert len({(folder / "manifest.json").read_bytes() for folder in folders}) == len(folders)
    for folder, submission in of.items():
        manifest = json.loads((folder / "manifest.json").read_text())
        listed = {entry["name"]: entry["sha256"] for entry in manifest["files"]}
        assert listed == {name: digest(folder / name) for name in listed}
        assert digest(folder / "original") == found[submission].sha256


def assert_answers_kept(installation: Installation) -> Counter[str]:
    """Whatever came back is kept once, as it came, and heard once; return how many are in each state.

    Each answer that was applied is noted with a batch, no answer twice; the archive of acknowledgements has what the
    ledger names and nothing else, and none waits to be read.
    """
    with installation.ledger() as ledger:
        assert ledger.verify_audit() == []
        kept = ledger.acknowledgements(list(AnswerState), limit=1_000_000)
        owners = ledger.submissions(limit=1_000_000)
        noted = [one for batch in _batches(ledger, owners) for one in ledger.answers(batch.id)]
        lines = Counter((line.subject, line.event) for line in ledger.audit(limit=1_000_000))
    assert {one.path: digest(installation.state / one.path) for one in kept} == {
        one.path: one.sha256 for one in kept
    }
    place = installation.state / "archive" / "acknowledgements"
    there = {str(path.relative_to(installation.state)) for path in place.rglob("*") if path.is_file()}
    assert there == {one.path for one in kept}
    assert [one for one in kept if lines[one.id, "fetched"] != 1] == []
    heard = Counter((one.acknowledgement, one.batch, one.stage) for one in noted)
    assert [each for each, times in heard.items() if times > 1] == []
    states = Counter(one.state for one in kept)
    applied = {one.id for one in kept if one.state == AnswerState.APPLIED}
    assert {one.acknowledgement for one in noted} == applied
    assert states[AnswerState.KEPT] + states[AnswerState.EARLY] == 0
    return states


def assert_sent_has_come(installation: Installation, came: Mapping[str, bytes]) -> None:
    """What the ledger calls delivered is at the receiver under its name, with the bytes that were prepared."""
    with installation.ledger() as ledger:
        sent = {batch.name: batch.sha256 for batch in ledger.batches(_DELIVERED, limit=1_000_000)}
    assert {name: hashlib.sha256(came[name]).hexdigest() for name in sent if name in came} == sent


def assert_nothing_half_was_visible(recorded: Path, inbox: Path) -> None:
    """Nothing was written, replaced or removed under a final name; no temporary file is left.

    Args:
        recorded: the log of `recording_server`.
        inbox: where it put files.
    """
    found = [line for line in map(_RECORDED.match, recorded.read_text().splitlines()) if line]
    assert {line["what"] for line in found} >= {"open", "rename old"}
    assert [line[0] for line in found if line["what"] == "posix-rename old"] == []
    touched = [line for line in found if line["what"] != "open" or "WRITE" in line["rest"]]
    names = [os.path.basename(line["path"]) for line in touched]  # noqa: PTH119 - names at the far side
    assert [name for name in names if not name.startswith(".")] == []
    assert [path.name for path in inbox.iterdir() if path.name.startswith(".")] == []


def _batches(ledger: Ledger, submissions: Sequence[Submission]) -> list[Batch]:
    return [batch for found in submissions for batch in ledger.batches_of(found.id)]
