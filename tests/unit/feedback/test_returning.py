from __future__ import annotations

import gzip
import io
import json
import zipfile

import pytest

from agent.feedback.rejects import KeptBack
from agent.feedback.returning import write_kept_back
from agent.readers import choose, open_source
from agent.readers.base import MEND_COLUMN, REASON_COLUMN, Column, Listener, Reading
from tests.workbooks import ods, xlsx, xml2003, zipped

ROWS = [["Order", "SKU", "Amount"], ["00120", "=1+1", 1.1], ["R2", "+b", 2], ["R3", "ä\u2028", 3.0]]
LONG = "Credit memos / refunds: all of the last quarter"
TEXTS = [["00120", "=1+1", "1.1"], ["R2", "+b", "2"], ["R3", "ä\u2028", "3"]]
_OBJECTS = ['{"Order": "00120", "SKU":"=1+1", "Amount": 1.1}', '{"Order":"R2","SKU":"+b","Amount":2}']
_OBJECTS.append('{ "Order": "R3", "SKU": "ä\u2028", "Amount": 3 }')
_FIXED = (Column("Order", 1, 6), Column("SKU", 7, 6), Column("Amount", 13, 4))
_LINES = ["00120 =1+1  1.1 ", "R2    +b    2   ", "R3    ä\u2028    3   "]
_XML = "<r xmlns='urn:a'><head/><os>{}</os></r>"
_ORDERS = "".join("<o Order='{}'><SKU>{}</SKU><Amount>{}</Amount></o>".format(*row) for row in TEXTS)
FORMS = {
    "csv": ("\r\n".join(",".join(map(str, row)) for row in ROWS).replace("3.0", "3") + "\r\n", {}),
    "xlsx": (xlsx(("Refunds", ROWS)), {}),
    "xlsx at a number, below a title": (
        xlsx(("About", [["x"]]), ("Refunds", [["March"], *ROWS])),
        {"sheet": "2", "header_row": 2},
    ),
    "ods": (ods(ROWS), {}),
    "xml2003": (xml2003(ROWS), {}),
    "xml2003 with a sheet that no .xlsx could have": (
        xml2003(("x", [["x"]]), (LONG, ROWS)),
        {"sheet": LONG},
    ),
    "json": (f"[{','.join(_OBJECTS)}]", {}),
    "json inside": (f'{{"n": 1, "a b": {{"c": [{",".join(_OBJECTS)}]}}}}', {"records": "a b.c"}),
    "ndjson": ("\n".join(_OBJECTS), {}),
    "xml": (_XML.format(_ORDERS), {"records": "r.os.o"}),
    "xml at the root": (f"<r>{_ORDERS}</r>", {}),
    "fixed": ("\r\n".join(_LINES) + "\r\n", {"format": "fixed", "columns": _FIXED}),
}


def opened(content, reading):
    """Read bytes; return the columns, the records, and the codes of the damaged ones."""
    codes = []
    listener = Listener(lambda *damaged: codes.append(damaged[3].code), lambda *_: None)
    source = open_source(io.BytesIO(content), reading, listener)
    return [name.removeprefix("@") for name in source.columns], [list(cells) for cells in source], codes


def returned(content, reading, folder, *numbers, everything=False):
    """Write a rejects file with some records."""
    target = io.BytesIO()
    kept_back = (KeptBack(number, number + 1, f"E-REQ number {number} ä", "mend it") for number in numbers)
    stream = io.BytesIO(content)
    source = open_source(stream, reading, Listener(lambda *_: None, lambda *_: None))
    for _ in source:  # as preparing does before
        pass
    count = write_kept_back(
        stream,
        source,
        reading,
        kept_back=kept_back,
        target=target,
        scratch=folder,
        everything=everything,
    )
    return target.getvalue(), count


@pytest.fixture(params=FORMS)
def form(request):
    """Give the same records in every form, and how they are read."""
    content, reading = FORMS[request.param]
    return content if isinstance(content, bytes) else content.encode(), Reading(**reading)


def test_what_was_kept_back_comes_back_as_it_was(form, tmp_path):
    """The same form, the same columns, the very records asked for, cell for cell."""
    content, reading = form
    assert opened(content, reading) == (ROWS[0], TEXTS, [])
    rejects, count = returned(content, reading, tmp_path, 1, 3)
    assert count == 2
    assert opened(rejects, reading) == (ROWS[0], [TEXTS[0], TEXTS[2]], [])
    assert list(tmp_path.iterdir()) == []
    same = choose(io.BytesIO(content), reading)
    assert choose(io.BytesIO(rejects), reading) == ("xlsx" if same in {"ods", "xml2003"} else same)


