"""What figures, dates, names and words of a sample tell, and in which ways a sample is read."""

from __future__ import annotations

import io
import json

import pytest
import xlsxwriter

from agent.errors import RefusedFile
from agent.impact.dialect import dialect
from agent.model import Level
from agent.settings.forms import DELIMITERS
from agent.settings.shipped import find_template
from agent.starting.columns import propose
from agent.starting.dates import date_forms
from agent.starting.drafting import template_text
from agent.starting.feedfile import feed_text
from agent.starting.numbers import Form, read_numbers
from agent.starting.planning import planned
from agent.starting.sampling import sampled
from agent.starting.tables import UNKNOWN, names, reason_code, reason_words, shapes, status_kind, status_words
from agent.starting.texts import Column, plain_words
from tests.workbooks import xlsx


def read(text, encoding="utf-8"):
    """Read a sample from its text."""
    return sampled(io.BytesIO(text.encode(encoding) if isinstance(text, str) else text))


@pytest.mark.parametrize(
    ("texts", "form"),
    [
        (["12.50", "7"], Form()),
        (["1,234.50", "7.00"], Form(".", ",")),
        (["12,50"], Form(",")),
        (["1.234,50 €", "19,90 €"], Form(",", ".", ("€",))),
        (["€ 1.234,50", "-€ 3,00"], Form(",", ".", ("€",))),
        (["$1,234.50", "$0.99"], Form(".", ",", ("$",))),
        (["1'234.50", "12.00"], Form(".", "'")),
        (["1 234,50", "0,00"], Form(",", " ")),
        (["1\u00a0234,50 EUR", "2,00 EUR"], Form(",", " ", ("EUR",))),
        (["1\u202f234,50"], Form(",", " ")),
        (["12,50 zł"], Form(",", "", ("zł",))),
        (["1.234", "12.50"], Form()),
        (["1.234.567,00"], Form(",", ".")),
        (["$29.99", "($1,234.50)"], Form(".", ",", ("$",), minus=("before", "brackets"))),
        (["29,99", "1.234,50-"], Form(",", ".", minus=("before", "behind"))),
    ],
)
def test_figures_tell_how_they_are_written(texts, form):
    """Where only one way reads all of them, it is that one, and no other is offered."""
    found = read_numbers(texts)
    assert (found.form, found.other, found.unread) == (form, None, ())


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [("1.234", Form(), Form(",", ".")), ("1,234", Form(","), Form(".", ","))],
)
def test_a_figure_that_may_be_two_is_told_with_both(text, first, second):
    """The reading that impact.com's rules refuse (three decimals) comes first, so nothing goes out by itself."""
    found = read_numbers([text, "7"])
    assert (found.form, found.other, found.example) == (first, second, text)


@pytest.mark.parametrize("text", ["twelve", "(12.50", "1.2.3,4,5", "12-50", "1\u0662.50"])
def test_what_is_no_figure_is_named(text):
    """No way of writing is made up for it."""
    assert read_numbers(["12.50", text]).unread == (text,)


@pytest.mark.parametrize(
    ("texts", "forms"),
    [
        (["2024-05-02", "2024-05-13"], ("%Y-%m-%d",)),
        (["02.05.2024"], ("%d.%m.%Y",)),
        (["13/05/2024", "02/05/2024"], ("%d/%m/%Y",)),
        (["05/13/2024", "05/02/2024"], ("%m/%d/%Y",)),
        (["03/04/2024"], ("%d/%m/%Y", "%m/%d/%Y")),
        (["05/05/2024"], ("%d/%m/%Y",)),  # both readings are the same day
        (["May 2, 2024 9:13:44 AM"], ("%b %d, %Y %I:%M:%S %p",)),
        (["2024-05-02T09:13:44Z"], ("%Y-%m-%dT%H:%M:%SZ",)),
        (["2024-05-02 09:13:44 +0200"], ("%Y-%m-%d %H:%M:%S %z",)),
        (["0004711"], ()),
        (["12.50"], ()),
        (["13.13.2024"], ()),
        (["soon"], ()),
    ],
)
def test_dates_tell_their_forms(texts, forms):
    """One form, several where day and month may be exchanged, none where it is no date."""
    found = date_forms(texts)
    assert found[: len(forms)] == forms
    assert bool(found) == bool(forms)
    if len(forms) == 1:
        assert len(found) == 1


