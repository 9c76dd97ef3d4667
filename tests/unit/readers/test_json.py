from __future__ import annotations

import json

import pytest

from agent.readers.nested import Item, Nest

EXACT = b"""[
  {"order": "00120", "id": 12345678901234567890123, "amount": 1.10, "big": 1e2, "on": true, "none": null},
  {"order": "R2", "id": -0, "amount": 0.10000000000000000001, "customer": {"mail": "a@b", "address": {"zip": "01"}}}
]"""


def test_values_are_the_text_written(open_any):
    """Numbers keep every digit, exponents are written out; objects inside become columns, absent names empty cells."""
    opened = open_any(EXACT)
    assert opened.columns == (
        "order",
        "id",
        "amount",
        "big",
        "on",
        "none",
        "customer.mail",
        "customer.address.zip",
    )
    assert opened.records == [
        ["00120", "12345678901234567890123", "1.10", "100", "true", "", "", ""],
        ["R2", "-0", "0.10000000000000000001", "", "", "", "a@b", "01"],
    ]
    assert opened.places == [(1, "line 2"), (2, "line 3")]


NUMBERS = [  # as the file writes them, and as a text with a decimal comma says the same
    ("2.125", "2,125"), ("-0", "-0"), ("-0.0", "-0,0"), ("1.50", "1,50"), ("1234.5", "1234,5"), ("7", "7"),
    ("9007199254740993", "9007199254740993"), ("0.1234567890123456789012345", "0,1234567890123456789012345"),
    ("1.5e3", "1500"), ("1E+2", "100"), ("-1.25e1", "-12,5"), ("15e-4", "0,0015"), ("1.0E7", "10000000"),
    ("0e9", "0"), ("1e41", "1e41"), ("1.5E-41", "1,5E-41"), ("1e999999999999999999999", "1e999999999999999999999"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "text"), NUMBERS)
@pytest.mark.parametrize("before", [0, 100], ids=["parsed", "alike"])
def test_a_number_is_what_it_is_whatever_the_feed_declares_of_texts(open_any, written, text, before):
    """2.125 would be 2125 where a point parts thousands; texts stay as they are. In documents, lines and lists."""
    alike = [f'{{"a": {at}.5, "b": "1.{at:03}", "c": {{"d": 1}}}}' for at in range(before)]
    records = [*alike, f'{{"a": {written}, "b": "{written}", "c": {{"d": {written}}}}}']
    plain = text.replace(",", ".")
    for decimal, figure in ((",", text), (".", plain)):
        for form, content in (("json", f"[{','.join(records)}]"), ("ndjson", "\n".join(records))):
            opened = open_any(content.encode(), format=form, decimal=decimal)
            assert opened.records[-1] == [figure, written, figure]
            assert opened.records[:-1] == [[f"{at}{decimal}5", f"1.{at:03}", "1"] for at in range(before)]
        within = open_any(
            f'[{{"l": [{written}, "{written}", {{"n": {written}}}]}}]'.encode(), decimal=decimal
        )
        one, two, three = within.records[0][0]
        assert [one, two, three["n"]] == [figure, written, figure]


@pytest.mark.parametrize("number", ["12345.0", "1e5", "1.5", "-2E+3", "1e99"])
@pytest.mark.parametrize("before", [0, 100], ids=["parsed", "alike"])
def test_an_id_that_is_a_number_with_more_than_digits_is_damaged(open_any, number, before):
    """Nobody can tell how the id was written; whole numbers and texts are ids to the letter."""
    alike = [f'{{"Id": {at}, "x": {{"sku": {at}}}, "n": {number}}}' for at in range(before)]
    odd = [f'{{"Id": {number}, "x": {{"sku": 1}}, "n": 1}}', f'{{"Id": 1, "x": {{"sku": {number}}}, "n": 1}}']
    sound = [f'{{"Id": "{number}", "x": {{"sku": 12345678901234567890}}, "n": {number}}}', *alike]
    records = [*alike, *odd, *sound]
    for form, content in (("json", f"[{','.join(records)}]"), ("ndjson", "\n".join(records))):
        opened = open_any(content.encode(), format=form, identifiers=("id", "x.sku"), canonical=str.lower)
        assert [(at, code, name) for at, _, code, name in opened.damaged] == [
            (before + 1, "E-IDNUM", "id"),
            (before + 2, "E-IDNUM", "x.sku"),
        ]
        assert [cells[:2] for cells in opened.records[before:]] == [
            [number, "12345678901234567890"],
            *([str(at), str(at)] for at in range(before)),
        ]
        assert open_any(content.encode(), format=form).damaged == []


