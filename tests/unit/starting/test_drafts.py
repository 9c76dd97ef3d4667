"""The texts of a draft: whatever stands in a sample is read back as it was meant, and never becomes code."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.errors import RefusedFile
from agent.mapping.mapping import FeedTemplate
from agent.model import Level
from agent.preparing.usable import problems_of
from agent.settings.kinds import Kinds
from agent.settings.loader import load
from agent.settings.models import Dates, Destination, Numbers
from agent.starting.drafting import template_text
from agent.starting.feedfile import feed_text
from agent.starting.planning import planned
from agent.starting.sampling import sampled
from agent.starting.writing import quoted, shown
from tests.workbooks import xlsx

CORPUS = Path(__file__).resolve().parents[2] / "corpus" / "new-feed"
NASTY = (
    'say "hi"',
    "it's",
    "a\\b",
    "{{ x }}",
    "{% raw %}",
    "#} x",
    "a: b",
    "- x",
    "# no",
    "café",
    "line\nbreak",
    "\u200b",
)


def drafted(content, level=None, name="sample.csv"):
    """Return feed and template for a sample's bytes."""
    read = sampled(io.BytesIO(content))
    plan = planned(read, level)
    return feed_text(plan, read, "shop", name, "there"), template_text(plan, name)


def table(rows):
    """Write rows as CSV."""
    stream = io.StringIO()
    csv.writer(stream).writerows(rows)
    return stream.getvalue().encode()


def template(text, feed):
    """Read a draft's template with its feed's own settings."""
    told = yaml.safe_load(feed)
    return FeedTemplate(
        text,
        {"name": "shop", **told.get("variables", {})},
        numbers=Numbers(),
        dates=Dates().formats,
        reasons=told.get("reasons", {}),
    )


@pytest.mark.parametrize("text", NASTY)
def test_names_and_texts_are_quoted_for_both_files(text):
    """YAML reads back what was written; so does the template."""
    assert yaml.safe_load(f"a: {quoted(text)}") == {"a": text}
    assert "#}" not in shown(text)
    assert "\n" not in shown(text)


@pytest.mark.parametrize("name", [one for one in NASTY if "\n" not in one and one != "\u200b"])
def test_a_columns_name_may_hold_anything(name):
    """The template finds the column under its own name, and its texts stay texts."""
    order = f"{name} order number"
    feed, text = drafted(table([[order, "Status"], ["A-1", "refunded"], ["A-2", "paid"]]))
    made = template(text, feed)
    bound = made.bind([order, "Status"])
    assert bound.missing == ()
    assert order in bound.bound.used


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.text(
            st.characters(blacklist_categories=("Cs",), blacklist_characters="\0\r\n"),
            min_size=1,
            max_size=12,
        ),
        min_size=2,
        max_size=6,
        unique_by=lambda name: name.strip().casefold(),
    ),
    st.lists(
        st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=12),
        min_size=6,
    ),
    st.sampled_from([None, Level.ORDER, Level.ITEM]),
)
def test_every_table_gives_a_draft_that_can_be_read(names, texts, level):
    """Or the table itself is refused; no name and no text becomes code or another setting."""
    rows = [names, *([*texts, *[""] * 6][at : at + len(names)] for at in range(3))]
    try:
        feed, text = drafted(table(rows), level)
    except RefusedFile:
        return
    told = yaml.safe_load(feed)
    assert told["name"] == "shop"
    assert set(told) <= {
        "name", "pattern", "level", "template", "destination", "variables", "encoding", "delimiter", "numbers", "dates",
        "reasons", "fill_down", "bad_rows", "headers", "header_row", "totals",
    }  # fmt: skip
    assert (
        template(text, feed).bind([column.name for column in sampled(io.BytesIO(table(rows))).flat]).missing
        == ()
    )


@pytest.mark.parametrize("text", NASTY)
def test_settings_take_whatever_a_sample_has_in_it(text, tmp_path):
    """As the agent itself reads them: every text is one, and says what it said in the sample."""
    rows = [
        ["Order", f"Order status {text}", "Reason"],
        ["00123", "refunded", text],
        ["00124", "paid", "damaged"],
    ]
    feed, made = drafted(table(rows), name=f"{text.strip('.')}.csv")
    for kind, name, content in (("feeds", "shop.yaml", feed), ("templates", "shop.csv.j2", made)):
        (tmp_path / kind).mkdir()
        (tmp_path / kind / name).write_text(content, encoding="utf-8")
    agent = "version: 1\ndrop: ../drop\nstate: ../state\ndestinations:\n  there: {type: any}\n"
    (tmp_path / "agent.yaml").write_text(agent, encoding="utf-8")
    loaded = load(tmp_path / "agent.yaml", Kinds({"any": Destination}))
    assert problems_of(loaded, loaded.feeds["shop"]) == []
    assert set(loaded.feeds["shop"].reasons) >= {text.strip(), "damaged"}