CONTENTS = {
    "order": ["A-1", "A-2"],
    "sku": ["RED", "BLUE"],
    "quantity": ["1", "2"],
    "left": ["1.50", "2.50"],
    "refunded": ["1.50", "0.50"],
    "total": ["9.50", "8.50"],
    "amount": ["9.50", "8.50"],
    "reason": ["changed mind", "damaged"],
    "status": ["refunded", "paid"],
    "currency": ["EUR", "USD"],
    "date": ["2024-05-02", "2024-05-03"],
}
HEADERS = {
    "en": {"Order #": "order", "SKU": "sku", "Qty": "quantity", "New Total": "left", "Return Reason": "reason"},
    "de": {"Bestell-Nr.": "order", "Artikelnr.": "sku", "Stückzahl": "quantity", "Neuer Betrag": "left",
           "Rückgabegrund": "reason", "Bestellstatus": "status", "Währung": "currency"},
    "fr": {"N° de commande": "order", "Code article": "sku", "Quantité": "quantity", "Montant remboursé": "refunded",
           "Motif du retour": "reason", "Statut": "status", "Devise": "currency"},
    "es": {"Número de pedido": "order", "Código de artículo": "sku", "Cantidad": "quantity", "Importe total": "total",
           "Motivo de devolución": "reason", "Estado del pedido": "status", "Moneda": "currency"},
    "it": {"Numero d'ordine": "order", "Codice articolo": "sku", "Quantità": "quantity", "Importo": "amount",
           "Motivo del reso": "reason", "Stato ordine": "status", "Valuta": "currency", "Data reso": "date"},
    "nl": {"Bestelnummer": "order", "Artikelcode": "sku", "Aantal": "quantity", "Nieuw bedrag": "left",
           "Retourreden": "reason", "Bestelstatus": "status", "Valuta": "currency"},
}  # fmt: skip


@pytest.mark.parametrize("language", HEADERS)
def test_columns_are_known_in_several_languages(language):
    """By names with accents, points and signs in them; each is sure."""
    header = HEADERS[language]
    columns = [Column(name, tuple(CONTENTS[use])) for name, use in header.items()]
    found = {pick.column.name: (use, pick.sure) for use, pick in propose(columns).items()}
    assert found == {name: (use, True) for name, use in header.items()}


@pytest.mark.parametrize(
    ("name", "texts", "use"),
    [
        ("Amount", ["a lot", "some"], "amount"),
        ("Quantity", ["1.50", "2.50"], "quantity"),
        ("Currency", ["euros", "dollars"], "currency"),
        ("Order", ["12.50", "13.50"], "order"),
        ("Order", ["2024-05-02", "2024-05-03"], "order"),
        ("Reason", ["1.00", "2.00"], "reason"),
        ("Action ID", ["59.43", "12.00"], "action_id"),
    ],
)
def test_contents_forbid_what_a_name_promises(name, texts, use):
    """A column of words is no amount, whatever it is called."""
    assert use not in propose([Column(name, tuple(texts))])


def test_contents_alone_propose_without_being_sure():
    """A currency, impact.com's own ids and a status are known by what stands in them."""
    columns = [
        Column("c1", ("EUR", "EUR")),
        Column("c2", ("M.8882.4808.1063415", "1000.4636.158133")),
        Column("c3", ("Storniert", "Bezahlt")),
    ]
    found = {use: (pick.column.name, pick.sure) for use, pick in propose(columns).items()}
    assert found == {"currency": ("c1", False), "action_id": ("c2", False), "status": ("c3", False)}


