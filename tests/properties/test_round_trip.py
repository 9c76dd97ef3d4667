"""The rejects file, corrected where it says so and dropped again: exactly those rows are sent, and none twice."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tempfile
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.model import Level
from agent.preparing.job import Job
from agent.preparing.pipeline import prepare
from agent.settings.models import Feed
from tests.generated import text
from tests.house import House, feed
from tests.oldbooks import xls, xlsb
from tests.workbooks import ods, xlsx, xml2003, zipped

NAMES = ["Order", "Item", "Amount", "Note"]
WIDTH = 24
TEMPLATE = """\
Oid,ActionTrackerID,SKU,Amount,Quantity,Reason
{% for row in rows %}
{{ row.Order }},7,{{ row.Item }},{{ row.Amount | amount }},1,ORDER_UPDATE
{% endfor %}
"""
FIXED = [{"name": name, "start": 1 + at * WIDTH, "width": WIDTH} for at, name in enumerate(NAMES)]
BEGINNINGS = "=+-@"  # of a formula
GOOD = "7.25"


def _objects(table):
    return [dict(zip(NAMES, row, strict=True)) for row in table]


def _fixed(table):
    return "".join("".join(f"{cell:{WIDTH}}" for cell in row) + "\r\n" for row in table)


def _xml(table):
    lines = "".join(
        "<o>" + "".join(f"<{name}>{escape(cell)}</{name}>" for name, cell in one.items()) + "</o>"
        for one in _objects(table)
    )
    return f"<r><os>{lines}</os></r>"


def _headed(table):
    return [NAMES, *table]


FORMS = {
    "semicolons": (lambda table: text(_headed(table), ";").encode(), {}),
    "tabs of cp1252": (lambda table: text(_headed(table), "\t").encode("cp1252"), {"encoding": ("cp1252",)}),
    "utf-16": (lambda table: text(_headed(table), ",").encode("utf-16"), {"encoding": ("utf-16",)}),
    "gz": (lambda table: gzip.compress(text(_headed(table), ",").encode()), {}),
    "zip": (lambda table: zipped(("a.csv", text(_headed(table), "|").encode("utf-8-sig"))), {}),
    "json": (lambda table: json.dumps({"a": _objects(table)}).encode(), {"records": "a"}),
    "ndjson": (lambda table: "\n".join(map(json.dumps, _objects(table))).encode(), {"format": "ndjson"}),
    "xml": (lambda table: _xml(table).encode(), {"records": "r.os.o"}),
    "fixed": (lambda table: _fixed(table).encode(), {"format": "fixed", "columns": FIXED}),
    "xlsx": (lambda table: xlsx(("Refunds", _headed(table))), {}),
    "xls": (lambda table: xls(_headed(table)), {}),
    "xlsb": (lambda table: xlsb(_headed(table)), {}),
    "ods": (lambda table: ods(_headed(table)), {}),
    "xml2003": (lambda table: xml2003(("Refunds", _headed(table))), {"format": "xml2003"}),
}


def corrected(content, cells, encoding="utf-8"):
    """Put a good amount in place of some cells, as a person would, in a file of any form."""
    if content.startswith(b"\x1f\x8b"):
        return gzip.compress(corrected(gzip.decompress(content), cells, encoding))
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = [(name, archive.read(name)) for name in archive.namelist()]
        return zipped(*((name, corrected(part, cells)) for name, part in parts))
    codec = "utf-16-le" if encoding == "utf-16" else encoding
    for cell in cells:
        for was, becomes in ((f"{cell:{WIDTH}}", f"{GOOD:{WIDTH}}"), (cell, GOOD)):
            # what we say about a record quotes the cell; only a cell of the sender stands alone
            for before, behind in _AROUND:
                old = f"{before}{was}{behind}".encode(codec)
                content = content.replace(old, f"{before}{becomes}{behind}".encode(codec))
    return content


_AROUND = (
    *((sign, sign) for sign in ",;\t|"),
    ('": "', '"'),
    (">", "<"),
    ("     ", "note"),
    ("", "note"),
)


def prepared(content, how):
    """Prepare a file; return its rows (order, item, amount), the codes of its findings, and its rejects file."""
    with tempfile.TemporaryDirectory() as folder:
        source, scratch = Path(folder) / "source", Path(folder) / "scratch"
        source.write_bytes(content)
        scratch.mkdir()
        its = {"bad_rows": {"at_most": "100%"}, **how}
        made = prepare(
            Job(
                Feed(name="shop", level=Level.ITEM, template="t", destination="d", **its),
                TEMPLATE,
                "",
                source,
                scratch,
                99,
            ),
            lambda _: None,
        )
        rows = []
        for draft in made.drafts:
            with (scratch / draft.file).open(newline="", encoding="utf-8") as batch:
                rows += [(row[0], row[2], row[3]) for row in [*csv.reader(batch)][1:]]
        rejects = (scratch / made.rejects_file).read_bytes() if made.rejects_file else b""
        assert made.counts.records == made.counts.sent + made.counts.kept_back
        return rows, {group.code for group in made.groups if group.code[:2] == "E-"}, rejects


@st.composite
def tables(draw):
    """Draw orders of one to three lines; some amounts are none, and begin as a formula does."""
    table, bad = [], []
    for order in range(draw(st.integers(2, 6))):
        for line in range(draw(st.integers(1, 3))):
            amount = f"{draw(st.integers(1, 99_999)) / 100:.2f}"
            if draw(st.integers(0, 3)) == 0:
                amount = f"{draw(st.sampled_from(['', *BEGINNINGS]))}BAD{order}x{line}"
                bad.append(amount)
            table.append(
                [f"000{order}", f"é {order}-{line}", amount, f"note {draw(st.sampled_from(['', 'ä', '=1']))}"]
            )
    return table, bad


@pytest.mark.parametrize("form", FORMS)
@given(drawn=tables(), halves=st.booleans())
@settings(deadline=None, max_examples=12)
def test_what_was_mended_is_sent_and_nothing_twice(form, drawn, halves):
    """Whatever is mended first: in the end each row was sent once, those with a mended amount with that."""
    make, how = FORMS[form]
    table, bad = drawn
    encoding = how.get("encoding", ("utf-8",))[0]
    content, sent, left = make(table), [], [*bad]
    for _ in range(len(bad) + 2):
        rows, codes, rejects = prepared(content, how)
        sent += rows
        kept = {order for order, _, amount, _ in table if amount in left}
        assert set(rows).isdisjoint({(row[0], row[1], GOOD) for row in table if row[0] in kept})
        assert {order for order, _, _ in rows}.isdisjoint(kept)
        assert codes <= ({"E-NUM", "E-ORDERKEPT"} if left else set())
        assert bool(rejects) == bool(left)
        if not left:
            break
        mended = left[: max(1, len(left) // 2)] if halves else left
        content, left = corrected(rejects, mended, encoding), left[len(mended) :]
    expected = [(order, item, GOOD if amount in bad else amount) for order, item, amount, _ in table]
    assert sorted(sent) == sorted(expected)


@given(drawn=tables())
@settings(deadline=None, max_examples=40)
def test_no_cell_of_ours_is_a_formula_and_none_of_theirs_is_altered(drawn):
    """A spreadsheet runs nothing that the agent wrote, and a machine reads what the sender wrote."""
    table, _ = drawn
    _, _, rejects = prepared(FORMS["semicolons"][0](table), {})
    header, *lines = (
        csv.reader(io.StringIO(rejects.decode(), newline=""), delimiter=";")
        if rejects
        else [[*NAMES, "", ""]]
    )
    assert header[:-2] == NAMES
    assert all(line[:-2] in table for line in lines)
    assert not [
        cell for line in lines for cell in line[-2:] if cell.startswith((*BEGINNINGS, "\t", "\r", " "))
    ]


ROWS = [
    ["R1", "a", "1.00", ""],
    ["R2", "b", "BAD1", "note"],
    ["R2", "c", "3.00", ""],
    ["R3", "d", "4.00", ""],
]


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ("semicolons", "refunds.x"),
        ("json", "refunds.x"),
        ("xlsx", "refunds.x"),
        ("xml", "refunds.xml"),
        ("xml2003", "refunds.xml"),
        ("xml2003", "refunds.xls"),
    ],
)
def test_through_the_whole_agent(form, name, tmp_path):
    """Dropped, refused in part, corrected in `attention`, dropped again under the name it has: each row once."""
    make, how = FORMS[form]
    folder = tmp_path / "config" / "templates"
    pattern = f"*.{name.rpartition('.')[2]}"
    its = feed(
        template="t.csv.j2", headers="as-written", bad_rows={"at_most": "100%"}, pattern=(pattern,), **how
    )
    house = House(tmp_path, its)
    folder.mkdir(parents=True)
    (folder / "t.csv.j2").write_text(TEMPLATE)
    house.taken(name, make(ROWS))
    house.drain()
    (files,) = house.told("attention").values()
    ((back, rejects),) = [(found, content) for found, content in files.items() if "rejects" in found]
    assert back == ("refunds.rejects.xlsx" if form == "xml2003" else f"refunds.rejects{pattern[1:]}")
    house.taken(back, corrected(rejects, ["BAD1"]))
    house.drain()
    house.stop()
    house.workers.close()
    sent = [
        line.split(",") for content in house.far.files.values() for line in content.decode().splitlines()[1:]
    ]
    assert sorted((row[0], row[2], row[3]) for row in sent) == [
        ("R1", "a", "1.00"), ("R2", "b", GOOD), ("R2", "c", "3.00"), ("R3", "d", "4.00"),
    ]  # fmt: skip