def test_a_rejects_file_of_a_rejects_file_says_only_the_last_reason(form, tmp_path):
    """What was said before is left out again, wherever it stood."""
    content, reading = form
    once, _ = returned(content, reading, tmp_path, 1, 2, 3)
    twice, count = returned(once, reading, tmp_path, 2)
    assert count == 1
    assert opened(twice, reading) == (ROWS[0], [TEXTS[1]], [])
    words = twice.decode("utf-8", "replace") if not twice.startswith(b"PK") else _strings(twice)
    assert words.count("E-REQ") == 1


def test_everything_comes_back_when_nothing_was_sent(form, tmp_path):
    """Also the records that have no mistake of their own."""
    content, reading = form
    rejects, count = returned(content, reading, tmp_path, 2, everything=True)
    assert (count, opened(rejects, reading)) == (3, (ROWS[0], TEXTS, []))


def test_a_record_that_is_not_there_is_a_mistake_of_ours(form, tmp_path):
    """It must be seen."""
    content, reading = form
    if choose(io.BytesIO(content), reading) != "csv":
        with pytest.raises(ValueError, match="record 4"):
            returned(content, reading, tmp_path, 4)


def _strings(book):
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        return "".join(archive.read(name).decode() for name in archive.namelist() if "sheets/sheet" in name)


def test_a_workbook_comes_back_as_texts_only(tmp_path):
    """No number, no formula: no id can lose a digit, and nothing runs when it is opened."""
    content, reading = FORMS["xlsx"][0], Reading()
    sheet = _strings(returned(content, reading, tmp_path, 1, 2, 3)[0])
    assert "<f" not in sheet
    assert "<v>" not in sheet
    assert sheet.count('t="inlineStr"') == 5 + 3 * 5


@pytest.mark.parametrize(
    "pack", [gzip.compress, lambda content: zipped(("in/refunds.x", content))], ids=["gz", "zip"]
)
def test_what_was_packed_is_packed_again(form, tmp_path, pack):
    """Its name ends as that of the original does, so its content must be of that kind."""
    content, reading = form
    rejects, _ = returned(pack(content), reading, tmp_path, 3)
    assert rejects[:2] == pack(content)[:2]
    assert rejects == returned(pack(content), reading, tmp_path, 3)[0] or choose(
        io.BytesIO(content), reading
    ) in {"xlsx", "ods", "xml2003"}
    assert opened(rejects, reading)[1] == [TEXTS[2]]


def test_damaged_records_come_back_damaged_until_they_are_mended(tmp_path):
    """As they stand; a line that is no JSON cannot be told anything."""
    content = b'{"a": 1, "a": 2}\n{"a": \n{"a": NaN}\n7\n{"a": 5}\n'
    rejects, count = returned(content, Reading(format="ndjson"), tmp_path, 1, 2, 3, 4)
    assert count == 4
    assert opened(rejects, Reading(format="ndjson"))[1:] == ([], ["E-KEYDUP", "E-JSON", "E-NUM", "E-SHAPE"])
    lines = rejects.decode().splitlines()
    assert lines[1::2] == ['{"a":', "7"]
    assert json.loads(lines[2])[REASON_COLUMN] == "E-REQ number 3 ä"
    assert json.loads(lines[2])[MEND_COLUMN] == "mend it"


def test_a_value_in_a_column_without_a_name_is_kept(tmp_path):
    """It stands where it stood, so the record is refused again until somebody has looked at it."""
    content = xlsx([ROWS[0], [*TEXTS[0], "", "stray"], TEXTS[1]])
    rejects, _ = returned(content, Reading(), tmp_path, 1)
    assert opened(rejects, Reading())[1:] == ([], ["E-COLS"])
    assert "stray" in _strings(rejects)


def test_text_in_xml_that_would_be_changed_is_written_as_references(tmp_path):
    """Line ends in attributes, carriage returns, signs of XML, names of other namespaces."""
    content = "<r><o a='x&#10;y&#13;z&amp;' xml:lang='de' n:b='1' m:b='2' xmlns:n='urn:n' xmlns:m='urn:m'>"
    content += "<t>a&#13;&#10;b &lt;c&gt;</t><n:u>3</n:u></o></r>"
    columns, records, _ = opened(content.encode(), Reading())
    rejects, _ = returned(content.encode(), Reading(), tmp_path, 1)
    assert opened(rejects, Reading()) == (columns, records, [])
    assert records[0][0] == "x\ny\rz&"
