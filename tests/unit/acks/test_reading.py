"""What answers say: the cases of tests/corpus/answers, and whatever else the bytes may be.

A case is one text file: what must hold in a line, then `=== file NAME` or `=== mail -` with the answer as it
is, and last `=== expected`: the answers as JSON, a refusal as its line, order, SKU, code, status and words.
"""

import json
import re
import time
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.acks.base import Answer, Stage
from agent.acks.reading import read

CASES = sorted((Path(__file__).resolve().parents[2] / "corpus" / "answers").glob("*.txt"))
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
CLEAN = "FileName,Status,TotalRecords,TotalErrors\na.csv,Complete,4,0\n"


def _parts(case):
    _, name, content, _, expected = re.split(rb"^=== (.+)\n", case.read_bytes(), flags=re.MULTILINE)
    kind, _, name = name.decode().partition(" ")
    return kind, name, content, json.loads(expected)


def _told(answer):
    told = asdict(answer) | {"names": list(answer.names), "message_ids": list(answer.message_ids)}
    return told | {"refusals": [list(refusal.values()) for refusal in told["refusals"]]}


def _one(name, content):
    (answer,) = read("file", name, content)
    return answer


def test_there_are_cases():
    """An empty walk would pass everything below."""
    assert len(CASES) >= 55


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_each_case_says_what_is_expected(case):
    """Every answer is understood as its case says, no more and no less."""
    kind, name, content, expected = _parts(case)
    told = [_told(answer) for answer in read(kind, name, content)]
    assert [{key: one[key] for key in wanted} for one, wanted in zip(told, expected, strict=True)] == expected


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "windows-1252"])
def test_encodings(codec):
    """Text is read in the encodings that are in use."""
    content = "FileName,TotalErrors,Line,Sku,Reason\na.csv,1,3,Größe,MALFORMED\n".encode(codec)
    answer = _one("result_a.csv", content)
    assert (answer.stage, answer.refusals[0].sku) == (Stage.PROCESSED, "Größe")


@pytest.mark.parametrize(
    ("content", "remark"),
    [
        (b"\xff\xfea", "it begins like UTF-16 and is none"),
        (b"PK\x03\x04\0\0", "it is no text"),
        (b" " * (32 * 2**20 + 1), "it is larger than 32 MiB"),
        (b"[" * 100_000, "it begins like JSON and is none"),
        (b"[" * 600_000, "it has too many parts"),
        (b"<a>" * 100_000, "it is nested deeper than 32"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, "it is nested deeper than 32"),
        (b"\n" * 1_000_001, "it has more than 1000000 lines"),
        (b"<a>" * 1_100_000, "it has too many parts"),
        (b'{"TotalErrors": ' + b"9" * 5000 + b"}", "a count in it is no number"),
        (b'Line,Reason\n3,"' + b"x" * 200_000 + b'"\n', "the table is malformed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_beyond_all_bounds_is_unclear(content, remark):
    """Too large, too deep, too many, or no text at all: a person reads it."""
    assert _one("result_a.csv", content) == Answer(Stage.UNCLEAR, ("a.csv",), remark=remark)


def test_refusals_are_bounded_and_their_number_is_true():
    """Of very many refused rows the first are kept, and all are counted."""
    rows = "".join(f"{line},{line},Validation,MALFORMED\n" for line in range(2, 120_002))
    answer = _one("result_a.csv", f"Line,OrderId,Status,Reason\n{rows}".encode())
    assert (answer.refused, len(answer.refusals)) == (120_000, 100_000)


def test_values_are_clipped():
    """No value of an answer is kept at any length."""
    answer = _one("result_a.csv", f"Line,Status,Message\n3,Error,{'x' * 5000}\n".encode())
    assert len(answer.refusals[0].words) == 1000


def test_a_prefix_counts_in_any_case():
    """RESULT_ and Receipt_ are the same words."""
    assert _one("RESULT_a.csv", b"TotalErrors: 0\n").names == ("a.csv",)
    assert _one("Receipt_a.csv", b"").stage is Stage.TAKEN


def test_a_name_is_never_a_path():
    """Folders in a name do not count, those of Windows neither."""
    content = b'FileName,TotalErrors\n"C:\\out\\a.csv",0\n'
    assert _one("../../result_b.csv", content).names == ("a.csv", "b.csv")


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Type: multipart/mixed\n\n--\n",
        b'Content-Type: multipart/mixed; boundary="' + b"x" * 10_000 + b'"\n\n',
        b'Content-Type: text/plain; charset="nonsense"\n\nTotal errors: 0\n',
        b'Content-Type: text/plain; charset="\0"\n\nx',
        b"Content-Type: message/rfc822\n\n" * 500,
        b"Content-Type: multipart/mixed; boundary=a\n\n--a\n" * 500,
        (
            b"Content-Type: multipart/report; report-type=delivery-status; boundary=a\n\n--a\n"
            b"Content-Type: message/delivery-status\n\n\0\n--a--"
        ),
        b"Subject: =?utf-8?b?////?=\nFrom: =?x?q?y?=\n\n",
        b"References: " + b"<a@b> " * 50_000 + b"\n\n",
        b"Content-Disposition: attachment; filename*=utf-8''result_%ff.csv\n\n\xff",
        b"Content-Disposition: attachment; filename*0*=nonsense''result_; filename*1=x.csv\n\n",
        b"Content-Type: text/html\n\n" + b"<" * 300_000,
        b"Content-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=result_a.csv\n\n=A=\n",
        b"Content-Transfer-Encoding: uuencode\nContent-Disposition: attachment; filename=result_a.csv\n\nbegin\n",
        b"\n",
        b"",
    ],
    ids=range(16),
)
def test_a_broken_mail_never_raises_and_proves_nothing(head):
    """Whatever is wrong with a mail, something is said of it."""
    for answer in read("mail", "", head):
        assert answer.stage in {Stage.UNCLEAR, Stage.PROCESSED}
        assert answer.refused in {None, 0}
        assert len(answer.message_ids) <= 100


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Type: multipart/mixed" + b"; a=b" * 400_000,
        b"Content-Disposition: attachment; filename*0*=a" + b"; filename*1=a" * 100_000,
        b'Content-Type: text/plain; x="' + b'\\";' * 400_000,
        b"Subject: " + b"=?utf-8?q?a?= " * 100_000,
        b"From: a\r\n" + b" b\r\n" * 300_000,
    ],
    ids=range(5),
)
def test_a_mail_made_to_be_slow_is_not(head):
    """Anybody can send one: the library alone would take minutes for some of these."""
    begun = time.process_time()
    assert read("mail", "", head + b"\r\n\r\nx")[0].stage is Stage.UNCLEAR
    assert time.process_time() - begun < 10