def test_what_is_ambiguous_is_declared_with_both_readings():
    """Numbers and dates alike, each marked."""
    feed, _ = drafted(b"Order,New total,Refund date\nA-1,1.234,03/04/2024\n")
    lines = feed.splitlines()
    at = next(number for number, line in enumerate(lines) if "may be 1.234 or 1234" in line)
    assert lines[at].startswith("# CHECK: ")
    assert 'numbers: {decimal: "."}' in lines
    assert '# numbers: {decimal: ",", thousands: "."}' in lines
    assert any("03 April 2024 or 04 March 2024" in line for line in lines)
    assert "dates" not in yaml.safe_load(feed)


TYPED = {  # what the texts say, beside numbers that have a point whatever they say → what is drafted
    "a comma": ('"1.234,50"', 'numbers: {decimal: ",", thousands: "."}', 0),
    "two ways": ('"1,234"', 'numbers: {decimal: ","}', 1),
    "a point": ('"12.50"', "", 0),
    "no text": ("12.50", "", 0),
}


@pytest.mark.parametrize("form", ["json", "xlsx"])
@pytest.mark.parametrize("case", TYPED)
def test_numbers_of_a_file_do_not_tell_how_its_texts_are_written(case, form):
    """A point in them is no sign that a comma in a text parts thousands; the draft fits the texts, or asks."""
    text, numbers, checks = TYPED[case]
    record = '{"Order": "R%d", "New total": %s, "Refund amount": %s}'
    content = f"[{record % (1, text, 2)}, {record % (2, 2.5, -3.5)}]".encode()
    if form == "xlsx":
        names = ["Order", "New total", "Refund amount"]
        rows = [names, *[[one[name] for name in names] for one in json.loads(content)]]
        content = xlsx(rows)
    feed, _ = drafted(content)
    lines = feed.splitlines()
    assert [line for line in lines if line.startswith("numbers:")] == [numbers] * bool(numbers)
    assert sum("CHECK: " in line and ("may be" in line or "no numbers" in line) for line in lines) == checks
    assert not any("shows its decimals" in line for line in lines)
    assert checks or any("such as -3.5 are negative" in line for line in lines)


def test_leading_zeros_are_noted():
    """With the setting that guards them, as a remark."""
    feed, _ = drafted(b"Order,SKU,Status\n00123,007,refunded\n00124,010,paid\n")
    assert '# id_lengths: {"Order": 5}' in feed
    assert '# id_lengths: {"SKU": 3}' in feed


def test_many_reasons_are_not_listed():
    """Free texts get one code for all, marked."""
    rows = [["Order", "Return reason"], *([f"A-{at}", f"because of {at}"] for at in range(100))]
    feed, _ = drafted(table(rows))
    assert yaml.safe_load(feed)["reasons"] == {"default": "OTHER"}
    assert "100" not in feed
    assert "CHECK: “Return reason” has more than 60 different texts" in feed


def test_impacts_own_ids_are_used_where_they_are():
    """Then no order's number and no number of an event type is needed."""
    feed, text = drafted(
        b"Action ID,Status,Total\n1000.4636.158133,refunded,9.50\n1000.4636.158134,paid,3.00\n"
    )
    assert "ActionID,Amount,Reason" in text.splitlines()
    assert "action_tracker_id" not in feed


def test_a_refund_is_taken_from_the_total_whatever_its_sign():
    """Some shops write what was given back with a minus."""
    _, text = drafted(b"Order,Total,Refunded\nA-1,9.50,-3.00\nA-2,4.00,\n")
    assert "| float | abs %}" in text


def test_items_of_records_are_looped_over():
    """Line items of JSON: one row each."""
    order = {
        "order_number": "A-1",
        "status": "refunded",
        "line_items": [{"sku": "R", "quantity": 1}, {"sku": "B"}],
    }
    _, text = drafted(json.dumps([order]).encode(), name="sample.json")
    assert '{% for item in row["line_items"] %}' in text.splitlines()
    assert "{{ item.sku | order_id }}" in text


SAMPLES = [path.read_bytes() for path in sorted(CORPUS.glob("*/sample.*"))]


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(SAMPLES), st.floats(0, 1), st.binary(max_size=6), st.booleans())
def test_a_damaged_sample_is_read_or_refused(content, place, junk, cut):
    """Nothing else leaves the readers' room, and what is read gives a draft."""
    at = int(place * len(content))
    damaged = content[:at] + junk + (b"" if cut else content[at:])
    try:
        feed, _ = drafted(damaged)
    except RefusedFile:
        return
    assert yaml.safe_load(feed)["destination"] == "there"
