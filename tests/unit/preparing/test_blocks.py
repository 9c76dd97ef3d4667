"""Rows are taken by blocks of 512: what stands across the end of one, and what is only counted."""

from __future__ import annotations

import json
import resource
from itertools import accumulate, chain, cycle, islice
from operator import add
from pathlib import Path

import pytest

from agent.model import Counts, Level
from agent.preparing.job import Job, Prepared
from agent.preparing.pipeline import prepare
from agent.settings.models import Feed

HEADER = "Oid,ActionTrackerID,SKU,Amount,Quantity,Reason"
BLOCK = 512


def template(*lines: str) -> str:
    """Make an item template with these lines in its loop."""
    return "\n".join((HEADER, "{% for row in rows %}", *lines, "{% endfor %}", ""))


PLAIN = template("{{ row.Order }},16027,{{ row.Sku }},{{ row.Amount }},1,OTHER")
SOME = PLAIN.replace("in rows", 'in rows if row.Sku not in ("s1", "s2")')
TWO_ORDERS = template(
    "{{ row.Order }},16027,{{ row.Sku }},{{ row.Amount }},1,OTHER",
    "{% if row.Other %}",
    "{{ row.Other }},16027,{{ row.Sku }},{{ row.Amount }},1,OTHER",
    "{% endif %}",
)


COLUMNS = ("Order", "Other", "Sku", "Amount")


@pytest.fixture
def prepared(tmp_path):
    """Prepare a file of these records (Order, Other, Sku, Amount); in JSON, with these between them by turns."""

    def run(records, source=PLAIN, max_rows=100_000, between=()) -> Prepared:
        text = "".join(",".join(record) + "\n" for record in [COLUMNS, *records])
        if between:
            objects = (json.dumps(dict(zip(COLUMNS, record, strict=True))) for record in records)
            text = f"[{''.join(map(add, objects, chain(islice(cycle(between), len(records) - 1), [']'])))}"
        (tmp_path / "source.csv").write_text(text, encoding="utf-8")
        (tmp_path / "scratch").mkdir()
        feed = Feed(
            name="shop",
            level=Level.ITEM,
            template="t.csv.j2",
            destination="d",
            delimiter="comma",
            bad_rows={"at_most": "100%"},
        )
        return prepare(
            Job(feed, source, "", tmp_path / "source.csv", tmp_path / "scratch", max_rows), lambda _: None
        )

    return run


def batches_of(prepared: Prepared, folder) -> list[list[str]]:
    """Read the lines of each batch, without the header."""
    texts = [(folder / "scratch" / draft.file).read_bytes().decode() for draft in prepared.drafts]
    return [text.split("\r\n")[1:-1] for text in texts]


def lines_of(prepared: Prepared, folder) -> list[str]:
    """Read the lines of all batches, without the headers."""
    return [line for batch in batches_of(prepared, folder) for line in batch]


def findings_of(folder) -> list[dict]:
    """Read the findings."""
    return [json.loads(line) for line in (folder / "scratch" / "findings").read_text().splitlines()]


def test_a_record_across_the_end_of_a_block_has_rows_in_two_orders(prepared):
    """Its second row opens a block; the orders hang together all the same: one is bad, so both are kept back."""
    records = [(f"o{number}", "", "s", "1") for number in range(1, BLOCK)]
    records += [("first", "second", "s", "1"), ("second", "", "t", "x"), ("last", "", "s", "1")]
    done = prepared(records, TWO_ORDERS)
    assert (
        Counts(records=BLOCK + 2, sent=BLOCK, kept_back=2, rows=BLOCK, orders=BLOCK + 2, bad_orders=2)
        == done.counts
    )


def test_a_record_across_the_end_of_a_block_is_counted_once(prepared, tmp_path):
    """The same with sound orders: both are sent."""
    records = [(f"o{number}", "", "s", "1") for number in range(1, BLOCK)]
    done = prepared([*records, ("first", "second", "s", "1"), ("last", "", "s", "1")], TWO_ORDERS)
    assert Counts(records=BLOCK + 1, sent=BLOCK + 1, rows=BLOCK + 2, orders=BLOCK + 2) == done.counts
    assert [line.split(",")[0] for line in lines_of(done, tmp_path)[-3:]] == ["first", "second", "last"]


