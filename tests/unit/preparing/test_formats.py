"""Files of every format through the whole of preparing: rows, places of findings, rejects that come back."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile

import pytest

from agent.model import Level
from agent.preparing.job import Job
from agent.preparing.pipeline import prepare
from agent.readers import open_source
from agent.readers.base import Listener, Reading
from agent.settings.models import Feed
from tests.workbooks import xlsx

HEADER = "Oid,ActionTrackerID,SKU,Amount,Quantity,Reason"
FLAT = f"""\
{HEADER}
{{% for row in rows %}}
{{{{ row.Order }}}},7,{{{{ row["Item no"] | trim }}}},{{{{ row.Amount | amount }}}},1,OTHER
{{% endfor %}}
"""
GROUPED = f"""\
{HEADER}
{{% for order, lines in rows | groupby("Order") %}}
{{% for line in lines %}}
{{{{ order }}}},7,{{{{ line["Item no"] }}}},{{{{ line.Amount }}}},1,OTHER
{{% endfor %}}
{{% endfor %}}
"""
NESTED = f"""\
{HEADER}
{{% for row in rows %}}
{{% for item in row.line_items if item.returned != "no" %}}
{{{{ row.id }}}},7,{{{{ item.sku }}}},{{{{ item.price }}}},1,OTHER
{{% endfor %}}
{{% endfor %}}
"""
COLUMNS = ["Order", "Item no", "Amount", "Note"]
NESTED_JSON = """[{"id": 1001, "line_items": [{"sku": "00a", "price": 1.50, "returned": "yes"},
 {"sku": "b", "price": 2, "returned": "no"}]},
{"id": 1002, "line_items": []},
{"id": 1003, "line_items": [{"sku": "c", "price": 3, "returned": "yes"}, {"price": 3, "returned": "yes"}]},
{"id": 1004, "line_items": [{"sku": "d", "price": 0.1, "returned": "yes"}]}]"""


@pytest.fixture
def prepared(tmp_path):
    """Prepare a file's bytes; return what came of it and the folder that holds it."""

    def run(content, template, **feed):
        source, scratch = tmp_path / "source", tmp_path / "scratch"
        source.write_bytes(content)
        scratch.mkdir()
        its = {"bad_rows": {"at_most": "100%"}, **feed}
        made = Feed(name="shop", level=Level.ITEM, template="t.csv.j2", destination="d", **its)
        job = Job.from_json(Job(made, template, "", source, scratch, 100).to_json())
        return prepare(job, lambda _: None), scratch

    return run


def _batch(prepared, scratch):
    return [line for draft in prepared.drafts for line in (scratch / draft.file).read_text().splitlines()[1:]]


def _found(prepared):
    return sorted((one.code, one.place, one.field) for group in prepared.groups for one in group.examples)


def test_a_workbook_becomes_a_batch_and_findings_name_its_cells(prepared):
    """A rule's finding about a batch column leads to the cell it came from; an id that lost digits is found."""
    rows = [
        COLUMNS,
        ["R1", "00120", 64.760000000000005, ""],
        ["R2", "b", "many", ""],
        [1234567890123456789, "c", 1, ""],
        ["R4", "", 1, ""],
        [5021, "e", 21, ""],
    ]
    made, scratch = prepared(xlsx(("Refunds", rows)), FLAT)
    assert _batch(made, scratch) == ["R1,7,00120,64.76,1,OTHER", "5021,7,e,21.00,1,OTHER"]
    assert _found(made) == [
        ("E-NUM", "Refunds!C3", "Amount"),
        ("E-REQ", "Refunds!B5", "SKU"),
        ("E-SCIID", "Refunds!A4", "Order"),
    ]
    assert (made.counts.records, made.counts.kept_back, made.counts.sent) == (5, 3, 2)


@pytest.mark.parametrize("template", [FLAT, GROUPED], ids=["flat", "grouped"])
def test_what_is_odd_about_a_column_that_is_not_used_does_no_harm(prepared, template):
    """An error in a note keeps nothing back; one in an amount does, whatever way the template goes."""
    rows = [COLUMNS, ["R1", "a", 1, ""], ["R2", "b", 2, ""]]

    def errors(_book, sheet):
        sheet.write_formula(1, 3, "=X", None, "#NAME?")
        sheet.write_formula(2, 2, "=X", None, "#NAME?")

    made, scratch = prepared(xlsx(("S", rows), edit=errors), template)
    assert _batch(made, scratch) == ["R1,7,a,1.00,1,OTHER"]
    assert _found(made) == [("E-CELL", "S!C3", "Amount")]


