"""From a sample to a clean preview: the drafts for exports of several shops, changed where they are marked only."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from agent.model import Severity
from agent.preparing.job import Job
from agent.preparing.pipeline import prepare
from agent.preparing.usable import problems_of
from agent.settings.kinds import Kinds
from agent.settings.loader import load
from agent.settings.models import Destination
from agent.settings.shipped import find_template
from agent.starting.drafting import template_text
from agent.starting.feedfile import feed_text
from agent.starting.planning import planned
from agent.starting.sampling import sampled

CORPUS = Path(__file__).resolve().parents[2] / "corpus" / "new-feed"
CASES = sorted(path.parent.name for path in CORPUS.glob("*/edits.yaml"))
AGENT = "version: 1\ndrop: ../drop\nstate: ../state\ndestinations:\n  impact: {type: any}\n"


def sample_of(name):
    """Return the sample of a case."""
    (found,) = (CORPUS / name).glob("sample.*")
    return found


@pytest.fixture
def drafted(tmp_path):
    """Write settings with the draft for a case; return the texts by what they are."""

    def draft(name):
        sample = sample_of(name)
        with sample.open("rb") as stream:
            read = sampled(stream)
        plan = planned(read, None)
        texts = {"feed": feed_text(plan, read, "shop", sample.name, "impact")}
        if plan.shape is None:
            texts["template"] = template_text(plan, sample.name)
        return texts

    return draft


@pytest.fixture
def tried(tmp_path):
    """Prepare a case with such texts; return what came of it and the bytes of its batches."""
    settings = tmp_path / "settings"
    for folder in (settings / "feeds", settings / "templates"):
        folder.mkdir(parents=True)
    (settings / "agent.yaml").write_text(AGENT, encoding="utf-8")

    def do(name, texts):
        (settings / "feeds" / "shop.yaml").write_text(texts["feed"], encoding="utf-8")
        (settings / "templates" / "shop.csv.j2").write_text(texts.get("template", ""), encoding="utf-8")
        loaded = load(settings / "agent.yaml", Kinds({"any": Destination}))
        (feed,) = loaded.feeds.values()
        assert problems_of(loaded, feed) == []
        template = find_template(feed.template, settings).read_text(encoding="utf-8")
        work = tmp_path / f"work-{len(list(tmp_path.iterdir()))}"
        work.mkdir()
        done = prepare(Job(feed, template, "", sample_of(name), work, feed.max_rows), lambda _: None)
        return done, b"".join((work / draft.file).read_bytes() for draft in done.drafts)

    return do


def marked(text, old):
    """Whether a place in a draft is marked: on its line, or by a remark above it that nothing parts from it."""
    lines = text.splitlines()
    at = next(number for number, line in enumerate(lines) if old in line)
    if "CHECK" in lines[at]:
        return True
    remarks = iter(reversed(lines[:at]))
    above = next(remarks)
    return above.lstrip().startswith("#") or above.endswith("#}")


def test_there_are_cases():
    """The walk finds the samples: an empty one would pass unseen."""
    assert len(CASES) >= 10


@pytest.mark.parametrize("name", CASES)
def test_the_draft_is_sound_and_sends_nothing_by_itself(name, drafted, tried):
    """It passes `check`; until somebody has filled in what only people know, every row is refused."""
    done, batches = tried(name, drafted(name))
    assert (done.verdict, batches) == ("refused", b"")


@pytest.mark.parametrize("name", CASES)
def test_a_few_marked_places_lead_to_a_clean_preview(name, drafted, tried):
    """Each change stands once in the draft, where it is marked; then exactly the right rows are sent, and no error."""
    texts = drafted(name)
    edits = yaml.safe_load((CORPUS / name / "edits.yaml").read_text(encoding="utf-8"))
    assert len(edits) <= 4
    for edit in edits:
        text = texts[edit["in"]]
        assert (text.count(edit["old"]), marked(text, edit["old"])) == (1, True), edit
        texts[edit["in"]] = text.replace(edit["old"], edit["new"])
    done, batches = tried(name, texts)
    errors = [group for group in done.groups if group.severity is Severity.ERROR]
    assert (CORPUS / name / "batch.csv").read_bytes() == batches
    assert errors == []