def test_an_order_too_large_is_kept_back_in_pieces(prepared):
    """A record whose rows stand in two pieces is counted once; the first record says why."""
    lines = [f"{{{{ row.Order }}}},16027,{{{{ row.Sku }}}}-{part},1,1,OTHER" for part in "abc"]
    records = [("large", "", f"s{number}", "1") for number in range(1000)] + [("small", "", "s", "1")]
    done = prepared(records, template(*lines), max_rows=100)
    assert Counts(records=1001, sent=1, kept_back=1000, rows=3, orders=2, bad_orders=1) == done.counts
    assert {(group.code, group.count) for group in done.groups} == {("E-ORDERSIZE", 1), ("E-ORDERKEPT", 999)}


def test_an_order_across_blocks_is_one(prepared, tmp_path):
    """However many blocks it fills; neighbours in the same blocks stay apart."""
    records = [("before", "", "s", "1")]
    records += [("large", "", f"s{number}", "1") for number in range(3 * BLOCK)]
    records += [("behind", "", "s", "1")]
    done = prepared(records)
    assert Counts(records=len(records), sent=len(records), rows=len(records), orders=3) == done.counts
    assert [line.split(",")[2] for line in lines_of(done, tmp_path)[1:-1]] == [
        one[2] for one in records[1:-1]
    ]


@pytest.mark.parametrize("sku", ["plain", "größer", "„Ä“, Ø", 'say "so"', "日本, 語"])
def test_an_order_that_comes_back_is_found_among_whole_ones(prepared, tmp_path, sku):
    """Where its lines begin and end is known in bytes, whatever they hold."""
    quoted = '"' + sku.replace('"', '""') + '"'
    records = [(f"o{number}", "", quoted, f"{number}") for number in range(1, 40)]
    records.insert(20, ("again", "", quoted, "1"))
    done = prepared([*records, ("again", "", "other", "2")])
    assert done.counts == Counts(records=41, sent=41, rows=41, orders=40)
    written = sku if sku == sku.strip('"') and "," not in sku and '"' not in sku else quoted
    lines = lines_of(done, tmp_path)
    assert lines[:39] == [f"o{number},16027,{written},{number}.00,1,OTHER" for number in range(1, 40)]
    assert lines[39:] == [f"again,16027,{written},1.00,1,OTHER", "again,16027,other,2.00,1,OTHER"]


def test_a_repeat_in_a_large_order_is_found(prepared):
    """Repeats are taken out before the order is judged: nothing else is said about them."""
    records = [("large", "", f"s{number % 600}", "1") for number in range(1200)]
    done = prepared(records)
    assert Counts(records=1200, sent=600, repeated=600, rows=600, orders=1) == done.counts
    assert [(group.code, group.count) for group in done.groups] == [("N-ROWDUP", 600)]


def test_warnings_are_all_counted_and_the_first_thousand_listed(prepared, tmp_path):
    """Errors are listed to the last; each column and code has its own thousand."""
    source = template("{{ row.Order }},16027,{{ row.Sku }},{{ row.Amount }},,OTHER")
    records = [(f"o{number}", "", "s", "1" if number % 2 else "x") for number in range(3000)]
    done = prepared(records, source)
    counted = {group.code: group.count for group in done.groups}
    assert counted == {"E-NUM": 1500, "W-NOQTY": 1500}
    listed = [one["code"] for one in findings_of(tmp_path)]
    assert (listed.count("E-NUM"), listed.count("W-NOQTY")) == (1500, 1000)


def test_warnings_about_an_order_that_comes_back_are_counted_once(prepared):
    """What was said of its parts is taken back and said of the whole, listed or only counted."""
    pairs = [(f"o{number}", "", "s", f"{amount}") for number in range(1200) for amount in (1, 2)]
    again = [(f"o{number}", "", "s", "3") for number in range(1100)]
    done = prepared([*pairs, *again])
    assert done.counts == Counts(records=3500, sent=3500, rows=3500, orders=1200)
    assert [(group.code, group.count) for group in done.groups] == [("W-ROWPAIR", 3500)]


