from __future__ import annotations

import csv
import hashlib
import io
import os
import subprocess
import sys
from decimal import Decimal

import pytest

from agent.model import Change, Counts, Level, Total
from agent.preparing.job import Job, Prepared
from agent.preparing.pipeline import prepare
from agent.settings.models import Feed

HEADER = "Oid,ActionTrackerID,SKU,Amount,Quantity,Reason"
PLAIN = f"""\
{HEADER}
{{% for row in rows if row.Take == "y" %}}
{{{{ row.Order }}}},{{{{ feed.tracker }}}},{{{{ row.Sku }}}},{{{{ row.Amount }}}},1,OTHER
{{% endfor %}}
"""
TWO_ORDERS = f"""\
{HEADER}
{{% for row in rows %}}
{{{{ row.Order }}}},{{{{ feed.tracker }}}},{{{{ row.Sku }}}},{{{{ row.Amount }}}},1,OTHER
{{{{ row.Take }}}},{{{{ feed.tracker }}}},{{{{ row.Sku }}}},0,0,OTHER
{{% endfor %}}
"""
LAYOUT = """\
<Orders account="{{ feed.tracker }}">
{% for row in rows %}
  <Item order="{{ row.Oid }}" sku="{{ row.SKU }}">{{ row.Amount }}</Item>
{% endfor %}
</Orders>
"""
ON_THE_COMMAND_LINE = """
import sys
from agent.preparing.job import Job
from agent.preparing.pipeline import prepare
with open(sys.argv[1]) as file:
    print(prepare(Job.from_json(file.read()), lambda _: None).to_json())
"""


class Desk:
    """Prepares files in one folder."""

    def __init__(self, folder):
        self.source, self.scratch = folder / "source.csv", folder / "scratch"
        self.scratch.mkdir()

    def job(self, text, template=PLAIN, *, layout="", max_rows=100, max_size=None, **feed) -> Job:
        """Make the job for a file with this text below the header."""
        self.source.write_bytes(text.encode())
        its = {
            "bad_rows": {"at_most": "100%"},
            "variables": {"tracker": "16027"},
            "delimiter": "comma",
            **feed,
        }
        made = Feed(name="shop", level=Level.ITEM, template="t.csv.j2", destination="d", **its)
        return Job(made, template, layout, self.source, self.scratch, max_rows, max_size=max_size)

    def prepared(self, *records, **how) -> Prepared:
        """Prepare a file of these records; what was made of one before is gone."""
        for path in self.scratch.iterdir():
            path.unlink()
        text = "".join(f"{record}\r\n" for record in ("Take,Order,Sku,Amount", *records))
        return prepare(self.job(text, **how), lambda _: None)

    def batches(self, prepared) -> list[list[str]]:
        """Read the batches' lines, without the header."""
        texts = [(self.scratch / draft.file).read_bytes().decode() for draft in prepared.drafts]
        assert {text.split("\r\n")[0] for text in texts} <= {HEADER}
        return [text.split("\r\n")[1:-1] for text in texts]

    def rejects(self, prepared) -> list[tuple[str, str]]:
        """Read the rejects file: the sender's cells as one text, and the code of the reason."""
        text = (self.scratch / prepared.rejects_file).read_text(encoding="utf-8")
        rows = list(csv.reader(io.StringIO(text, newline="")))[1:]
        return [(",".join(row[:-2]), row[-2].removeprefix("[cells out of line] ").split()[0]) for row in rows]


@pytest.fixture
def desk(tmp_path):
    """A folder to prepare in."""
    return Desk(tmp_path)


def codes(prepared):
    """Count the findings by code, but for the order they came in."""
    return {group.code: group.count for group in prepared.groups}


def test_a_clean_file_goes_out_as_it_is(desk):
    """Each record is one row, amounts are written canonically, digests and totals are the draft's own."""
    prepared = desk.prepared("y,A,s1,1", "y,A,s2,0.00", "y,B,s1,2.5")
    assert (prepared.verdict, prepared.reason) == ("ready", "")
    assert Counts(records=3, sent=3, rows=3, orders=2) == prepared.counts
    assert desk.batches(prepared) == [
        ["A,16027,s1,1.00,1,OTHER", "A,16027,s2,0,1,OTHER", "B,16027,s1,2.50,1,OTHER"]
    ]
    (draft,) = prepared.drafts
    data = (desk.scratch / draft.file).read_bytes()
    assert (len(data), hashlib.sha256(data).hexdigest(), 3) == (draft.size, draft.sha256, draft.rows)
    assert {
        Total("", "OTHER", Change.MODIFICATION, 2, Decimal("3.50")),
        Total("", "OTHER", Change.REVERSAL, 1, Decimal("0.00")),
    } == set(draft.totals)
    assert prepared.rejects_file == ""


