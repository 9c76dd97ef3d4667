from __future__ import annotations

import io
import json

import pytest

from agent.readers import open_source
from agent.readers.base import Listener, Reading
from agent.readers.jsonpatterns import JsonPatterns

MANY = 300  # records that are alike
OBJECTS = [f'{{"id": "R{at}", "total": {at}.50, "note": null}}' for at in range(MANY)]
ELEMENTS = [f'<o id="R{at}"><total>{at}.50</total><note/></o>' for at in range(MANY)]
ALIKE = [[f"R{at}", f"{at}.50", ""] for at in range(MANY)]


@pytest.mark.parametrize(
    ("record", "cells"),
    [
        ('{"id": "x", "total": -1E+2, "note": "n"}', ["x", "-100", "n"]),
        ('{"id": "\\u00e9\\n\\/", "total": "1", "note": true}', ["é\n/", "1", "true"]),
        ('{"id": "a\\\\", "total": 0, "note": "\\""}', ["a\\", "0", '"']),
        ('{"note": 1, "id":"x" ,"total":2}', ["x", "2", "1"]),
        ('{"id": {"id": 1}, "total": {}}', ["", "", "", "1"]),
    ],
)
def test_a_record_that_differs_from_hundreds_before_it_is_decoded(open_any, record, cells):
    """Whatever is not a plain value in the place of another is read as if it stood alone."""
    opened = open_any("\n".join([*OBJECTS, record, *OBJECTS]).encode(), format="ndjson")
    more = [""] * (len(cells) - 3)
    alike = [[*one, *more] for one in ALIKE]
    assert opened.records == [*alike, cells, *alike]
    assert opened.places[-1] == (2 * MANY + 1, f"line {2 * MANY + 1}")
    document = open_any(f"[{','.join([*OBJECTS, record, *OBJECTS])}]".encode())
    assert document.records == opened.records


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ('{"id": "R1", "total": 01, "note": null}', "E-JSON"),
        ('{"id": "tab\there", "total": 1, "note": null}', "E-JSON"),
        ('{"id": "R1", "total": NaN, "note": null}', "E-NUM"),
        ('{"id": "R1", "total": 1, "id": "R2"}', "E-KEYDUP"),
        ('{"id": "\\ud800", "total": 1, "note": null}', "E-ENC"),
    ],
)
def test_a_damaged_record_is_found_behind_hundreds_that_are_alike(open_any, record, code):
    """By its number and line."""
    opened = open_any("\n".join([*OBJECTS, record, *OBJECTS]).encode(), format="ndjson")
    assert opened.damaged == [(MANY + 1, f"line {MANY + 1}", code, "")]
    assert opened.records == ALIKE * 2


@pytest.mark.parametrize(
    ("between", "place", "words"),
    [
        (", x, ", "line 301, column 3", "expecting value"),
        (",,", "line 301, column 2", "expecting value"),
        (' {"a": 1} ', "line 301, column 2", ", or ] is expected here"),
        (', {"id": "R1", "total": 1., "note": null}, ', "line 301, column 26", "expecting ',' delimiter"),
    ],
)
def test_the_place_is_right_behind_records_that_are_alike(open_any, between, place, words):
    """Records that were passed over in a run count as lines and columns all the same."""
    alike = ",\n".join(OBJECTS)
    refused = open_any(f"[{alike}\n{between}{alike}]".encode())
    assert (refused.refused, words in refused.words[0]) == ([("E-JSON", place)], True), refused.words


def test_a_name_that_comes_late_is_a_column(open_any):
    """And so is a list in the place of what was a value, whether in a document or in lines."""
    late = ['{"id": "L1", "total": 1, "note": null, "late": "x"}', '{"id": "L2", "total": 2, "note": ["a"]}']
    lines = open_any("\n".join([*OBJECTS, *late]).encode(), format="ndjson")
    document = open_any(f"[{', '.join([*OBJECTS, *late])}]".encode())
    assert lines.columns == document.columns == ("id", "total", "note", "late")
    assert lines.records == document.records
    assert lines.records[-2:] == [["L1", "1", "", "x"], ["L2", "2", lines.records[-1][2], ""]]
    assert [*lines.records[-1][2]] == ["a"]


def test_records_of_which_few_are_alike_are_decoded(open_any):
    """Patterns are given up where they cost more than they save, and are never many."""
    patterns = JsonPatterns()
    for at in range(20_000):
        name = f"n{at}"
        text = f'{{"{name}": "{"x" * 10}"}}'
        assert patterns.fit(text) is None
        patterns.parsed(len(text))
        patterns.learn(text, {name: "x" * 10})
    assert not patterns.hopeful
    mixed = [f'{{"n{at % 20}": {at}}}' for at in range(2_000)]
    opened = open_any("\n".join(mixed).encode(), format="ndjson")
    assert [cells[at % 20] for at, cells in enumerate(opened.records)] == [str(at) for at in range(2_000)]