def test_the_rejects_of_a_workbook_come_back_and_are_sent_when_mended(prepared, tmp_path):
    """Only those: what was sent before is not in it."""
    rows = [COLUMNS, ["R1", "a", 1, "x"], ["R2", "b", "?", "y"], ["R2", "c", 3, "z"]]
    made, scratch = prepared(xlsx(("S", rows)), FLAT)
    assert _batch(made, scratch) == ["R1,7,a,1.00,1,OTHER"]
    rejects = io.BytesIO((scratch / made.rejects_file).read_bytes())
    source = open_source(rejects, Reading(), Listener(print, print))
    assert list(source.columns) == COLUMNS
    assert list(source) == [["R2", "b", "?", "y"], ["R2", "c", "3", "z"]]


def test_the_numbers_of_a_workbook_are_what_its_cells_hold_whatever_the_feed_declares(prepared, tmp_path):
    """A number cell of 2.125 is never 2125, and what comes back in the rejects file reads the same again."""
    rows = [COLUMNS, ["R1", "a", 1234.5, ""], ["R2", "b", 2.125, ""], ["R3", "c", "1.234,56", ""]]
    made, scratch = prepared(xlsx(("S", rows)), FLAT, numbers={"preset": "de"})
    assert _batch(made, scratch) == ["R1,7,a,1234.50,1,OTHER", "R3,7,c,1234.56,1,OTHER"]
    assert _found(made) == [("E-NUM", "S!C3", "Amount")]
    rejects = io.BytesIO((scratch / made.rejects_file).read_bytes())
    assert list(open_source(rejects, Reading(), Listener(print, print))) == [["R2", "b", "2,125", ""]]


NUMBERS_JSON = [
    '{"Order": "R1", "Item no": "a", "Amount": 1234.5, "Note": "x"}',
    '{"Order": "R2", "Item no": "b", "Amount": 2.125, "Note": "x"}',
    '{"Order": "R3", "Item no": "c", "Amount": "1.234,56", "Note": "x"}',
    '{"Order": "R4", "Item no": "d", "Amount": 1.5e3, "Note": "x"}',
    '{"Order": "R5", "Item no": "e", "Amount": 1E+2, "Note": "x"}',
    '{"Order": "R6", "Item no": "f", "Amount": 1e99, "Note": "x"}',
    '{"Order": "R7", "Item no": "g", "Amount": "2.125", "Note": "x"}',
    '{"Order": "R8", "Item no": "h", "Amount": -0, "Note": "x"}',
    '{"Order": "R9", "Item no": "i", "Amount": -0.0, "Note": "x"}',
]


@pytest.mark.parametrize("times", [1, 60], ids=["parsed", "alike"])
@pytest.mark.parametrize(
    ("begin", "between", "end"), [("[", ", ", "]"), ("", "\n", "\n")], ids=["json", "ndjson"]
)
def test_the_numbers_of_json_are_what_they_are_whatever_the_feed_declares(
    prepared, begin, between, end, times
):
    """A number of 2.125 is never 2125, the text is; what comes back in the rejects file reads the same again."""
    alike = [
        f'{{"Order": "S{at}", "Item no": "a", "Amount": {at + 1}.25, "Note": ""}}' for at in range(times)
    ]
    content = f"{begin}{between.join([*alike, *NUMBERS_JSON])}{end}".encode()
    made, scratch = prepared(content, FLAT, numbers={"preset": "de"})
    assert _batch(made, scratch) == [
        *(f"S{at},7,a,{at + 1}.25,1,OTHER" for at in range(times)),
        "R1,7,a,1234.50,1,OTHER",
        "R3,7,c,1234.56,1,OTHER",
        "R4,7,d,1500.00,1,OTHER",
        "R5,7,e,100.00,1,OTHER",
        "R7,7,g,2125.00,1,OTHER",
    ]
    (two_ways, *others) = [one for group in made.groups for one in group.examples if one.code == "E-NUM"]
    assert (two_ways.found, two_ways.record) == ("2,125 (2125.00 or 2.125)", times + 2)
    assert [one.record for one in others] == [times + 6]
    again = open_source(
        io.BytesIO((scratch / made.rejects_file).read_bytes()), Reading(decimal=","), Listener(print, print)
    )
    assert [cells[2] for cells in again] == ["2,125", "1e99", "-0", "-0,0"]