def test_repeats_of_an_order_that_comes_back_bad_are_kept_back_with_it(prepared):
    """A repeat counts as one only where its order is sent."""
    records = [("a", "", "s", "1"), ("a", "", "s", "1"), ("b", "", "s", "1"), ("a", "", "t", "x")]
    done = prepared(records)
    assert done.counts == Counts(records=4, sent=1, kept_back=3, rows=1, orders=2, bad_orders=1)
    assert {(group.code, group.count) for group in done.groups} == {("E-NUM", 1), ("E-ORDERKEPT", 2)}


def test_repeats_of_an_order_that_comes_back_stay_repeats(prepared):
    """They are said once, with those found when the order was put together."""
    records = [
        ("a", "", "s", "1"),
        ("a", "", "s", "1"),
        ("b", "", "s", "1"),
        ("a", "", "t", "2"),
        ("a", "", "s", "1"),
    ]
    done = prepared(records)
    assert done.counts == Counts(records=5, sent=3, repeated=2, rows=3, orders=2)
    assert [(group.code, group.count) for group in done.groups] == [("N-ROWDUP", 2)]


@pytest.mark.parametrize("max_rows", [10, 100_000])
def test_orders_that_come_again_as_they_are_stay_where_they_were(prepared, tmp_path, max_rows):
    """Each record that came again is a repeat of the one with its row, whichever drafts both were in."""
    records = [(f"o{number // 3}", "", f"s{number % 3}", f"{number}") for number in range(1, 16)]
    other = [("o2", "", "s0", "6"), ("o2", "", "s1", "7"), ("o2", "", "s2", "99")]
    done = prepared([*records, *records, *other, *records[:2]], max_rows=max_rows)
    rows = [f"{order},16027,{sku},{amount}.00,1,OTHER" for order, _, sku, amount in records]
    changed = [row for row in rows if row.startswith("o2,")]
    expected = [row for row in rows if row not in changed]
    expected += [*changed, "o2,16027,s2,99.00,1,OTHER"]
    assert done.counts == Counts(records=35, sent=16, repeated=19, rows=16, orders=6)
    assert expected == lines_of(done, tmp_path)
    for draft, lines in zip(done.drafts, batches_of(done, tmp_path), strict=True):
        (total,) = draft.totals
        amounts = [float(line.split(",")[3]) for line in lines]
        assert (draft.rows, total.rows, float(total.amount)) == (len(lines), len(lines), sum(amounts))
    repeats = {one["record"]: one["found"] for one in findings_of(tmp_path) if one["code"] == "N-ROWDUP"}
    plain = {number: f"record {number - 15}" for number in range(16, 31)}
    assert repeats == plain | {31: "record 6", 32: "record 7", 34: "record 1", 35: "record 2"}


@pytest.mark.parametrize(
    "between",
    [[", "], [",\n"], [",\n\n\n"], [", ", ",\n\n"], [",\n\n", ", ", ",\n"], [", "] * 9 + ["," + "\n" * 9]],
    ids=["one line", "line by line", "three lines", "one and two", "two, none, one", "seldom"],
)
@pytest.mark.parametrize("source", [PLAIN, SOME], ids=["all", "some"])
def test_each_repeat_is_told_by_its_own_line(prepared, tmp_path, between, source):
    """Wherever the lines of a JSON file end: records may share one, or leave some out."""
    records = [(f"o{number // 7}", "", f"s{number % 7}", f"{number}") for number in range(1, 600)]
    records += [*records, records[0], *records[7:9]]
    prepared(records, source, between=between)
    repeats = [one for one in findings_of(tmp_path) if one["code"] == "N-ROWDUP"]
    given = {number for number, one in enumerate(records, 1) if source is PLAIN or one[2] not in ("s1", "s2")}
    assert {one["record"] for one in repeats} == {number for number in given if number > 599}
    ends = [0, *accumulate(one.count("\n") for one in islice(cycle(between), len(records)))]
    assert [one["place"] for one in repeats] == [f"line {1 + ends[one['record'] - 1]}" for one in repeats]


def test_repeats_within_an_order_that_comes_again_are_told_once(prepared, tmp_path):
    """They repeat the row before them; the others that of the first time."""
    records = [("a", "", "s", "1"), ("a", "", "t", "1"), ("a", "", "s", "1"), ("b", "", "s", "1")]
    done = prepared([*records, *records[:3]])
    assert done.counts == Counts(records=7, sent=3, repeated=4, rows=3, orders=2)
    found = {one["record"]: one["found"] for one in findings_of(tmp_path)}
    assert found == {3: "record 1", 5: "record 1", 6: "record 2", 7: "record 5"}
    assert [(group.code, group.count) for group in done.groups] == [("N-ROWDUP", 4)]


