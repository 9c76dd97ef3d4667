"""Templates that only pick columns are taken many rows at a time; what comes out is what row by row would give."""

from __future__ import annotations

import pytest

from agent.mapping.columns import bind
from agent.mapping.layout import read_layout, row_environment
from agent.model import Level
from agent.preparing.job import Job
from agent.preparing.pipeline import prepare
from agent.settings.models import Feed

HEADER = "Oid,ActionTrackerID,SKU,Amount,Quantity,Reason"
ROW = "{{ row.Order }},{{ feed.tracker }},{{ row.Sku }},{{ row.Amount | amount }},1,OTHER"
COLUMNS = ("Order", "Sku", "Amount", "Note")
PICKS = (0, "7", 1, 2, "1", "OTHER")


def template(*lines, loop="for row in rows"):
    """Make a template with these lines in its loop."""
    return "\n".join((HEADER, f"{{% {loop} %}}", *lines, "{% endfor %}", ""))


def direct(source):
    """Tell what is picked."""
    environment = row_environment()
    environment.filters["amount"] = environment.filters["cell_text"] = str
    return bind(read_layout(source, environment).tree, COLUMNS, {"tracker": "7"}).direct


@pytest.mark.parametrize("source", [template(ROW), template("{# a remark #}", ROW)])
def test_a_template_that_picks_columns_is_known(source):
    """Each cell is a column, of which a function may be asked, or a constant."""
    assert direct(source) == PICKS


@pytest.mark.parametrize(
    "source",
    [
        template(ROW, loop="for row in rows if row.Sku"),
        template("{% if row.Sku %}", ROW, "{% endif %}"),
        template(ROW, ROW),
        template(ROW.replace("row.Sku", "row.Sku ~ row.Order")),
        template(ROW.replace("row.Sku", "loop.index")),
        template("{% set sku = row.Sku %}", ROW.replace("row.Sku", "sku")),
        template(ROW, loop="set x = 1 %}{% for row in rows"),
    ],
)
def test_a_template_that_does_more_is_not(source):
    """Its rows are made by its own loop."""
    assert direct(source) is None


LINES = [f"o{at // 3},s{at},{at % 90}.50,n" for at in range(1_300)]
DAMAGES = {
    "none": [],
    "amounts": [(10, "o3,s10,x,n"), (700, "o233,s700,,n")],
    "widths": [(5, "o1,s5"), (600, "o200,s600,1,2,n"), (1299, "o433")],
    "blank": [(0, ""), (511, ",,,"), (512, "")],
    "scattered": [(900, "o1,s900,1,n"), (1200, "o400,s1200,1.50,n")],
    "repeated": [(901, LINES[900]), (512, LINES[511])],
    "lines inside": [(64, 'o21,s64,64.50,"two\nlines"'), (1200, LINES[65]), (1201, "o21,s63,x,n")],
    "many": [*((at, "o1") for at in range(0, 1_300, 20)), (30, "o10,s30,x,n"), (31, "o10,s31,y,n")],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_both_ways_give_the_same(tmp_path, damage):
    """The same batches, findings with their places, rejects and counts."""
    lines = list(LINES)
    for at, line in DAMAGES[damage]:
        lines[at] = line
    (tmp_path / "source.csv").write_text("\n".join((",".join(COLUMNS), *lines, "")), encoding="utf-8")
    feed = Feed(
        name="shop",
        level=Level.ITEM,
        template="t",
        destination="d",
        variables={"tracker": "7"},
        bad_rows={"at_most": "100%"},
    )
    found = []
    for number, source in enumerate(
        (template(ROW), template("{% if row.Order != '-' %}", ROW, "{% endif %}"))
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        told = prepare(Job(feed, source, "", tmp_path / "source.csv", folder, 400), lambda _: None)
        names = ("findings", "rejects", *(draft.file for draft in told.drafts))
        texts = [(folder / name).read_bytes() for name in names if (folder / name).exists()]
        found.append((told.counts, told.groups, told.drafts, texts))
    assert found[0] == found[1]
    assert found[0][0].records == len(LINES)
    assert found[0][0].rows > 1_000


@pytest.mark.parametrize("records", [100, 511, 512, 514, 1_300])
def test_what_was_read_before_a_file_broke_off_is_told(tmp_path, records):
    """Wherever that is: the findings of all records before it, whichever way the template goes."""
    lines = [f"o{at},s,{'x' if at % 9 == 0 else 1},n" for at in range(records)]
    text = "\n".join((",".join(COLUMNS), *lines, 'o,"s,1,n', ""))
    (tmp_path / "source.csv").write_text(text, encoding="utf-8")
    feed = Feed(name="shop", level=Level.ITEM, template="t", destination="d", variables={"tracker": "7"})
    for number, source in enumerate(
        (template(ROW), template("{% if row.Order != '-' %}", ROW, "{% endif %}"))
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        told = prepare(Job(feed, source, "", tmp_path / "source.csv", folder, 400), lambda _: None)
        counts = {group.code: group.count for group in told.groups}
        assert (told.verdict, counts) == ("refused", {"E-NUM": (records + 8) // 9, "E-QUOTE": 1})