@pytest.mark.parametrize(
    ("record", "cells"),
    [
        ('<o id="x"><total>a &amp; b &lt;c&gt;</total><note>"</note></o>', ["x", "a & b <c>", '"']),
        ('<o id="&quot;&apos;"><total>1</total><note> \n</note></o>', ["\"'", "1", " \n"]),
        ('<o id="a\tb"><total>1</total><note>&#228;&#13;</note></o>', ["a b", "1", "ä\r"]),
        ('<o id="x"><total>1\r\n2\r3</total><note/></o>', ["x", "1\n2\n3", ""]),
        ('<o id="x"><total><![CDATA[</total></o>]]></total><note/></o>', ["x", "</total></o>", ""]),
        ('<!-- <o id="no"><total>1</total><note/></o> --><o id="x"/>', ["x", "", ""]),
        ("<o id='x'><note>n</note><total >1</total ></o>", ["x", "1", "n"]),
        ("<o><total>1</total></o>", ["", "1", ""]),
        ('<o id="x"><total>1</total><note/><p:note>2</p:note></o>', ["x", "1", "", "2"]),
        ('<o id="x"><total>1</total><note xmlns="urn:p">2</note></o>', ["x", "1", "", "2"]),
        ('<o id="x"><total cur="EUR">1</total><note cur=" "> </note></o>', ["x", "1", "", "EUR", " "]),
    ],
)
@pytest.mark.parametrize("between", ["", "\n", "\r\n  "])
def test_an_element_that_differs_from_hundreds_before_it_is_parsed(open_any, record, cells, between):
    """Whatever is not a plain text in the place of another is found as if it stood alone, and on its line."""
    records = between.join([*ELEMENTS, record, *ELEMENTS])
    opened = open_any(f'<r xmlns:p="urn:p">{between}{records}{between}</r>'.encode())
    width = len(opened.columns)
    alike = [[*one, *[""] * (width - 3)] for one in ALIKE]
    assert (opened.damaged, opened.refused) == ([], [])
    assert opened.records == [*alike, cells, *alike]
    lines = between.count("\n")
    assert opened.places[MANY] == (MANY + 1, f"line {1 + lines * (MANY + 1)}")
    more = record.count("\n") + record.replace("\r\n", "").count("\r")
    assert opened.places[-1] == (2 * MANY + 1, f"line {1 + lines * (2 * MANY + 1) + more}")


@pytest.mark.parametrize(
    ("usual", "other", "cells"),
    [
        ('<o><a b="1">x</a></o>', '<o><a b="\t\n2">x</a></o>', ["  2", "x"]),
        ('<o><a b="1">x</a></o>', '<o><a b="1"> </a></o>', ["1", ""]),
        ('<o><a b="1">x</a></o>', '<o><a b="1">\u00a0</a></o>', ["1", ""]),
        ('<o><a>1</a><b xmlns=""/></o>', '<o><a>1</a><b xmlns="urn:b"/></o>', ["1", "", ""]),
        (
            "<o><!-- <a>1</a> --><b><![CDATA[1]]></b></o>",
            "<o><!-- <a>2</a> --><b><![CDATA[1]]></b></o>",
            ["1"],
        ),
        ("<o><a>x</a><b>&amp;</b></o>", "<o><a>&lt;&amp;lt;</a><b>&quot;</b></o>", ["<&lt;", '"']),
        ("<o><a>x</a></o>", "<o><a>\uff5e</a></o>", ["\uff5e"]),
        ("<o><a>x</a></o>", "<o><a>x\ry</a></o>", ["x\ny"]),
    ],
)
def test_what_is_like_the_record_before_it_and_not_the_same(open_any, usual, other, cells):
    """A difference that means more than another plain text is left to the parser."""
    opened = open_any(f"<r>{usual * 5}{other}{usual * 5}</r>".encode())
    assert (opened.records[5], opened.damaged) == (cells, [])
    assert opened.records[:5] == opened.records[6:]


def test_records_in_a_comment_are_none(open_any):
    """Though one that is empty, and one that is like no other, stand before it."""
    usual, hidden = "<o><a>1</a></o>" * 5, "<!-- <b/><o><a>9</a></o></o><o/> -->"
    for between in ("<o/>", "<o/><o><a>&#49;</a></o>", "<o><a>&#49;</a></o>", "<o><a/></o>", ""):
        opened = open_any(f"<r>{usual}{between}{hidden}{usual}</r>".encode())
        assert {cells[0] for cells in opened.records} <= {"1", ""}
        assert len(opened.records) + len(opened.damaged) == 10 + between.count("<o")