@pytest.fixture
def few_files():
    """Let this process have few files open at a time."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len([*Path("/proc/self/fd").iterdir()]) + 100, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.usefixtures("few_files")
def test_many_drafts_need_few_open_files(prepared, tmp_path):
    """Orders that come back are read from as many drafts as there are."""
    records = [(f"o{number}", "", "s", "1") for number in range(300)]
    changed = [(f"o{number}", "", "s", f"{number % 2 + 1}") for number in range(300)]
    done = prepared([*records, *changed], max_rows=2)
    assert done.counts == Counts(records=600, sent=450, repeated=150, rows=450, orders=300)
    assert len(done.drafts) > 200
    assert len(set(lines_of(done, tmp_path))) == 450


@pytest.mark.parametrize("at", [0, 1, 5, 9])
def test_a_row_whose_cells_disagree_keeps_its_own_order_back(prepared, tmp_path, at):
    """Each cell is sound alone; neither the order before it nor the one behind is touched."""
    source = template("{{ row.Order }},16027,{{ row.Sku }},{{ row.Amount }},{{ row.Other }},OTHER")
    records = [(f"o{number // 2}", "1", f"s{number}", "1") for number in range(10)]
    records[at] = (f"o{at // 2}", "0", f"s{at}", "1")
    done = prepared(records, source)
    assert done.counts == Counts(records=10, sent=8, kept_back=2, rows=8, orders=5, bad_orders=1)
    assert {(group.code, group.count) for group in done.groups} == {("E-QTYZERO", 1), ("E-ORDERKEPT", 1)}
    assert f"o{at // 2}" not in {line.split(",")[0] for line in lines_of(done, tmp_path)}


def test_orders_named_in_different_ways(prepared, tmp_path):
    """By ActionID, by Oid and tracker, by both, or not at all: rows without a name stand each for itself."""
    header = "ActionID,Oid,ActionTrackerID,SKU,Amount,Quantity,Reason"
    line = "{{ row.Order }},{{ row.Other }},{{ '16027' if row.Other else '' }},{{ row.Sku }},{{ row.Amount }},1,OTHER"
    source = f"{header}\n{{% for row in rows %}}\n{line}\n{{% endfor %}}\n"
    records = [
        ("7.1.2", "", "s1", "1"),
        ("7.1.2", "", "s2", "1"),
        ("", "o1", "s1", "1"),
        ("", "o1", "s2", "1"),
        ("", "", "s1", "1"),
        ("", "", "s2", "1"),
        ("", "", "s3", "1"),
        ("7.1.3", "o2", "s1", "1"),
        ("", "o1", "s3", "1"),
    ]
    done = prepared(records, source)
    assert done.counts == Counts(records=9, sent=6, kept_back=3, rows=6, orders=6, bad_orders=3)
    assert [line.split(",")[:2] for line in lines_of(done, tmp_path)] == [
        ["7.1.2", ""],
        ["7.1.2", ""],
        ["7.1.3", "o2"],
        ["", "o1"],
        ["", "o1"],
        ["", "o1"],
    ]


def test_a_row_named_by_half_among_others_that_are_named(prepared, tmp_path):
    """What was said of rows with the same cells is not said of it: its identifiers are filled otherwise."""
    header = "ActionID,Oid,ActionTrackerID,SKU,Amount,Quantity,Reason"
    line = "{{ row.Order }},{{ row.Other }},,{{ row.Sku }},{{ row.Amount }},1,OTHER"
    source = f"{header}\n{{% for row in rows %}}\n{line}\n{{% endfor %}}\n"
    records = [(f"7.1.{number}", "", "s", "1") for number in range(2 * BLOCK)]
    done = prepared([*records, ("7.2.0", "", "s", "1"), ("", "o1", "s", "1")], source)
    assert done.counts.kept_back == 1
    assert {(group.code, group.field) for group in done.groups} == {("E-REQ", "ActionTrackerID")}
    assert "o1" not in "\n".join(lines_of(done, tmp_path))
