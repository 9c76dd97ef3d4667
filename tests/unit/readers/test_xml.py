from __future__ import annotations

import json

import pytest

ORDERS = """<?xml version="1.0" encoding="UTF-8"?>
<orders shop="x">
  <order id="00120" state="ok"><total currency="EUR">1.10</total><mail> a@b </mail><empty/></order>
  <order id="R2"><total currency="EUR">2</total><note>5 &lt; 6 &#228;
two</note></order>
</orders>
"""
LINES = "<o><i><id>1</id><line><sku>a</sku></line></i><i><id>2</id>{}</i></o>"


def test_values_are_the_text_written(open_any):
    """Attributes have an @, what is inside has points; text keeps its blanks, layout is none."""
    opened = open_any(ORDERS.encode())
    assert opened.columns == ("@id", "@state", "total.@currency", "total", "mail", "empty", "note")
    assert opened.records == [
        ["00120", "ok", "EUR", "1.10", " a@b ", "", ""],
        ["R2", "", "EUR", "2", "", "", "5 < 6 ä\ntwo"],
    ]
    assert opened.places == [(1, "line 3"), (2, "line 4")]


def test_what_stands_several_times_is_one_cell_of_several_values(open_any):
    """In every record of the file, also where it stands once; for files that have none, a feed may declare it."""
    twice = LINES.format("<line><sku>b</sku></line><line n='2'>c</line>")
    opened = open_any(twice.encode())
    assert opened.columns == ("id", "line")
    assert [[item["sku"] for item in opened.records[0][1]], len(opened.records[1][1])] == [["a"], 2]
    assert (opened.records[1][1][1]["@n"], opened.records[1][1][1]["text"]) == ("2", "c")
    assert json.loads(str(opened.records[0][1])[1:]) == [{"sku": ["a"]}]
    once = LINES.format("<line><sku>b</sku></line>").encode()
    assert open_any(once).columns == ("id", "line.sku")
    assert [item["sku"] for item in open_any(once, lists=("line",)).records[1][1]] == ["b"]


def test_records_are_where_the_feed_says(open_any):
    """The path names all elements from the root down; without one, all below the root must be of one kind."""
    content = b"<r><head><n>1</n></head><orders><order><a>1</a></order><order><a>2</a></order></orders></r>"
    assert open_any(content, records="r.orders.order").records == [["1"], ["2"]]
    mixed = open_any(content)
    assert (mixed.refused, "“head”, “orders”" in mixed.words[0]) == ([("E-SHAPE", "")], True)
    missing = open_any(content, records="r.order")
    assert (missing.refused, "“r.orders.order”" in missing.words[0]) == ([("E-SHAPE", "")], True)


def test_102_another_namespace_is_another_name(open_any):
    """Names without a namespace are those of the root's; others are never taken for them."""
    content = b'<r xmlns="urn:a" xmlns:b="urn:b"><o><x>1</x><b:x>2</b:x></o></r>'
    opened = open_any(content, records="r.o")
    assert (opened.columns, opened.records) == (("x", "{urn:b}x"), [["1", "2"]])
    wrong = b'<r xmlns="urn:a" xmlns:b="urn:b"><b:o><x>1</x></b:o></r>'
    refused = open_any(wrong, records="r.o")
    assert (refused.refused, "{urn:b}o" in refused.words[0]) == ([("E-SHAPE", "")], True)
    assert open_any(wrong, records="r.{urn:b}o").columns == ("x",)


