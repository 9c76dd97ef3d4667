"""The golden pairs: what a person could have dropped, and what has to become of it, byte for byte."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from agent.preparing.job import Job
from agent.preparing.pipeline import prepare
from agent.settings.kinds import Kinds
from agent.settings.loader import load
from agent.settings.models import Destination
from agent.settings.shipped import find_template

CORPUS = Path(__file__).resolve().parents[1] / "corpus"
CASES = sorted(
    path.parent.relative_to(CORPUS).as_posix()
    for path in CORPUS.glob("*/*/input.csv")
    if path.parts[-3] != "settings-broken"
)
AGENT = "version: 1\ndrop: ../drop\nstate: ../state\ndestinations:\n  impact: {type: any}\n"

Found = tuple[int, str, str]  # record, code, column


def prepared(case: Path, scratch: Path) -> tuple[bytes, list[Found]]:
    """Prepare a case as the agent would: the bytes of its batches, its findings."""
    settings = scratch / "settings"
    (settings / "feeds").mkdir(parents=True)
    (settings / "agent.yaml").write_text(AGENT, encoding="utf-8")
    shutil.copy(case / "feed.yaml", settings / "feeds" / f"{case.parent.name}.yaml")
    (feed,) = load(settings / "agent.yaml", Kinds({"any": Destination})).feeds.values()
    template = find_template(feed.template, settings).read_text(encoding="utf-8")
    work = scratch / "work"
    work.mkdir()
    done = prepare(Job(feed, template, "", case / "input.csv", work, feed.max_rows), lambda _: None)
    lines = (work / done.findings_file).read_text(encoding="utf-8").splitlines()
    findings = [json.loads(line) for line in lines]
    batches = b"".join((work / draft.file).read_bytes() for draft in done.drafts)
    return batches, [(one["record"] or 0, one["code"], one["field"]) for one in findings]


def wanted(case: Path) -> tuple[bytes, list[Found]]:
    """Read what a case's author wrote down."""
    batch, findings = case / "batch.csv", case / "findings.json"
    listed = json.loads(findings.read_bytes()) if findings.exists() else []
    return (
        batch.read_bytes() if batch.exists() else b"",
        [(one["record"] or 0, one["code"], one["field"]) for one in listed],
    )


def test_there_are_cases() -> None:
    """The walk finds the corpus: an empty one would pass unseen."""
    assert len(CASES) >= 20


@pytest.mark.parametrize("name", CASES)
def test_golden_pair(name: str, tmp_path: Path) -> None:
    """What comes out is what the case's author wrote down, byte for byte and finding for finding."""
    expected_batches, expected_findings = wanted(CORPUS / name)
    batches, findings = prepared(CORPUS / name, tmp_path)
    assert expected_findings == findings
    assert expected_batches == batches