def test_a_scattered_order_is_brought_together(desk):
    """Its rows stand side by side, in their order, in one batch."""
    prepared = desk.prepared("y,A,s1,1", "y,B,s1,1", "y,A,s2,1", "y,C,s1,1", "y,A,s3,1")
    assert [
        "B,16027,s1,1.00,1,OTHER",
        "C,16027,s1,1.00,1,OTHER",
        *(f"A,16027,s{number},1.00,1,OTHER" for number in (1, 2, 3)),
    ] == [line for batch in desk.batches(prepared) for line in batch]
    assert Counts(records=5, sent=5, rows=5, orders=3) == prepared.counts


@pytest.mark.parametrize("between", [(), ("y,B,s1,1",)], ids=["adjacent", "scattered"])
def test_an_exact_repeat_is_sent_once(desk, between):
    """What counts is the row as written: 1 and 1.00 are the same."""
    prepared = desk.prepared("y,A,s1,1", *between, "y,A,s1,1.00")
    many = 1 + len(between)
    assert Counts(records=many + 1, sent=many, repeated=1, rows=many, orders=many) == prepared.counts
    assert many == len(desk.batches(prepared)[0])
    assert codes(prepared)["N-ROWDUP"] == 1


@pytest.mark.parametrize(
    ("bad", "code"),
    [("y,A,s2,x", "E-NUM"), ("y,A,s2", "E-COLS"), ("y,A,s2,1,9", "E-COLS"), ("y,A,,1", "E-REQ")],
)
@pytest.mark.parametrize("between", [(), ("y,C,s1,1",)], ids=["adjacent", "scattered"])
def test_a_bad_record_keeps_its_whole_order_back(desk, bad, code, between):
    """Whether it comes before or after the order's other rows, and however it is bad."""
    prepared = desk.prepared("y,A,s1,1", *between, bad, "y,B,s1,1", "y,A,s3,1")
    assert [("y,A,s1,1", "E-ORDERKEPT"), (bad, code), ("y,A,s3,1", "E-ORDERKEPT")] == desk.rejects(prepared)
    many = 1 + len(between)
    assert (
        Counts(records=3 + many, sent=many, kept_back=3, rows=many, orders=1 + many, bad_orders=1)
        == prepared.counts
    )
    assert {line[0] for line in desk.batches(prepared)[0]} == {"B", *(record[2] for record in between)}


def test_a_record_that_names_no_order_stands_alone(desk):
    """It keeps nothing else back."""
    prepared = desk.prepared("y,A,s1,1", "y,,s1,1", "y,,s2,1", "y,A,s2,1")
    assert desk.rejects(prepared) == [("y,,s1,1", "E-REQ"), ("y,,s2,1", "E-REQ")]
    assert Counts(records=4, sent=2, kept_back=2, rows=2, orders=3, bad_orders=2) == prepared.counts


def test_what_the_template_passes_over_is_counted(desk):
    """It is neither checked nor kept back."""
    prepared = desk.prepared("n,A,s1,x", "y,A,s2,1")
    assert Counts(records=2, sent=1, skipped=1, rows=1, orders=1) == prepared.counts
    assert desk.batches(prepared) == [["A,16027,s2,1.00,1,OTHER"]]


def test_batches_break_between_orders(desk):
    """A batch holds no more rows than allowed and never half an order."""
    prepared = desk.prepared("y,A,s1,1", "y,A,s2,1", "y,B,s1,1", "y,B,s2,1", "y,C,s1,1", max_rows=3)
    assert [[line[0] for line in batch] for batch in desk.batches(prepared)] == [["A", "A"], ["B", "B", "C"]]


@pytest.mark.parametrize("between", [(), ("y,B,s9,1",)], ids=["adjacent", "scattered"])
def test_an_order_larger_than_a_batch_is_kept_back(desk, between):
    """The first of its records says so."""
    prepared = desk.prepared("y,A,s1,1", *between, "y,A,s2,1", "y,A,s3,1", "y,B,s1,1", max_rows=2)
    assert (desk.rejects(prepared)) == [
        ("y,A,s1,1", "E-ORDERSIZE"),
        ("y,A,s2,1", "E-ORDERKEPT"),
        ("y,A,s3,1", "E-ORDERKEPT"),
    ]
    assert {"B"} == {line[0] for batch in desk.batches(prepared) for line in batch}