def test_a_list_inside_is_one_cell_of_several_values(open_any):
    """A template walks it; whoever takes it for text gets the whole."""
    ((order, lines),) = open_any(
        b'[{"id": 1, "lines": [{"sku": "00a", "n": 1.0, "tags": ["x"]}, {"sku": "b"}]}]'
    ).records
    assert order == "1"
    assert isinstance(lines, Nest)
    assert [item["sku"] for item in lines] == ["00a", "b"]
    assert (lines[0]["n"], lines[0]["tags"][0], len(lines), bool(lines)) == ("1.0", "x", 2, True)
    assert isinstance(lines[1:][0], Item)
    assert json.loads(str(lines)[1:]) == [{"sku": "00a", "n": "1.0", "tags": ["x"]}, {"sku": "b"}]
    with pytest.raises(KeyError):
        lines[1]["n"]


def test_records_may_lie_inside_the_document(open_any):
    """The feed's `records:` leads to them; what stands beside is passed over, whatever it is."""
    content = (
        b'{"meta": {"a": [1, {"b": "]"}]}, "data": {"page": 1, "orders": [{"a": 1}, {"a": 2}]}, "end": []}'
    )
    assert open_any(content, records="data.orders").records == [["1"], ["2"]]


SHAPES = {
    "object at the top": (b'{"orders": [{"a": 1}], "n": 1}', "", "“orders”"),
    "nothing there": (b'{"order": [{"a": 1}]}', "orders", "“order”"),
    "an object there": (b'{"orders": {"a": 1}}', "orders", "“orders”"),
    "a list on the way": (b'[{"orders": 1}]', "orders", "“orders”"),
}


@pytest.mark.parametrize("case", SHAPES)
def test_98_another_shape_than_expected_is_refused_with_the_path(open_any, case):
    """The words name what is there or what is missing; the cure is the feed's `records:`."""
    content, records, named = SHAPES[case]
    opened = open_any(content, records=records, format="json")
    assert [code for code, _ in opened.refused] == ["E-SHAPE"]
    assert named in opened.words[0]
    assert "records:" in opened.mends[0]