def test_two_columns_that_would_do_are_both_told():
    """One of them is proposed, and it is said that the other would do as well."""
    pick = propose([Column("Order ID", ("1", "2")), Column("Order Number", ("A", "B"))])["order"]
    assert (pick.column.name, pick.sure, pick.others) == ("Order ID", False, ("Order Number",))


def test_every_use_has_names_in_six_languages_and_reasons_are_codes():
    """The tables hold what the code asks for; no name means two things for sure in one table of meanings."""
    assert {"order", "sku", "quantity", "amount", "reason", "currency", "date", "status"} <= names().keys()
    assert all(name == plain_words(name) for table in names().values() for name in table)
    known = {code for code, one in dialect().reasons.items() if one.file}
    assert set(reason_words()) <= known
    assert set(status_words().values()) == {"cancelled", "refunded", "partly", "standing"}
    assert UNKNOWN not in known


@pytest.mark.parametrize("shape", shapes(), ids=lambda shape: shape.template)
def test_a_known_export_leads_to_a_shipped_template(shape, tmp_path):
    """Its template is there, and names the columns that tell the export."""
    text = find_template(shape.template, tmp_path).read_text(encoding="utf-8")
    assert "Lineitem sku" in text or "Financial Status" in text


@pytest.mark.parametrize(
    ("text", "kind"),
    [("Refunded", "refunded"), ("wc-refunded", "refunded"), ("Remboursée", "refunded"), ("Storniert", "cancelled"),
     ("partially_refunded", "partly"), ("Awaiting Fulfillment", "standing"), ("closed", ""), ("", "")],
)  # fmt: skip
def test_words_of_a_status(text, kind):
    """Known whole, in any spelling; a word that may mean either is left to a person."""
    assert status_kind(text) == kind


@pytest.mark.parametrize(
    ("text", "code"),
    [("Changed mind", "ITEM_RETURNED"), ("out-of-stock", "ITEM_OUT_OF_STOCK"), ("Betrugsverdacht!", "CONS_FRAUD"),
     ("doppelt bestellt", "ORDER_ERROR"), ("gremlins", UNKNOWN), ("contest", UNKNOWN)],
)  # fmt: skip
def test_reasons_are_proposed_by_whole_words(text, code):
    """What is not known stays open."""
    assert reason_code(text) == code


def test_a_delimiter_that_may_be_two_is_the_one_whose_names_are_known():
    """With decimal commas both make a table; the header tells, and the other is told."""
    sample = read("order,no;amount,net\nA,1;12,50\nB,2;13,50\n")
    assert sample.detected.delimiter in DELIMITERS
    assert sample.choices["delimiter"]
    sample = read("Bestellnummer;Betrag, netto\nA;12,50\nB;13,50\n")
    assert [column.name for column in sample.columns] == ["Bestellnummer", "Betrag, netto"]


@pytest.mark.parametrize(
    ("encoding", "found"), [("utf-8-sig", "utf-8"), ("cp1252", "cp1252"), ("utf-16", "utf-16")]
)
def test_the_encoding_is_found(encoding, found):
    """And the text is right in it."""
    sample = read("Größe;Menge\nXL;1\n", encoding)
    assert (sample.reading.encoding[0], sample.columns[0].name) == (found, "Größe")


def test_an_encoding_of_another_script_is_found():
    """Where Windows' own does not read it, and a feed can declare it."""
    sample = read("注文番号,理由\n1001,サイズ違い\n", "cp932")
    assert (sample.reading.encoding[0], sample.columns[0].name) == ("cp932", "注文番号")


