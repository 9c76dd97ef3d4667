"""Cells by the hundred thousand, through every format into a batch that is read back: each is what it was."""

from __future__ import annotations

import csv
import gzip
import json
import random
from functools import cache
from xml.sax.saxutils import escape

import pytest

from agent.model import Level
from agent.preparing.job import Job
from agent.preparing.pipeline import prepare
from agent.settings.models import Feed
from tests.generated import text
from tests.oldbooks import xls, xlsb
from tests.workbooks import ods, xlsx, xml2003, zipped

NAMES = ["Order", "Item", "Amount", "Kind"]
WIDTH = 40
TEMPLATE = """\
Oid,ActionTrackerID,SKU,Amount,Quantity,Category,Reason
{% for row in rows %}
{{ row.Order }},7,{{ row.Item }},{{ row.Amount | amount }},1,{{ row.Kind }},ORDER_UPDATE
{% endfor %}
"""
LETTERS = "abcXYZ019 -_./\\,;|:#%&'\"<>()[]{}!?*+=@~^`$" + "äöüßéñçøåŁžИжΩλשع日本語絵한글€£\u00a0"
ENDS = "abcXYZ019äßéŁИΩ日한"
MANY, MOST = 2_500, 250_000  # records of four cells
XLS_MOST = 40_000  # of them the .xls that tests make can hold


@cache
def records(many):
    """Make up records; no cell begins or ends with what a rule refuses there."""
    dice = random.Random(many)  # noqa: S311 - the same every time

    def word(longest):
        middle = "".join(dice.choices(LETTERS, k=dice.randrange(longest)))
        return f"{dice.choice(ENDS)}{middle}{dice.choice(ENDS)}"

    def order(number):
        written = dice.choice(
            (f"{number:012}", f"1{number:019}", f"1000.{number}.77", f"#{number}", f"{number}E5x")
        )
        return f"{written}-{number:x}" if dice.random() < 0.5 else f"{number:07}{written}"

    return [
        [order(number), word(20), f"{dice.randint(1, 99_999_999) / 100:.2f}", word(30)]
        for number in range(many)
    ]


def _objects(many):
    return [dict(zip(NAMES, record, strict=True)) for record in records(many)]


def _xml(many):
    lines = (
        "<o>" + "".join(f"<{name}>{escape(cell)}</{name}>" for name, cell in one.items()) + "</o>"
        for one in _objects(many)
    )
    return f"<r>{''.join(lines)}</r>".encode()


def _numbers(many):
    return xlsx([NAMES, *([*record[:2], float(record[2]), record[3]] for record in records(many))])


def _delimited(many, delimiter=";"):
    return text([NAMES, *records(many)], delimiter)


FIXED = [{"name": name, "start": 1 + at * WIDTH, "width": WIDTH} for at, name in enumerate(NAMES)]
FORMATS = {
    "comma": lambda many: _delimited(many, ",").encode(),
    "tab": lambda many: _delimited(many, "\t").encode("utf-8-sig"),
    "wide": lambda many: _delimited(many).encode("utf-16"),
    "gz": lambda many: gzip.compress(_delimited(many).encode(), 1),
    "zip": lambda many: zipped(("a.csv", _delimited(many, "|").encode())),
    "json": lambda many: json.dumps(_objects(many), ensure_ascii=False).encode(),
    "ndjson": lambda many: "\n".join(map(json.dumps, _objects(many))).encode(),
    "xml": _xml,
    "fixed": lambda many: "".join(
        "".join(f"{cell:{WIDTH}}" for cell in one) + "\n" for one in records(many)
    ).encode(),
    "xlsx": lambda many: xlsx([NAMES, *records(many)]),
    "xlsx-numbers": _numbers,
    "xlsb": lambda many: xlsb([NAMES, *records(many)]),
    "xls": lambda many: xls([NAMES, *records(many)[:XLS_MOST]]),
    "ods": lambda many: ods([NAMES, *records(many)]),
    "xml2003": lambda many: xml2003([NAMES, *records(many)]),
}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    "many", [pytest.param(MANY, id="10^4"), pytest.param(MOST, marks=pytest.mark.soak, id="10^6")]
)
def test_every_cell_of_a_batch_is_the_one_that_was_dropped(form, many, tmp_path):
    """In order, none missing, none twice."""
    source, scratch = tmp_path / "source", tmp_path / "scratch"
    source.write_bytes(FORMATS[form](many))
    scratch.mkdir()
    how = {"format": "fixed", "columns": FIXED} if form == "fixed" else {"encoding": ("utf-8", "utf-16")}
    how["personal"] = ("SKU", "Category")  # where an @ among letters is no address to hold back
    feed = Feed(name="shop", level=Level.ITEM, template="t", destination="d", **how)
    made = prepare(Job(feed, TEMPLATE, "", source, scratch, 10**6), lambda _: None)
    expected = records(many)[:XLS_MOST] if form == "xls" else records(many)
    harmless = {"W-IDZERO"}  # ids are of any length here, with zeros in front or not
    found = [group for group in made.groups if group.code[:2] != "N-" and group.code not in harmless]
    assert [(group.code, group.examples[0]) for group in found] == []
    with (scratch / made.drafts[0].file).open(newline="", encoding="utf-8") as batch:
        _, *rows = csv.reader(batch)
    assert len(rows) == len(expected)
    assert [
        one for one in zip(rows, expected, strict=True) if [one[0][at] for at in (0, 2, 3, 5)] != one[1]
    ] == []
