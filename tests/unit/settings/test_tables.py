"""Tables beside templates: what is read, and each mistake with its line."""

from __future__ import annotations

import pytest

from agent.errors import SettingsError
from agent.preparing.checking import feed_problems, template_text
from agent.settings.models import Feed
from agent.settings.tables import read_table, tables_of

FEED = {"name": "refunds", "level": "item", "template": "t.csv.j2", "destination": "impact"}


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("a.csv", 'Shop,impact.com\nShoes,Footwear\n0012,"Hats, caps"\nNO,\n'),
        ("a.csv", '\ufeffShop,impact.com\r\nShoes , Footwear\r\n\r\n0012,"Hats, caps"\r\nNO,'),
        ("a.yaml", "Shoes: Footwear\n0012: Hats, caps\nNO: ''\n"),
        ("a.yaml", "# ours\nShoes: Footwear\n0012: Hats, caps\nNO:\n"),
    ],
)
def test_a_table_is_two_columns_of_texts(file, text):
    """Nothing in it is taken for a number or a truth; an empty value is one."""
    assert read_table(file, text.encode()) == {"Shoes": "Footwear", "0012": "Hats, caps", "NO": ""}


@pytest.mark.parametrize(
    ("file", "content", "place", "words"),
    [
        ("a.csv", b"a,b\nx,1\ny,2\nx,3\n", "a.csv:4: C-TABLE", "stands in line 2 too"),
        ("a.csv", b"a,b\nx,1\n x ,3\n", "a.csv:3: C-TABLE", "stands in line 2 too"),
        ("a.csv", b"a,b\nx,1,2\n", "a.csv:2: C-TABLE", "two columns; this line has 3"),
        ("a.csv", b"a;b\nx;1\n", "a.csv:1: C-TABLE", "two columns; this line has 1"),
        ("a.csv", b"a,b\n,1\n", "a.csv:2: C-TABLE", "a key has 1 to 1000 characters"),
        ("a.csv", b"a,b\nx," + b"y" * 1001 + b"\n", "a.csv:2: C-TABLE", "a key has 1 to 1000 characters"),
        ("a.csv", b'a,b\nx,"1\n', "a.csv:2: C-TABLE", "cannot be read"),
        ("a.csv", b"a,b\nx,\xe9\n", "a.csv:2: C-TABLE", "not UTF-8"),
        ("a.csv", b"a,b\n", "a.csv: C-TABLE", "empty"),
        ("a.csv", b"", "a.csv: C-TABLE", "empty"),
        ("a.csv", b"a,b\n" + b"x,1\n" * 2**20, "a.csv: C-TABLE", "larger than 4 MiB"),
        (
            "a.csv",
            b"".join(b"%d,1\n" % n for n in range(100_002)),
            "a.csv:100002: C-TABLE",
            "more than 100,000",
        ),
        ("a.txt", b"a,b\n", "a.txt: C-TABLE", ".csv or .yaml"),
        ("a.yaml", b"x: 1\nx: 2\n", "a.yaml:2:1: C-KEYDUP", ""),
        ("a.yaml", b"x: [1, 2]\n", "a.yaml:1: C-TABLE", "more than one value"),
        ("a.yaml", b"- x\n", "a.yaml: C-TABLE", "no keys"),
        ("a.yaml", b"x: &a 1\n", "a.yaml:1:4: C-ALIAS", ""),
        ("a.yaml", b"x: [1\n", "a.yaml:", "C-SYNTAX"),
        ("a.yaml", b"", "a.yaml: C-TABLE", "no keys"),
    ],
)
def test_a_mistake_is_told_with_its_line(file, content, place, words):
    """As in the settings."""
    with pytest.raises(SettingsError) as refused:
        read_table(file, content)
    told = str(refused.value.problems[0])
    assert told.startswith(f"templates/{place}")
    assert words in told


@pytest.fixture
def folder(tmp_path):
    """Return a settings folder with a template that looks categories up."""
    templates = tmp_path / "templates"
    templates.mkdir()
    (templates / "t.csv.j2").write_text(
        "Oid,ActionTrackerID,SKU,Amount,Category,Reason\n{% for row in rows %}\n"
        '{{ row.Oid }},1,{{ row.SKU }},0,{{ row.Cat | lookup("categories") }},OTHER\n{% endfor %}\n',
        encoding="utf-8",
    )
    return tmp_path


def problems(feed, folder):
    """Return what a check says of a feed's template and tables."""
    return feed_problems(feed, folder, {feed.template: template_text(feed.template, folder)})


def test_check_reads_the_tables(folder):
    """A mistake in one is told before any file is dropped, as is a table that is not declared."""
    feed = Feed.model_validate({**FEED, "tables": {"categories": "cats.csv"}})
    table = folder / "templates" / "cats.csv"
    table.write_text("Shop,impact.com\nShoes,Footwear\n", encoding="utf-8")
    assert problems(feed, folder) == []
    assert tables_of(feed, folder) == {"categories": {"Shoes": "Footwear"}}
    table.write_text("Shop,impact.com\nShoes,Footwear\nShoes,x\n", encoding="utf-8")
    (problem,) = problems(feed, folder)
    assert problem.startswith("templates/cats.csv:3: C-TABLE")
    (problem,) = problems(Feed.model_validate(FEED), folder)
    assert problem.startswith("templates/t.csv.j2:3: T-TABLE there is no table 'categories'")


def test_a_text_that_was_read_before_counts(folder):
    """What was checked is what is used, whatever stands in the folder by then."""
    feed = Feed.model_validate({**FEED, "tables": {"categories": "cats.csv"}})
    assert tables_of(feed, folder, {"cats.csv": "a,b\nx,y\n"}) == {"categories": {"x": "y"}}


def test_a_table_is_found_as_templates_are(folder):
    """No way out of the folder, no links."""
    (folder / "templates" / "link.csv").symlink_to("/dev/null")
    for file, code in (("../agent.yaml", "T-PATH"), ("link.csv", "T-PATH"), ("none.csv", "C-TEMPLATE")):
        feed = Feed.model_validate({**FEED, "tables": {"categories": file}})
        with pytest.raises(SettingsError, match=code):
            tables_of(feed, folder)