@pytest.mark.parametrize(
    ("above", "row"),
    [
        ("sep=;\n", 2),
        ("Refund log\nJo Smith\n\n", 4),
        ('"";"";""\n', 2),
        ("total;fee\n12;1\n", 3),
        ("Müller;Köln\n", 2),
    ],
)
def test_lines_above_the_header_are_found(above, row):
    """A title, a hint for spreadsheets, a summary, in whatever encoding."""
    text = f"{above}Order number;SKU;New total\nA-1;RED;9,50\nA-2;BLUE;0,00\n"
    for encoding in ("utf-8", "cp1252"):
        sample = read(text, encoding)
        assert (sample.reading.header_row, sample.columns[0].name) == (row, "Order number")


def test_a_header_of_unknown_names_is_found_where_only_it_fits():
    """Above it are lines of other widths; without them the first line is it."""
    table = "Vorgang 1;Text;Anmerkung dazu\n1;a;b\n2;c;d\n3;e;f\n"
    assert read(f"Konto;12\n{table}").reading.header_row == 2
    assert read(table).reading.header_row == 0


def test_a_row_of_values_is_never_taken_for_the_header():
    """Programs leave the name of the rows' numbers out; what is wrong is that name, not the rows above the last."""
    rows = [["", "Order", "Amount"], [0, "A-1", 1.5], [1, "A-2", 2.5], [2, "A-3", 3]]
    with pytest.raises(RefusedFile) as refused:
        read(xlsx(rows))
    assert [one.code for one in refused.value.findings] == ["E-HDREMPTY"]


def test_the_sheet_and_the_header_row_are_found():
    """The table may stand below a title, on another sheet than the first."""
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream) as book:
        book.add_worksheet("About").write_row(0, 0, ["Made by", "a program"])
        sheet = book.add_worksheet("Returns")
        sheet.write(0, 0, "Returns of May")
        sheet.write_row(3, 0, ["Order Number", "SKU", "Quantity"])
        sheet.write_row(4, 0, ["A-1", "RED", 1])
    sample = read(stream.getvalue())
    assert (sample.detected.sheet, sample.reading.header_row, sample.records) == ("Returns", 4, 1)


def test_records_are_found_inside_of_a_document():
    """Also where the whole document stands on one line, and beside another list."""
    document = {
        "meta": {"tags": [{"x": 1}]},
        "result": {"orders": [{"order_id": 1, "status": "refunded"}] * 2},
    }
    for text in (json.dumps(document), json.dumps(document, indent=1)):
        assert read(text).reading.records == "result.orders"
    xml = "<a><made>x</made><b><order><order_id>1</order_id><sku>R</sku></order></b></a>"
    assert read(xml).reading.records == "a.b.order"


def test_items_inside_of_records_are_columns_of_their_own():
    """Of all lists the one with articles is looped over."""
    order = {
        "order_id": "1", "status": "refunded", "notes": [{"text": "x"}], "line_items": [{"sku": "A", "quantity": 1}],
    }  # fmt: skip
    plan = planned(read(json.dumps([order])), None)
    assert (plan.level, plan.items, plan.picks["sku"].column.within) == (
        Level.ITEM,
        "line_items",
        "line_items",
    )
    assert planned(read(json.dumps([order])), Level.ORDER).items == ""


def test_blank_cells_below_an_orders_first_line_are_filled_down():
    """Where the order's number is blank below it, or the status where the number comes again."""
    plan = planned(read("Order,Status,SKU\nA,refunded,RED\n,,BLUE\nB,paid,RED\n"), None)
    assert set(plan.fill_down) == {"Order", "Status"}
    plan = planned(read("Order,Status,SKU\nA,refunded,RED\nA,,BLUE\nB,paid,RED\n"), None)
    assert plan.fill_down == ("Status",)
    assert planned(read("Order,Status,SKU\nA,refunded,RED\nB,,BLUE\n"), None).fill_down == ()


def test_impacts_own_files_need_no_template():
    """Known by its names for ids, reason and what is changed, in any spelling."""
    plan = planned(read("OrderId,ActionTrackerId,SKU,Amount,Quantity,Reason\n1,16027,R,0,0,OTHER\n"), None)
    assert (plan.own, plan.level) == (True, Level.ITEM)
    plan = planned(read("ActionId,Amount,Reason\n1000.4636.158133,0,OTHER\n"), None)
    assert (plan.own, plan.level) == (True, Level.ORDER)
    assert not planned(read("Order,Amount,Reason\n1,0,OTHER\n"), None).own