def test_numbers_in_lists_are_what_they_are_whatever_the_feed_declares(prepared):
    """Those of the items that a template goes through."""
    items = '{"sku": "a", "price": 1234.5}, {"sku": "b", "price": "1.234,5"}, {"sku": "c", "price": 2e3}'
    template = NESTED.replace(' if item.returned != "no"', "").replace("item.price", "item.price | amount")
    made, scratch = prepared(
        f'[{{"id": 7, "line_items": [{items}]}}]'.encode(), template, numbers={"preset": "de"}
    )
    assert _batch(made, scratch) == [
        "7,7,a,1234.50,1,OTHER",
        "7,7,b,1234.50,1,OTHER",
        "7,7,c,2000.00,1,OTHER",
    ]


@pytest.mark.parametrize("cell", ["{{ item.sku }}", "{{ item.sku | order_id }}"])
@pytest.mark.parametrize("number", ["12345.0", "1e5", "1.5E1"])
def test_an_id_in_a_list_that_is_a_number_with_more_than_digits_is_found(prepared, cell, number):
    """Though a text that looks the same was an id before; a whole number is the id that it is."""
    written = {"12345.0": "12345.0", "1e5": "100000", "1.5E1": "15"}[number]
    content = ", ".join(
        f'{{"id": {at}, "line_items": [{{"sku": {sku}, "price": 2.5}}]}}'
        for at, sku in enumerate((f'"{written}"', number, "12345678901234567890", number), 1)
    )
    template = NESTED.replace(' if item.returned != "no"', "").replace("{{ item.sku }}", cell)
    made, scratch = prepared(f"[{content}]".encode(), template)
    assert _batch(made, scratch) == [f"1,7,{written},2.50,1,OTHER", "3,7,12345678901234567890,2.50,1,OTHER"]
    found = [one for group in made.groups for one in group.examples if one.code == "E-IDNUM"]
    assert [(one.record, one.found, one.field) for one in found] == [(2, written, "SKU"), (4, written, "SKU")]


@pytest.mark.parametrize(
    ("numbers", "sent"), [({}, []), ({"percent": "fraction"}, ["0.20"]), ({"percent": "number"}, ["20.00"])]
)
def test_an_amount_shown_as_a_percentage_is_what_the_feed_declares(prepared, numbers, sent):
    """As the text 20% is: undeclared it is refused, for nobody can tell which of the two is meant."""

    def shown(book, sheet):
        sheet.write_number(1, 2, 0.2, book.add_format({"num_format": "0 %"}))

    made, scratch = prepared(xlsx(("S", [COLUMNS, ["R1", "a", 1, ""]]), edit=shown), FLAT, numbers=numbers)
    assert _batch(made, scratch) == [f"R1,7,a,{amount},1,OTHER" for amount in sent]
    assert _found(made) == ([] if sent else [("E-NUM", "S!C2", "Amount")])


@pytest.mark.parametrize(
    ("form", "found"), [("%d.%m.%Y", "2026-10-01"), ("%Y-%m-%d", "2026-10-01"), ("%Y-%d-%m", "")]
)
def test_the_dates_of_a_workbook_are_what_its_cells_hold_whatever_the_feed_declares(prepared, form, found):
    """A date cell has no form of its own; where the declared one would read another day, it is refused."""
    template = FLAT.replace("Quantity", "Quantity,Category").replace(
        ",1,OTHER", ",1,{{ row.Note | date }},OTHER"
    )
    book = xlsx(
        ("S", [COLUMNS, ["R1", "a", 1], ["R2", "b", 2, "x"]]),
        edit=lambda book, sheet: sheet.write_datetime(
            1, 3, dt.date(2026, 10, 1), book.add_format({"num_format": "dd.mm.yyyy"})
        ),
    )
    made, scratch = prepared(book, template, dates={"formats": [form]})
    assert _batch(made, scratch) == ([f"R1,7,a,1.00,1,{found},OTHER"] if found else [])
    assert _found(made)[-1] == ("E-DATE", "S!D3", "Category")