REFUSED = {
    "99 document type": (b'<?xml version="1.0"?>\n<!DOCTYPE o>\n<o><i><a>1</a></i></o>', "Q-DTD", "line 2"),
    "99 entity": (b'<!DOCTYPE o [<!ENTITY e "x">]><o><i>&e;</i></o>', "Q-DTD", "line 1"),
    "99 bomb": (
        b'<!DOCTYPE o [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]><o><i>&b;</i></o>',
        "Q-DTD",
        "line 1",
    ),
    "100 external entity": (
        b'<!DOCTYPE o [<!ENTITY e SYSTEM "file:///etc/passwd">]><o><i>&e;</i></o>',
        "Q-DTD",
        "line 1",
    ),
    "100 external type": (
        b'<!DOCTYPE o SYSTEM "http://127.0.0.1/x.dtd"><o><i><a>1</a></i></o>',
        "Q-DTD",
        "line 1",
    ),
    "100 XInclude": (
        b'<o><i><x:include xmlns:x="http://www.w3.org/2001/XInclude" href="/etc/passwd"/></i></o>',
        "Q-DTD",
        "line 1",
    ),
    "101 depth": (b"<o><i>" + b"<a>" * 300 + b"</a>" * 300 + b"</i></o>", "E-DEPTH", "line 1"),
    "103 bytes that are not UTF-8": (
        b'<?xml version="1.0"?>\n<o><i><a>caf\xe9</a></i></o>',
        "E-ENC",
        "line 2",
    ),
    "103 said to be UTF-16": (
        b'<?xml version="1.0" encoding="UTF-16"?><o><i><a>1</a></i></o>',
        "E-ENC",
        None,
    ),
    "103 unknown": (b'<?xml version="1.0" encoding="x-none"?><o><i><a>1</a></i></o>', "E-ENC", "line 1"),
    "103 an encoding that is not read": (
        '<?xml version="1.0" encoding="shift_jis"?><o><i><a>表</a></i></o>'.encode("shift_jis"),
        "E-ENC",
        "line 1",
    ),
    "cut off": (b"<o><i><a>1</a></i>\n<i><a>", "E-XML", "line 2, column 7"),
    "crossed": (b"<o><i><a>1</i></a></o>", "E-XML", "line 1, column 13"),
    "text behind": (b"<o><i><a>1</a></i></o>\nx", "E-XML", "line 2, column 1"),
    "undeclared entity": (b"<o><i><a>&nbsp;</a></i></o>", "E-XML", "line 1, column 10"),
    "a spreadsheet": (
        b'<?xml version="1.0"?>\n<ss:Workbook xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"/>',
        "E-TYPE",
        "",
    ),
    "no records": (b"<o>\n<!-- none --></o>", "E-NOROWS", ""),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_unsafe_or_no_xml_is_refused(open_any, case):
    """By line and column; no entity is ever looked up."""
    content, code, place = REFUSED[case]
    opened = open_any(content, format="xml")
    assert [found for found, _ in opened.refused] == [code]
    assert place is None or opened.refused[0][1] == place
    assert opened.mends[0]


def test_a_spreadsheet_is_read_where_the_feed_says_how(open_any):
    """Its rows are records then, though their cells have no names."""
    content = (
        b'<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"><Row><Cell>A</Cell></Row>'
        b"<Row><Cell>B</Cell></Row></Workbook>"
    )
    assert open_any(content, records="Workbook.Row").records == [["A"], ["B"]]


@pytest.mark.parametrize("codec", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_the_document_says_its_own_encoding(open_any, codec):
    """Whatever the feed declares for text."""
    content = f'<?xml version="1.0" encoding="{codec}"?><o><i><a>café</a></i></o>'.encode(codec)
    assert open_any(content).records == [["café"]]


def test_a_document_of_any_length_is_read(open_any):
    """Records on the edge of a block are whole."""
    content = "<o>" + "".join(f"<i><n>{at}</n><t>{'é' * (at % 9)}</t></i>\n" for at in range(20_000)) + "</o>"
    opened = open_any(content.encode())
    assert opened.records == [[str(at), "é" * (at % 9)] for at in range(20_000)]
    assert opened.places[-1] == (20_000, "line 20000")


def test_a_name_twice_in_one_record_is_never_chosen_from(open_any):
    """Within elements that are no list themselves, one more makes a list of them."""
    content = b"<o><i><c><m>1</m><m>2</m></c></i><i><c><m>3</m></c></i></o>"
    opened = open_any(content)
    assert (opened.columns, [list(cells[0]) for cells in opened.records]) == (("c.m",), [["1", "2"], ["3"]])


def test_a_list_of_another_namespace_is_a_list(open_any):
    """Points in the name of a namespace part nothing."""
    content = b'<r xmlns:n="http://a.b/c"><o><n:l><s>1</s></n:l><n:l><s>2</s></n:l></o><o><n:l><s>3</s></n:l></o></r>'
    opened = open_any(content)
    assert opened.columns == ("{http://a.b/c}l",)
    assert [[item["s"] for item in cells[0]] for cells in opened.records] == [["1", "2"], ["3"]]
