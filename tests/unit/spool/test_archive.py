from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.errors import SpoolError
from agent.model import Paper
from tests.unit.spool.rest import digest, take, tree

DAY = "2026/11/21"


@pytest.fixture
def papers(spool):
    """Keep an original and a report."""
    original = spool.keep(take(spool, b"Oid\n1\n"))
    report = spool.write("spool/papers/s1/report.txt", b"all sent")
    return [
        ("refunds.csv", Paper("original", original, digest(b"Oid\n1\n"), 6)),
        ("report.txt", report.paper("report")),
    ]


def test_an_archived_submission_is_whole_with_its_manifest(spool, papers):
    """Every paper under its name, the manifest with names, sizes and digests; scratch is empty."""
    made = spool.archive(DAY, "s1", papers)
    folder = spool.state / "archive" / DAY / "s1"
    manifest = (folder / "manifest.json").read_bytes()
    assert tree(folder) == {
        "refunds.csv": b"Oid\n1\n",
        "report.txt": b"all sent",
        "manifest.json": manifest,
    }
    assert json.loads(manifest) == {
        "submission": "s1",
        "files": [
            {"name": name, "kind": paper.kind, "sha256": paper.sha256, "size": paper.size}
            for name, paper in papers
        ],
    }
    assert [paper.kind for paper in made] == ["original", "report", "manifest"]
    for paper in made:
        assert spool.verify(paper.path, paper.sha256).stat().st_size == paper.size
    assert list((spool.state / "spool/tmp").iterdir()) == []


def test_archiving_the_same_again_changes_nothing(spool, papers):
    """After a crash the archive is found as it is."""
    first = spool.archive(DAY, "s1", papers)
    inode = (spool.state / "archive" / DAY / "s1").stat().st_ino
    assert spool.archive(DAY, "s1", papers) == first
    assert (spool.state / "archive" / DAY / "s1").stat().st_ino == inode
    assert [path.name for path in (spool.state / "archive" / DAY).iterdir()] == ["s1"]


def test_archiving_something_else_stands_beside(spool, papers):
    """What was archived once is never touched; the newer papers get a folder of their own, once."""
    first = tree(spool.state / "archive") if spool.archive(DAY, "s1", papers) else {}
    newer = [
        papers[0],
        ("report.txt", spool.write("spool/papers/s1/report.txt", b"sent again").paper("r")),
    ]
    made = spool.archive(DAY, "s1", newer)
    assert spool.archive(DAY, "s1", newer) == made
    assert {Path(paper.path).parent.name for paper in made} == {"s1-2"}
    assert tree(spool.state / "archive").items() >= first.items()
    assert sorted(path.name for path in (spool.state / "archive" / DAY).iterdir()) == ["s1", "s1-2"]


def test_an_altered_paper_is_not_archived(spool, papers):
    """Nothing appears in the archive, and nothing is left in scratch."""
    wrong = [("x.csv", Paper("original", papers[0][1].path, "0" * 64, 6))]
    with pytest.raises(SpoolError, match="was altered"):
        spool.archive(DAY, "s1", wrong)
    with pytest.raises(SpoolError, match="No such file"):
        spool.archive(DAY, "s1", [("x.csv", Paper("batch", "spool/out/none", "0" * 64, 6))])
    assert tree(spool.state / "archive") == {}
    assert list((spool.state / "spool/tmp").iterdir()) == []


@pytest.mark.parametrize("names", [("a", "a"), ("manifest.json",), ("../x",), ("",), ("..",), ("a/b",)])
def test_names_in_the_archive_are_plain_and_different(spool, papers, names):
    """No paper covers another or leaves its folder."""
    with pytest.raises(SpoolError, match="cannot be archived under"):
        spool.archive(DAY, "s1", [(name, papers[0][1]) for name in names])