@pytest.mark.parametrize("form", ["[hh]:mm:ss", "yyyy-mm-dd"])
@pytest.mark.parametrize("value", [0.25, 1.25, 30, 366.5])
def test_a_duration_or_a_small_number_in_a_cell_is_no_date(prepared, form, value):
    """30 hours, or 30 pieces, are a day of January 1900 in a cell that has the format of a date."""
    template = FLAT.replace("Quantity", "Quantity,Category").replace(
        ",1,OTHER", ",1,{{ row.Note | date }},OTHER"
    )
    book = xlsx(
        ("S", [COLUMNS, ["R1", "a", 1]]),
        edit=lambda book, sheet: sheet.write_number(1, 3, value, book.add_format({"num_format": form})),
    )
    made, _ = prepared(book, template, dates={"preset": "iso"})
    assert [one[:2] for one in _found(made)] == [("E-DATE", "S!D2")]


def test_the_dates_of_a_text_are_only_what_the_feed_declares(prepared):
    """Nobody knows what its 2026-10-01 is, where other forms are declared."""
    template = FLAT.replace("Quantity", "Quantity,Category").replace(
        ",1,OTHER", ",1,{{ row.Note | date }},OTHER"
    )
    made, _ = prepared(
        b"Order,Item no,Amount,Note\nR1,a,1,2026-10-01\n", template, dates={"formats": ["%d.%m.%Y"]}
    )
    assert _found(made) == [("E-DATE", "line 2", "Category")]


@pytest.mark.parametrize(("records", "remarked"), [(65_534, False), (65_535, True)])
def test_a_file_that_is_as_long_as_a_spreadsheet_can_be_is_remarked(prepared, records, remarked):
    """It was cut off there, or ends there by chance; nobody can tell from the file."""
    none_taken = FLAT.replace("in rows", 'in rows if row.Order == "1"')
    content = b"Order,Item no,Amount\n" + b"1,a,1\n" + b"2,b,2\n" * (records - 1)
    made, _ = prepared(content, none_taken)
    assert [group.code for group in made.groups] == (["W-CUT"] if remarked else [])
    assert made.counts.sent == 1


def test_a_title_above_the_table_is_thought_of_where_columns_are_missing(prepared):
    """Each of them is missing then, and the cure is in the feed, not in the file."""
    book = xlsx([["March"], COLUMNS, ["R1", "a", 1, ""]])
    made, _ = prepared(book, FLAT)
    found = [one for group in made.groups for one in group.examples]
    assert (made.verdict, {one.code for one in found}) == ("refused", {"E-HDRMISS"})
    assert all("row 1 was taken for the header" in one.mend for one in found)


def test_an_id_typed_into_the_rejects_of_a_workbook_stays_text(prepared):
    """In cells of no format a spreadsheet makes 120 of 00120; and the table is the sheet that is shown first."""
    rows = [["March"], COLUMNS, ["", "a", 1, "x"], ["R2", "b", 3, "z"]]
    made, scratch = prepared(xlsx([["About"]], ("S", rows)), FLAT, sheet="2", header_row=2)
    with zipfile.ZipFile(scratch / made.rejects_file) as book:
        sheet, styles = (book.read(f"xl/{name}.xml").decode() for name in ("worksheets/sheet2", "styles"))
    assert re.findall(r'<xf numFmtId="([0-9]+)"', styles.partition("<cellXfs")[2]) == ["0", "49"]  # 49: text
    assert re.findall(r'<col min="([0-9])" max="([0-9])"[^>]* style="1"', sheet) == [("1", "2")]
    assert re.findall(r'<c r="([A-Z])3"( s="1")?', sheet) == [("B", ' s="1"'), *[(one, "") for one in "CDEF"]]
    assert 'tabSelected="1"' in sheet


def test_line_items_of_a_json_order_are_rows(prepared):
    """A nested loop goes through them; an item without a value that is used keeps its order back."""
    made, scratch = prepared(NESTED_JSON.encode(), NESTED)
    assert _batch(made, scratch) == ["1001,7,00a,1.50,1,OTHER", "1004,7,d,0.10,1,OTHER"]
    assert _found(made) == [("T-UNDEFINED", "line 4", "SKU")]
    assert (made.counts.records, made.counts.skipped, made.counts.kept_back) == (4, 1, 1)
    assert '"id": 1003' in (scratch / made.rejects_file).read_text()


