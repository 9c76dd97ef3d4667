"""Records that fit a pattern come out as the parser would give them.

The first record written in some way is always parsed, and so is every record of a document that is not in UTF-8: that
tells what is right.
"""

from __future__ import annotations

import io
import json
from xml.sax.saxutils import escape, quoteattr

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import RefusedFile
from agent.readers import open_source
from agent.readers.base import Listener, Reading
from agent.readers.jsonvalues import Decoder
from agent.readers.nested import Nest

TIMES = st.sampled_from([1, 2, 30])  # how often the same records stand in a file, one lot behind the other
SIGNS = [*"ab01 .-\"\\/<>&;'é\t\n\r\x7f\uffff😀\u2028", "&amp;", "]]>", "\\u00e9", "\\ud800", "Total"]
TEXT = st.lists(st.sampled_from(SIGNS), max_size=5).map("".join)
PLAIN = st.sampled_from(['"x"', '"R1"', '""', "null", '"é"', '"a, b"'])
VALUE = st.one_of(
    st.tuples(TEXT, st.booleans()).map(lambda one: json.dumps(one[0], ensure_ascii=one[1])),
    TEXT.map(
        lambda text: f'"{text}"'.replace("\n", " ").replace("\r", " ")
    ),  # as it is, whether that is JSON or not
    st.sampled_from(
        ["0", "-0", "1.50", "2.125", "1e5", "-3.2E+7", "12345678901234567890", "01", "1.", "NaN", "-"]
    ),
    st.sampled_from(["true", "fals", '{"n": 1, "m": "x"}', "{}", '{"n": 1, "n": 2}']),
)
OBJECTS = st.lists(
    st.one_of(
        *[
            st.tuples(PLAIN, st.one_of(PLAIN, PLAIN, VALUE), st.one_of(PLAIN, VALUE)).map(
                lambda values: '{{"id": {}, "a.b": {}, "ü":{} }}'.format(*values)
            )
        ]
        * 3,
        st.sampled_from(
            ['{"id": "x"}', '{"id": "x", "id": "y"}', "7", '{"id":"x", "a.b": 1, "ü": ""}', "{}"]
        ),
    ),
    min_size=1,
    max_size=12,
)
WITHIN = st.one_of(
    *[TEXT.map(escape)] * 3,
    st.sampled_from(
        ["<![CDATA[<]]>", "<!-- </o> -->x", "&#65;", "<b>1</b>", "<?p?>", "\r\n", "x &lt; y", ""]
    ),
    st.sampled_from(["&nope;", "\x01", "]]>", "<", "a & b"]),
)
LEAF = WITHIN.map(lambda text: f"<x>{text}</x>")
ATTRIBUTE = TEXT.map(quoteattr)
ELEMENT = st.one_of(
    *[LEAF] * 3,
    st.tuples(ATTRIBUTE, WITHIN).map(lambda one: f"<y n={one[0]}>{one[1]}</y>"),
    ATTRIBUTE.map(lambda text: f'<z n={text}  m="1"/>'),
    st.sampled_from(
        ["<x/>", "<p:x>1</p:x>", '<x xmlns="urn:b">1</x>', "<x>1</x >", "<o>1</o>", "<o/>", "<x a='1'/>"]
    ),
)
RECORDS = st.lists(
    st.one_of(
        *[st.tuples(ELEMENT, LEAF).map(lambda one: "<o>{}<w>\n <v>1</v>{}</w></o>".format(*one))] * 3,
        ATTRIBUTE.map(lambda text: f"<o n={text}/>"),
        st.tuples(ATTRIBUTE, WITHIN).map(lambda one: f"<o n={one[0]}>{one[1]}</o>"),
        WITHIN.map(lambda text: f"<o>{text}</o>"),
        st.sampled_from(["<!-- <o>1</o> -->", "<![CDATA[<o/>]]>", "<o/>", "text", "</o>", "<q/>"]),
    ),
    min_size=1,
    max_size=6,
)


def read(content, form, decimal=".", identifiers=()):
    """Tell what came of each record, and how the file was refused if it was."""
    found, refused = {}, []

    def told(number, line, cells, fault):
        found[number] = (line, named(cells), fault.code)

    def named(cells):
        pairs = zip(source.columns, cells, strict=True)
        return {name: (str.__str__(cell), repr([*cell])) for name, cell in pairs if str.__len__(cell)}

    try:
        source = open_source(io.BytesIO(content), Reading(format=form, decimal=decimal), Listener(told, told))
        source.attend(None, frozenset(identifiers))
        for cells in source:
            found[source.number] = (source.line, named(cells), "")
    except RefusedFile as error:
        refused = [(finding.code, finding.words, finding.place) for finding in error.findings]
    return [found[number] for number in sorted(found)], refused


@given(OBJECTS, TIMES, st.sampled_from([".", ","]), st.sets(st.sampled_from(["id", "a.b"])))
@settings(deadline=None)
def test_json(objects, times, decimal, identifiers):
    """Each line as it is behind one that is written in another way; a document the same, or it is refused."""
    first = '{"id" :"R0"}'
    how = (decimal, identifiers)
    alone = [read(f"{first}\n{one}".encode(), "ndjson", *how)[0][1][1:] for one in objects]
    every = [first, *objects * times]
    lines, _ = read("\n".join(every).encode(), "ndjson", *how)
    assert [rest for _, *rest in lines[1:]] == [[*one] for one in alone * times]
    document, refused = read(f"[{' ,'.join(every)}\n]".encode(), "json", *how)
    if any(code == "E-JSON" for _, code in alone):
        assert refused
    else:
        assert document[1:] == [(1, *one) for one in alone * times]


@given(
    st.recursive(
        st.sampled_from(["x", "", True, None]),
        lambda inner: st.one_of(
            st.dictionaries(st.sampled_from(["a", "b", "a.b", "b.a"]), inner, max_size=3),
            st.lists(inner, max_size=2),
        ),
    ),
    st.sampled_from([0, 62, 63, 64]),
)
@settings(deadline=None)
def test_names_are_those_of_the_cells(value, deep):
    """However deep they lie, and where one leads to the same place as another."""
    for _ in range(deep):
        value = {"a": value}
    cells, _ = Decoder().cells(value)
    assert Decoder().names(value) == {name: isinstance(cell, Nest) for name, cell in cells.items()}


@given(RECORDS, TIMES, st.sampled_from(["", "\n", "\r\n  "]))
@settings(deadline=None)
def test_xml(records, times, between):
    """In UTF-8 the same as in UTF-16, to the line and column of what refuses it."""
    body = between.join(records * times)
    document = f'<r xmlns:p="urn:p">{between}{body}</r>'
    wide = f'<?xml version="1.0" encoding="UTF-16"?>{document}'
    small = wide.replace("UTF-16", "UTF-8")
    found, refused = read(small.encode(), "xml")
    others, why = read(wide.encode("utf-16"), "xml")
    assert (found, [(code, words) for code, words, _ in refused]) == (
        others,
        [(code, words) for code, words, _ in why],
    )