def test_an_empty_record_in_a_comment_is_none(open_any):
    """Though the record before the comment ends in another way than those before that."""
    usual, hidden = '<o a="1"/>' * 5, '<!-- <b/><o a="9"/> -->'
    for between in ('<o a="1"></o>', "<o a='1'></o>", ""):
        opened = open_any(f"<r>{usual}{between}{hidden}{usual}</r>".encode())
        assert opened.records == [["1"]] * (10 + bool(between))


def test_lines_are_counted_as_the_parser_does(open_any):
    """Also where lone CRs end them, within a record and in the tag that closes one."""
    for record in ("<o>\r<a>1</a>\r</o>", "<o>\r\n<a>1\n2</a></o\r>", "<o\n><a>1</a></o\n>", '<o\na="1"\n/>'):
        opened = open_any(f"<r>{record * 20}</r>".encode())
        each = record.replace("\r\n", "\n").replace("\r", "\n").count("\n")
        assert opened.places == [(at + 1, f"line {1 + at * each}") for at in range(20)]
    mixed = open_any(f"<r>{'<o><a>1</a></o>' * 5}<o><a/></o\r>{'<o><a>1</a></o>' * 5}</r>".encode())
    assert [place for _, place in mixed.places[-5:]] == ["line 2"] * 5
    long = open_any("\n".join(["<r>", *ELEMENTS * 10, "</r>"]).encode())
    assert long.places == [(at, f"line {at + 1}") for at in range(1, 10 * MANY + 1)]


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ('<o id="x"><total>1</note><note/></o>', "E-XML"),
        ('<o id="x"><total>]]></total><note/></o>', "E-XML"),
        ('<o id="x"><total>\x01</total><note/></o>', "E-XML"),
        ('<o id="x"><total>\uffff</total><note/></o>', "E-XML"),
        ('<o id="x"><total>a & b</total><note/></o>', "E-XML"),
        ('<o id="x"><total>&nope;</total><note/></o>', "E-XML"),
        ("</r><o/>", "E-XML"),
        ('<x xmlns="http://www.w3.org/2001/XInclude"/>', "Q-DTD"),
    ],
)
def test_what_refuses_a_document_is_found_behind_records_that_are_alike(open_any, record, code):
    """By the line and column that the parser names when it is given all: in UTF-16 it is."""
    head = '<?xml version="1.0" encoding="UTF-16"?>\n<é>'
    wide = f"{head}{''.join(ELEMENTS)}{record}{''.join(ELEMENTS)}</é>"
    refused, expected = open_any(wide.replace("UTF-16", "UTF-8").encode()), open_any(wide.encode("utf-16"))
    assert refused.refused == expected.refused == [(code, expected.refused[0][1])]
    assert refused.words == expected.words


def test_an_empty_record_at_the_end_is_not_followed_by_one_outside(open_any):
    """What closes the element around the records is not taken for what closes a record."""
    opened = open_any(b"<r><g>" + b'<o id="1"/>' * MANY + b"</g><o>2</o></r>", records="r.g.o")
    assert opened.records == [["1"]] * MANY
    several = b"<r>" + (b"<g>" + b'<o id="1"/>' * 50 + b"</g>") * 10 + b"</r>"
    assert len(open_any(several, records="r.g.o").records) == 500
    other = b"<r><g>" + b"<o>1</o>" * MANY + b"</g><h>" + b"<o>2</o>" * MANY + b"</h></r>"
    assert open_any(other, records="r.g.o").records == [["1"]] * MANY


def test_a_name_that_stands_twice_late_makes_a_list_of_all(open_any):
    """Also of those before it, which were alike and had one."""
    late = b'<o id="L"><total>1</total><total>2</total><note/></o>'
    opened = open_any(b"<r>" + "".join(ELEMENTS).encode() + late + b"</r>")
    assert [[*cells[1]] for cells in opened.records] == [[one[1]] for one in ALIKE] + [["1", "2"]]


@pytest.mark.parametrize("form", ["json", "ndjson", "xml"])
def test_a_record_that_was_not_parsed_can_be_given_back(form):
    """As it stands in the file; of an element, all that is in it."""
    content = {
        "json": f"[{', '.join(OBJECTS)}]",
        "ndjson": "\n".join(OBJECTS),
        "xml": f'<r xmlns="urn:x">{"".join(ELEMENTS)}</r>',
    }[form]
    source = open_source(io.BytesIO(content.encode()), Reading(), Listener(None, None))
    given = []
    for _ in source:
        objects = source.objects
        given.append(objects.record.plain() if form == "xml" else json.loads(objects.raw)["id"])
    if form == "xml":
        assert given == [{"@id": one, "total": [total], "note": [note]} for one, total, note in ALIKE]
        assert (objects.record.name, objects.space, objects.root) == ("o", "urn:x", "r")
    else:
        assert given == [one[0] for one in ALIKE]