BROKEN = {
    "cut in a record": (b'[{"a": 1},\n {"a": 2', "line 2, column 9"),
    "cut in a text": (b'[{"a": 1},\n {"a": "2', "line 2, column 8"),
    "cut behind a record": (b'[{"a": 1},\n {"a": 2}', "line 2, column 10"),
    "no comma": (b'[{"a": 1}\n {"a": 2}]', "line 2, column 2"),
    "comma too many": (b'[{"a": 1},\n]', "line 2, column 1"),
    "text behind": (b'[{"a": 1}]\nx', "line 2, column 1"),
    "two documents": (b'[{"a": 1}]\n[{"a": 2}]', "line 2, column 1"),
    "single quotes": (b"[{'a': 1}]", "line 1, column 3"),
    "a leading zero": (b'[{"a": 01}]', "line 1, column 9"),
    "a remark": (b'[{"a": 1}, // x\n]', "line 1, column 12"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_96_what_is_no_json_is_refused_by_line_and_column(open_any, case):
    """Whatever was read before, nothing of a broken document is used."""
    content, place = BROKEN[case]
    assert open_any(content, format="json").refused == [("E-JSON", place)]


def test_the_place_is_right_far_into_a_document(open_any):
    """Through many windows, on one line and over several."""
    records = ",\n".join('{"a": "%s"}' % ("x" * (at % 90)) for at in range(5_000))
    assert open_any(f"[{records},\n  ?]".encode()).refused == [("E-JSON", "line 5001, column 3")]
    flat = records.replace("\n", "")
    assert open_any(f"[{flat},?]".encode()).refused == [("E-JSON", f"line 1, column {len(flat) + 3}")]


def test_a_document_on_one_line_of_any_length_is_read(open_any):
    """JSON needs no line ends; numbers and letters on the edge of a block are whole."""
    values = [{"n": at, "t": "é" * (at % 7)} for at in range(60_000)]
    content = json.dumps(values, ensure_ascii=False).encode()
    assert len(content) > 1_500_000
    assert open_any(content).records == [[str(one["n"]), one["t"]] for one in values]


DAMAGED = {
    "92 depth": (b'{"b": ' + b"[" * 70 + b"]" * 70 + b"}", "E-DEPTH"),
    "92 depth of objects": (b'{"a": ' * 70 + b"1" + b"}" * 70, "E-DEPTH"),
    "93 a name twice": (b'{"a": 1, "a": 2}', "E-KEYDUP"),
    "93 a name twice inside": (b'{"b": [{"b": 1, "b": 2}]}', "E-KEYDUP"),
    "93 a name with a point": (b'{"a.b": 1, "a": {"b": 2}}', "E-KEYDUP"),
    "93 the other way": (b'{"a": {"b": 2}, "a.b": 1}', "E-KEYDUP"),
    "94 NaN": (b'{"a": NaN}', "E-NUM"),
    "94 Infinity": (b'{"a": -Infinity}', "E-NUM"),
    "95 half a character": (b'{"a": "x\\ud800"}', "E-ENC"),
    "98 a number": (b"7", "E-SHAPE"),
    "98 a list": (b"[1]", "E-SHAPE"),
    "47 a long value": (b'{"a": "' + b"x" * 32_769 + b'"}', "E-FIELDLEN"),
    "51 nothing": (b"{}", "E-BLANK"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_record_with_a_fault_is_damaged_and_the_others_come(open_any, case):
    """In a document as in lines of them."""
    record, code = DAMAGED[case]
    for form, content in (
        ("json", b'[{"a": "0"},\n%b,\n{"a": "2"}]'),
        ("ndjson", b'{"a": "0"}\n%b\n{"a": "2"}\n'),
    ):
        opened = open_any(content % record, format=form)
        assert [(number, place, code) for number, place, code, _ in opened.damaged] == [(2, "line 2", code)]
        assert [cells[0] for cells in opened.records] == ["0", "2"]


def test_92_nesting_without_end_is_refused(open_any):
    """Deeper than the decoder itself can go."""
    deep = b"[" * 100_000
    assert [code for code, _ in open_any(b'[{"a": ' + deep).refused] == ["E-DEPTH"]
    assert [code for code, _ in open_any(b'{"a": ' + deep, records="b").refused] == ["E-DEPTH"]
    assert [code for _, _, code, _ in open_any(b'{"a": 1}\n{"a": ' + deep + b"}\n").damaged] == ["E-DEPTH"]


def test_lines_are_read_one_by_one(open_any):
    """A line that is cut off is damaged; the others come, blank lines are none."""
    opened = open_any(b'{"a": 1, "b": "x"}\r\n\n{"a": 2\n{"a": 3} x\n{"a": 1e400}\n')
    assert opened.records == [["1", "x"], ["1e400", ""]]
    assert [(number, place, code) for number, place, code, _ in opened.damaged] == [
        (2, "line 3", "E-JSON"),
        (3, "line 4", "E-JSON"),
    ]


def test_one_object_is_a_line_unless_the_feed_says_where_records_are(open_any):
    """The same text may be either; only the feed can tell."""
    assert open_any(b'{"a": 1}').records == [["1"]]
    assert open_any(b'{"a": [{"b": 1}]}', records="a").records == [["1"]]


def test_other_encodings_are_read_where_they_are_declared(open_any):
    """As with any text: a mark and the feed's word decide, and bytes that do not belong are refused."""
    text = '[{"a": "é"}]'
    assert open_any(b"\xef\xbb\xbf" + text.encode()).notes.keys() == {"N-BOM"}
    assert open_any(text.encode("utf-16"), encoding=("utf-16",)).records == [["é"]]
    assert [code for code, _ in open_any(text.encode("cp1252")).refused] == ["E-ENC"]
    assert open_any(text.encode("cp1252"), encoding=("cp1252",)).records == [["é"]]
    assert [code for code, _ in open_any(text.encode() + b"\0").refused] == ["E-NUL"]


def test_no_records_no_file(open_any):
    """An empty list is said to be one."""
    for content in (b"[]", b" [ ] \n"):
        assert open_any(content, format="json").refused == [("E-NOROWS", "")]


def test_names_are_checked_like_a_header(open_any):
    """Two names that differ by case only are refused, as a template could not tell which is meant."""
    assert [code for code, _ in open_any(b'[{"Id": 1, "id": 2}]').refused] == ["E-HDRDUP"]
    many = {f"n{at}": at for at in range(1_001)}
    assert [code for code, _ in open_any(json.dumps([many]).encode()).refused] == ["E-COLCAP"]


def test_a_single_value_among_lists_is_damaged(open_any):
    """A loop over it would go through its letters; nothing at all is an empty list."""
    opened = open_any(b'[{"a": 1, "t": ["x"]}, {"a": 2, "t": "yz"}, {"a": 3, "t": null}, {"a": 4}]')
    assert opened.damaged == [(2, "line 1", "E-SHAPE", "t")]
    assert [list(cells[1]) for cells in opened.records] == [["x"], [], []]