@pytest.mark.parametrize(
    "content", [b"", b"\x00\x01\x02", b"just words\nand more\n", b"%PDF-1.7", b'a,b\n"1,2\n']
)
def test_what_cannot_be_read_is_refused_with_the_plainest_reason(content):
    """In no way; the reader's own reason is told."""
    with pytest.raises(RefusedFile) as refused:
        sampled(io.BytesIO(content))
    assert all(found.mend for found in refused.value.findings)


@pytest.mark.parametrize(
    ("name", "use"),
    [("Order Number (metadata)", "order"), ("Discount Amount", ""), ("Shipping Total", ""), ("Total Tax", ""),
     ("Net Sales", "left"), ("Total Refunded (EUR)", "refunded"), ("Kundennummer", "")],
)  # fmt: skip
def test_longer_names_are_known_by_what_they_begin_with(name, use):
    """But a discount's, a tax's or the shipping's sum is none of an order or item."""
    texts = ("A-1", "A-2") if use == "order" else ("1.50", "2.50")
    assert set(propose([Column(name, texts)])) == ({use} if use else set())


def test_the_first_line_of_an_order_speaks_for_it_where_orders_are_changed():
    """The others have no status and no total; at the level of items they take both from above."""
    text = "Order ID,Status,Total,Refunded,SKU\n1,refunded,9.50,9.50,A\n1,,,,B\n2,paid,3.50,0.00,A\n"
    plan = planned(read(text), Level.ORDER)
    assert (plan.only and plan.only.name, plan.fill_down, plan.amount) == ("Status", (), "difference")
    assert planned(read(text), Level.ITEM).fill_down == ("Status", "Refunded", "Total")


@pytest.mark.parametrize("word", ["failed", "declined", "rejected", "closed"])
def test_words_that_may_be_said_of_a_refund_are_left_to_a_person(word):
    """A refund that failed took nothing back."""
    plan = planned(read(f"Order,Status,Amount\n1,{word},9.50\n2,succeeded,3.50\n"), None)
    assert (plan.statuses or {}).get("unknown") == (word,)
    assert plan.amount == "open"


def test_a_line_of_totals_is_declared():
    """Where the sample ends with one, every export may; kept back each time it would stop small files."""
    read_ = read("Order,New total\nA-1,9.50\nTotal,9.50\n")
    lines = feed_text(planned(read_, None), read_, "shop", "s.csv", "x").splitlines()
    assert "totals: skip" in lines
    assert lines[lines.index("totals: skip") - 1].startswith("# CHECK: ")


@pytest.mark.parametrize(("text", "place"), [('"($1,234.50)"', "brackets"), ('"$1,234.50-"', "behind")])
def test_where_a_minus_stands_is_declared(text, place):
    """Accounting programs write it behind the figure, or brackets for it."""
    read_ = read(f'Order,Total,Refunded\nA-1,"$2,000.00",{text}\nA-2,$5.00,$0.00\n')
    plan = planned(read_, None)
    assert plan.amount == "difference"
    assert f"minus: [before, {place}]" in feed_text(plan, read_, "shop", "s.csv", "x")
    assert "| float | abs" in template_text(plan, "s.csv")


def test_records_that_hold_items_count_with_them():
    """Below them the order's number would be lost, which stands in an attribute of what holds the items."""
    line = '<l sku="{}" qty="1"><reason>damaged</reason></l>'
    one, two = line.format("R"), line.format("B")
    xml = f'<returns><return order="A-1">{one}</return><return order="A-2">{one}{two}</return></returns>'
    plan = planned(read(xml), None)
    assert (plan.items, plan.column("order").name, plan.column("sku").name) == ("l", "@order", "@sku")