@QUICK
@given(st.sampled_from(["file", "mail"]), st.text(max_size=30), st.binary(max_size=300))
def test_reading_never_raises(kind, name, content):
    """Any bytes under any name: there is an answer, and it says how it was understood."""
    for prefix in ("", "result_", "receipt_"):
        found = read(kind, prefix + name, content)
        assert found
        assert all(answer.remark for answer in found)


@QUICK
@given(st.sampled_from(CASES), st.integers(0), st.binary(max_size=4), st.integers(0, 40))
def test_a_mutated_answer_never_raises(case, place, instead, removed):
    """Answers with a few bytes changed, missing or added are read like any other."""
    kind, name, content, _ = _parts(case)
    place %= len(content) + 1
    mutated = content[:place] + instead + content[place + removed :]
    for answer in read(kind, name, mutated):
        assert answer.remark
        if answer.stage is Stage.PROCESSED:
            assert answer.refused is not None
            assert len(answer.refusals) == 0 or answer.refused > 0


@QUICK
@given(st.integers(0, len(CLEAN) - 1))
def test_a_cut_off_answer_is_never_taken_for_a_clean_one(length):
    """Of a result that says that all is well, no beginning says so but the whole and its last line end."""
    answer = _one("result_a.csv", CLEAN[:length].encode())
    assert answer.stage is Stage.UNCLEAR or length >= len(CLEAN) - 1


def test_the_words_of_a_bounce_cannot_steer_a_terminal():
    """Anybody may send a mail that looks like one; its words come to the ledger, and from there to people."""
    status = b"Action: failed\nDiagnostic-Code: smtp; no\x1b]0;x\x07 such\x1b[2J user\n"
    head = b"Content-Type: multipart/report; boundary=b\nMIME-Version: 1.0\n\n"
    content = (
        head
        + b"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n"
        + status
        + b"\n--b--\n"
    )
    (answer,) = read("mail", "", content)
    assert answer.remark == "the mail came back: smtp; no ]0;x such [2J user"
