"""Rows 104 to 115 of the bad-input catalogue: settings and templates that cannot be meant, each with its place."""

from __future__ import annotations

import time

import pytest

from agent.errors import SettingsError
from agent.preparing.usable import problems_of
from agent.settings.kinds import Kinds
from agent.settings.loader import load
from agent.settings.models import Destination

AGENT = "version: 1\ndrop: ../drop\nstate: ../state\ndestinations:\n  impact: {type: any}\n"
FEED = "name: refunds\nlevel: order\ntemplate: t.csv.j2\ndestination: impact\n"
HEAD = "Oid,ActionTrackerID,Amount,Reason\n"
LOOP = "{{% for row in rows %}}\n{}\n{{% endfor %}}\n"
SOUND = HEAD + LOOP.format("{{ row.Order }},16027,0,OTHER")
SECONDS = 5.0

SETTINGS = {
    "104 duplicate key": (AGENT, FEED + "level: item\n", "feeds/f.yaml:5:1: C-KEYDUP", "line 2"),
    "105 anchor": (AGENT, FEED + "variables: &a {x: y}\n", "feeds/f.yaml:5:12: C-ALIAS", "&"),
    "105 merge": (AGENT, FEED + "variables: {<<: *a}\n", "feeds/f.yaml:5:13: C-ALIAS", "<<"),
    "106 NO where true or false is asked for": (
        AGENT,
        FEED + "allow_duplicates: NO\n",
        "feeds/f.yaml:5:19: C-TYPE",
        "write true or false",
    ),
    "107 unknown key": (
        AGENT,
        FEED + "templates: x\n",
        "feeds/f.yaml:5:1: C-UNKNOWN",
        "did you mean 'template'?",
    ),
    "108 tab": (AGENT, FEED + "bad_rows:\n\tpolicy: hold\n", "feeds/f.yaml:6:1: C-SYNTAX", "tab"),
    "109 python tag": (AGENT, FEED + "variables: !!python/tuple [x]\n", "feeds/f.yaml:5:12: C-TAG", "!"),
    "110 two documents": (AGENT, f"{FEED}---\n{FEED}", "feeds/f.yaml:5:1: C-MULTI", "document"),
    "114 template outside": (
        AGENT,
        FEED.replace("t.csv.j2", "../../t.csv.j2"),
        "feeds/f.yaml:3:11: T-PATH",
        "below templates/",
    ),
    "114 link": (
        AGENT,
        FEED.replace("t.csv.j2", "link.csv.j2"),
        "feeds/f.yaml:3:11: T-PATH",
        "through a link",
    ),
    "more: lookup's table outside": (
        AGENT,
        FEED + "tables: {brands: ../brands.csv}\n",
        "feeds/f.yaml:5:18: T-PATH",
        "below templates/",
    ),
}

TEMPLATES = {
    "112 a variable that is not there": (
        HEAD + LOOP.format("{{ row.Order }},{{ feed.tracker_id }},0,OTHER"),
        "templates/t.csv.j2:3: T-VARIABLE",
        "tracker_id",
    ),
    "115 a cell too few": (
        HEAD + LOOP.format("{{ row.Order }},16027,0"),
        "templates/t.csv.j2:3: T-COLS",
        "3 cells, the header has 4",
    ),
    "115 a cell too many": (
        HEAD + LOOP.format("{{ row.Order }},16027,0,OTHER,"),
        "templates/t.csv.j2:3: T-COLS",
        "5 cells, the header has 4",
    ),
    "more: an unknown filter": (
        HEAD + LOOP.format("{{ row.Order | order_ids }},16027,0,OTHER"),
        "templates/t.csv.j2:3: T-SYNTAX",
        "did you mean 'order_id'?",
    ),
}


def lay_out(folder, agent: str, feed: str, template: str = SOUND):
    """Write settings down."""
    for name in ("feeds", "templates"):
        (folder / name).mkdir(parents=True)
    (folder / "agent.yaml").write_text(agent, encoding="utf-8")
    (folder / "feeds" / "f.yaml").write_text(feed, encoding="utf-8")
    (folder / "templates" / "t.csv.j2").write_text(template, encoding="utf-8")
    (folder / "templates" / "link.csv.j2").symlink_to("t.csv.j2")
    return folder / "agent.yaml"


@pytest.mark.parametrize("case", SETTINGS)
def test_settings_that_cannot_be_meant_are_refused(case, tmp_path):
    """Under the catalogue's code, at file, line and column, with what to write instead."""
    agent, feed, place, words = SETTINGS[case]
    started = time.monotonic()
    with pytest.raises(SettingsError) as refused:
        load(lay_out(tmp_path / "settings", agent, feed), Kinds({"any": Destination}))
    assert time.monotonic() - started < SECONDS
    told = str(refused.value.problems[0])
    assert told.startswith(place)
    assert words in told


def test_106_a_country_that_looks_like_a_truth_stays_a_text(tmp_path):
    """`country: NO` is Norway: nothing has to be quoted."""
    feed = FEED + "variables: {country: NO, since: 2024-01-01, code: 012}\n"
    loaded = load(lay_out(tmp_path / "settings", AGENT, feed), Kinds({"any": Destination}))
    assert loaded.feeds["refunds"].variables == {"country": "NO", "since": "2024-01-01", "code": "012"}


@pytest.mark.parametrize("case", TEMPLATES)
def test_templates_that_cannot_be_meant_are_refused(case, tmp_path):
    """Before any file is dropped, with the template's line."""
    template, place, words = TEMPLATES[case]
    settings = load(lay_out(tmp_path / "settings", AGENT, FEED, template), Kinds({"any": Destination}))
    started = time.monotonic()
    (problem,) = problems_of(settings, settings.feeds["refunds"])
    assert time.monotonic() - started < SECONDS
    assert problem.startswith(place)
    assert words in problem