def test_line_items_of_an_xml_order_are_rows(prepared):
    """As those of JSON."""
    item = "<line_items><sku>{}</sku><price>{}</price><returned>yes</returned></line_items>"
    items = [item.format(*one) for one in (("a", "1.50"), ("b", 2), ("c", 3))]
    content = "<r><o><id>1</id>{}{}</o><o><id>2</id>{}</o></r>".format(*items)
    made, scratch = prepared(content.encode(), NESTED)
    assert _batch(made, scratch) == ["1,7,a,1.50,1,OTHER", "1,7,b,2.00,1,OTHER", "2,7,c,3.00,1,OTHER"]


@pytest.mark.parametrize(
    ("cell", "code"),
    [("{{ row.line_items }}", "T-CELL"), ("{{ row.line_items | trim }}", "E-CTRL"), ("{{ item }}", "T-CELL")],
)
def test_a_list_in_a_cell_is_never_taken_for_a_value(prepared, cell, code):
    """The text of several values is no SKU, whatever a template does with it."""
    made, _ = prepared(NESTED_JSON.encode(), NESTED.replace("{{ item.sku }}", cell))
    assert made.drafts == ()
    assert {found for found, _, _ in _found(made)} == {code}


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"Order,Item no,Amount,Note\n00000120,a,1,\n120,b,2,\n0000012X9,c,3,\n", "line 3"),
        (
            xlsx(("S", [COLUMNS, ["00000120", "a", 1, ""], [120, "b", 2, ""], ["0000012X9", "c", 3, ""]])),
            "S!A3",
        ),
    ],
    ids=["csv", "xlsx"],
)
def test_57_ids_of_another_length_than_declared_are_given_back(prepared, content, place):
    """Lost leading zeros are named as such."""
    made, scratch = prepared(content, FLAT, id_lengths={"Order": 8})
    assert _batch(made, scratch) == ["00000120,7,a,1.00,1,OTHER"]
    (group,) = made.groups
    assert [one.code for one in group.examples] == ["E-IDLEN", "E-IDLEN"]
    assert (group.examples[0].place, group.examples[0].found) == (place, "120")
    assert "leading zeros are lost?" in group.examples[0].words
    assert "lost" not in group.examples[1].words


def test_a_column_under_id_lengths_must_be_there(prepared):
    """A slip in the feed would else switch the check off."""
    made, _ = prepared(b"Order,Item no,Amount\n1,a,1\n", FLAT, id_lengths={"Ordre": 8})
    assert [group.code for group in made.groups] == ["E-HDRMISS"]


def test_a_number_of_16_digits_is_sent_and_remarked(prepared):
    """A warning at its cell; nothing is kept back."""
    made, scratch = prepared(xlsx(("S", [COLUMNS, [1234567890123000, "a", 1, ""]])), FLAT)
    assert _batch(made, scratch) == ["1234567890123000,7,a,1.00,1,OTHER"]
    assert _found(made) == [("W-IDPREC", "S!A2", "Order")]


def test_a_file_that_is_refused_as_a_whole_says_where(prepared):
    """The place of a refusal reaches the report."""
    made, _ = prepared(b'[{"a": 1},\n{"a" 2}]', FLAT)
    assert (made.verdict, _found(made)) == ("refused", [("E-JSON", "line 2, column 6", "")])


@pytest.mark.parametrize("packed", [False, True])
def test_a_line_of_totals_is_passed_over_where_the_feed_says_so(prepared, packed):
    """It counts among the records, is no order that could be bad, and is remarked on."""
    rows = [COLUMNS, ["A-1", "r", "1.50", ""], ["", "", "", ""], ["Total", "", "1.50", ""]]
    content = xlsx(("S", rows)) if packed else "\n".join(map(",".join, rows)).encode()
    done, scratch = prepared(content, FLAT, totals="skip", bad_rows={"at_most": "0%"})
    assert _batch(done, scratch) == ["A-1,7,r,1.50,1,OTHER"]
    assert (done.verdict, done.counts.records, done.counts.bad_orders) == ("ready", 3, 0)
    assert [code for code, _, _ in _found(done)] == ["N-FOOTER", "N-FOOTER"]