def test_batches_break_before_they_grow_too_large(desk):
    """Counted in bytes, header and line ends included; an order stays whole."""
    records = ["y,A,sé,1", "y,B,s1,1", "y,B,s2,1", "y,C,s1,1"]
    lines = ["A,16027,sé,1.00,1,OTHER", "B,16027,s1,1.00,1,OTHER", "B,16027,s2,1.00,1,OTHER"]
    three = len("\r\n".join((HEADER, *lines, "")).encode())
    batches = desk.batches(prepared := desk.prepared(*records, max_size=three))
    assert [[line[0] for line in batch] for batch in batches] == [["A", "B", "B"], ["C"]]
    assert prepared.drafts[0].size == three
    batches = desk.batches(desk.prepared(*records, max_size=three - 1))
    assert [[line[0] for line in batch] for batch in batches] == [["A"], ["B", "B", "C"]]


@pytest.mark.parametrize("between", [(), ("y,B,s9,1",)], ids=["adjacent", "scattered"])
def test_an_order_larger_than_a_batch_file_is_kept_back(desk, between):
    """The first of its records says so, with both numbers; rows that repeat do not count."""
    line = len("A,16027,s1,1.00,1,OTHER\r\n")
    most = len(HEADER) + 2 + 2 * line
    records = ["y,A,s1,1", *between, "y,A,s2,1", "y,A,s2,1"]
    assert desk.prepared(*records, max_size=most).counts.kept_back == 0
    prepared = desk.prepared(*records, "y,A,s3,1", "y,B,s1,1", max_size=most)
    assert (desk.rejects(prepared)) == [
        ("y,A,s1,1", "E-ORDERBYTES"),
        *[("y,A,s2,1", "E-ORDERKEPT")] * 2,
        ("y,A,s3,1", "E-ORDERKEPT"),
    ]
    words = {group.code: group.words for group in prepared.groups}
    assert f"{most + line:,} bytes, and one may have {most:,}" in words["E-ORDERBYTES"]
    assert {"B"} == {line[0] for batch in desk.batches(prepared) for line in batch}


def test_a_record_with_rows_in_two_orders_keeps_both_back(desk):
    """And so on through the records that these share; the rest goes."""
    prepared = desk.prepared("B,A,s1,1", "D,C,s1,x", "E,D,s2,1", "A,B,s2,1", template=TWO_ORDERS)
    assert desk.rejects(prepared) == [("D,C,s1,x", "E-NUM"), ("E,D,s2,1", "E-ORDERKEPT")]
    assert Counts(records=4, sent=2, kept_back=2, rows=4, orders=5, bad_orders=3) == prepared.counts
    assert sorted(line[0] for line in desk.batches(prepared)[0]) == ["A", "A", "B", "B"]


@pytest.mark.parametrize(
    ("policy", "at_most", "verdict"),
    [
        ("split", "50%", "ready"),
        ("split", "49%", "refused"),
        ("hold", "0%", "hold"),
        ("refuse-file", "100%", "refused"),
    ],
)
def test_the_policy_decides_on_a_file_with_a_bad_order(desk, policy, at_most, verdict):
    """One order of two is bad; refused, the whole file comes back and nothing is drafted."""
    prepared = desk.prepared("y,A,s1,1", "y,B,s1,x", bad_rows={"policy": policy, "at_most": at_most})
    assert verdict == prepared.verdict
    assert prepared.reason
    if verdict == "refused":
        assert (prepared.drafts, prepared.counts.sent, prepared.counts.kept_back) == ((), 0, 2)
        assert [record for record, _ in desk.rejects(prepared)] == ["y,A,s1,1", "y,B,s1,x"]
    else:
        assert desk.batches(prepared)[0] == ["A,16027,s1,1.00,1,OTHER"]
        assert desk.rejects(prepared) == [("y,B,s1,x", "E-NUM")]


def test_a_file_of_bad_orders_only_is_refused(desk):
    """Whatever share may be bad."""
    prepared = desk.prepared("y,A,s1,x")
    assert (prepared.verdict, prepared.drafts) == ("refused", ())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Take,Order,Sku\r\ny,A,s1\r\n", "E-HDRMISS"),
        ('Take,Order,Sku,Amount\r\ny,"A,s1,1\r\ny,B,s1,1\r\n', "E-QUOTE"),
        ("", "E-EMPTY"),
    ],
    ids=["missing-column", "unclosed-quote", "empty"],
)
def test_a_file_that_cannot_be_used_is_refused_whole(desk, text, code):
    """No draft, and the finding says why."""
    prepared = prepare(desk.job(text), lambda _: None)
    assert ("refused", (), {code: 1}) == (prepared.verdict, prepared.drafts, codes(prepared))
    assert code in (desk.scratch / prepared.findings_file).read_text()


def test_a_file_without_anything_to_send_says_so(desk):
    """It is no mistake, but remarkable."""
    prepared = desk.prepared("n,A,s1,1", "n,B,s1,1")
    assert (prepared.verdict, prepared.drafts, codes(prepared)) == ("nothing", (), {"W-NOTHING": 1})
    assert Counts(records=2, skipped=2) == prepared.counts


def test_identifiers_may_stand_on_the_first_row_of_an_order_only(desk):
    """The draft's digest is that of the bytes as laid out."""
    prepared = desk.prepared("y,A,s1,1", "y,B,s1,1", "y,A,s2,1", identifiers="once")
    assert desk.batches(prepared) == [
        ["B,16027,s1,1.00,1,OTHER", "A,16027,s1,1.00,1,OTHER", ",,s2,1.00,1,OTHER"]
    ]
    (draft,) = prepared.drafts
    assert hashlib.sha256((desk.scratch / draft.file).read_bytes()).hexdigest() == draft.sha256


def test_a_layout_larger_than_a_batch_file_is_refused(desk):
    """It is known when it is laid out; the number of rows that would fit is told."""
    records = [f"y,{order},s1,1" for order in "ABCD"]
    how = {"layout": LAYOUT, "extension": "xml"}
    most = max(draft.size for draft in desk.prepared(*records, **how).drafts)
    assert desk.prepared(*records, **how, max_size=most).verdict == "ready"
    refused = desk.prepared(*records, **how, max_size=most - 1)
    assert (refused.verdict, codes(refused), refused.drafts) == ("refused", {"E-BATCHBYTES": 1}, ())
    assert f"a batch of 4 rows has {most} bytes, and one may have {most - 1}" in refused.reason
    assert "max_rows of the feed to 3" in refused.groups[0].mend
    assert (refused.counts.sent, refused.counts.kept_back) == (0, 4)
    assert desk.prepared(*records, **how, max_size=most - 1, max_rows=3).verdict == "ready"


def test_a_layout_writes_the_checked_rows_in_another_form(desk):
    """In XML, values are escaped."""
    prepared = desk.prepared("y,A,s<1,1", 'y,B,"s,2",2', layout=LAYOUT, extension="xml")
    (draft,) = prepared.drafts
    data = (desk.scratch / draft.file).read_bytes()
    assert data.decode() == (
        '<Orders account="16027">\n'
        '  <Item order="A" sku="s&lt;1">1.00</Item>\n'
        '  <Item order="B" sku="s,2">2.00</Item>\n'
        "</Orders>\n"
    )
    assert (hashlib.sha256(data).hexdigest(), len(data), 2) == (draft.sha256, draft.size, draft.rows)


def test_blank_cells_are_filled_down(desk):
    """All columns together, from the record before; a bad record among them still keeps its order back."""
    records = ("y,A,s1,1", ",,s2,2", "y,B,s1,1", ",,s2,x", "n,C,s1,1", ",,s2,2")
    prepared = desk.prepared(*records, fill_down=["Take", "Order"])
    assert desk.batches(prepared) == [["A,16027,s1,1.00,1,OTHER", "A,16027,s2,2.00,1,OTHER"]]
    assert [(record, code) for record, code in desk.rejects(prepared)] == [
        ("y,B,s1,1", "E-ORDERKEPT"),
        (",,s2,x", "E-NUM"),
    ]
    assert (
        Counts(records=6, sent=2, kept_back=2, skipped=2, rows=2, orders=2, bad_orders=1) == prepared.counts
    )


def test_a_column_to_fill_down_must_be_there(desk):
    """The file is refused like one that lacks a column of the template."""
    prepared = desk.prepared("y,A,s1,1", fill_down=["Ordre"])
    assert (prepared.verdict, codes(prepared)) == ("refused", {"E-HDRMISS": 1})


def test_the_seed_of_hashes_changes_no_byte(desk):
    """A file prepared again after a restart gives the same drafts, rejects and findings."""
    records = [f"{at % 7}b,{at % 7}a,s{at % 11},{'x' if at == 17 else at % 3}" for at in range(60)]
    job = desk.job("\r\n".join(["Take,Order,Sku,Amount", *records, ""]), TWO_ORDERS, max_rows=30)
    order = desk.scratch / "job.json"
    told = []
    for seed in ("1", "2"):
        order.write_text(job.to_json())
        run = subprocess.run(
            [sys.executable, "-c", ON_THE_COMMAND_LINE, str(order)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        )
        prepared = Prepared.from_json(run.stdout)
        names = [*(draft.file for draft in prepared.drafts), prepared.findings_file, prepared.rejects_file]
        told.append(
            [prepared.verdict, prepared.counts, *((desk.scratch / name).read_bytes() for name in names)]
        )
        for path in desk.scratch.iterdir():
            path.unlink()
    assert told[0][0] == "ready"
    assert len(told[0]) > len(("verdict", "counts", "a draft", "findings", "rejects"))
    assert told[0] == told[1]
