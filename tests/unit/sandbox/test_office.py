"""The stand-in's office answers each file once with a receipt and once with a result, in a plausible form."""

from __future__ import annotations

import json
from email import message_from_bytes, policy

import pytest

from agent.acks.base import Stage
from agent.acks.reading import read
from agent.sandbox import Office, into_folder, into_mailbox
from agent.sandbox.answers import Error, receipt, result
from agent.sandbox.storage import Accepted

BATCH = b"Oid,SKU,Amount\r\nA-1,RED,0\r\nA-1,BLUE,1\r\nA-2,RED,2\r\n"


class Side:
    """Takes what a test puts in."""

    def __init__(self):
        self.accepted, self._contents = [], {}

    def take(self, name, content=BATCH):
        """Take a file."""
        self.accepted.append(Accepted(name, "", len(content), 0.0))
        self._contents[name] = content

    def content(self, taken):
        """Return one."""
        return self._contents[taken.name]


def test_receipts_come_first_and_each_once(tmp_path):
    """A file without receipt gets no result; nothing is answered twice; what comes later is answered later."""
    side = Side()
    office = Office(side, into_folder(tmp_path / "results"))
    side.take("a.csv")
    assert office.results() == []
    assert office.receipts() == ["receipt_a.csv"]
    side.take("b.csv")
    assert office.results() == ["result_a.csv"]
    assert (office.receipts(), office.results()) == (["receipt_b.csv"], ["result_b.csv"])
    assert (office.receipts(), office.results()) == ([], [])
    names = sorted(path.name for path in (tmp_path / "results").iterdir())
    assert names == ["receipt_a.csv", "receipt_b.csv", "result_a.csv", "result_b.csv"]


def test_a_result_as_csv(tmp_path):
    """Each refused row with its line in the file, where the header is the first, and the file's counts."""
    side = Side()
    side.take("a.csv")
    office = Office(side, into_folder(tmp_path), refused={"A-1": "ACTION_REF_NOT_FOUND"})
    office.receipts()
    office.results()
    assert (tmp_path / "receipt_a.csv").read_bytes() == (
        b"FileName,Type,Status\r\na.csv,Modification,Queued\r\n"
    )
    assert (tmp_path / "result_a.csv").read_bytes() == (
        b"FileName,TotalRecords,TotalErrors,Line,OrderId,Sku,Status,Reason\r\n"
        b"a.csv,3,2,2,A-1,RED,Validation,ACTION_REF_NOT_FOUND\r\n"
        b"a.csv,3,2,3,A-1,BLUE,Validation,ACTION_REF_NOT_FOUND\r\n"
    )
    assert result("b.csv", 3) == b"FileName,Status,TotalRecords,TotalErrors\r\nb.csv,Complete,3,0\r\n"


def test_answers_as_json_in_a_mailbox(mailbox):
    """Each is the one attachment of a mail to whoever the mailbox belongs to."""
    side = Side()
    side.take("a.csv", BATCH.replace(b"Oid", b"OrderId").replace(b",SKU", b",Category"))
    office = Office(side, into_mailbox(mailbox), refused={"A-2": "MALFORMED"}, form="json")
    assert (office.receipts(), office.results()) == (["receipt_a.csv.json"], ["result_a.csv.json"])
    mails = [message_from_bytes(one.content, policy=policy.SMTP) for one in mailbox.mailboxes["INBOX"]]
    assert [mail["To"] for mail in mails] == [mailbox.username] * 2
    attached = [part for mail in mails for part in mail.iter_attachments()]
    assert [part.get_filename() for part in attached] == ["receipt_a.csv.json", "result_a.csv.json"]
    taken, done = (json.loads(part.get_payload(decode=True)) for part in attached)
    assert taken == {"FileName": "a.csv", "Type": "Modification", "Status": "Queued"}
    error = {"Line": 4, "OrderId": "A-2", "Sku": "", "Status": "Validation", "Reason": "MALFORMED"}
    assert done == {
        "FileName": "a.csv",
        "Status": "Complete",
        "TotalRecords": 3,
        "TotalErrors": 1,
        "ErrorDetail": [error],
    }


def test_both_servers_are_sides(stand_in, mail_server, channel_to, make_parcel, tmp_path):
    """What the SFTP server took, swept away or not, can be answered."""
    for sweep in ("never", "rename"):
        server, parcel = stand_in(sweep=sweep), make_parcel(BATCH, name="b.csv")
        channel_to(server).send(parcel, lambda: None)
        assert [server.content(one) for one in server.accepted] == [BATCH]
        office = Office(server, into_folder(tmp_path / sweep))
        assert (office.receipts(), office.results()) == (["receipt_b.csv"], ["result_b.csv"])
    assert Office(mail_server(), into_folder(tmp_path)).receipts() == []


@pytest.mark.parametrize("form", ["csv", "json"])
def test_the_agent_reads_them(form):
    """What is written here is understood there: taken, processed, which rows were refused and why."""
    (taken,) = read("file", "receipt_a.csv", receipt("a.csv", form))
    assert (taken.stage, taken.names) == (Stage.TAKEN, ("a.csv",))
    (clean,) = read("file", "result_a.csv", result("a.csv", 3, (), form))
    assert (clean.stage, clean.names, clean.records, clean.refused) == (Stage.PROCESSED, ("a.csv",), 3, 0)
    errors = [Error(2, "A-1", "RED", "Validation", "OID_MISSING"), Error(4, "A-2", "", "Validation", "ODD")]
    (done,) = read("file", "result_a.csv", result("a.csv", 3, errors, form))
    assert (done.stage, done.names, done.records, done.refused) == (Stage.PROCESSED, ("a.csv",), 3, 2)
    assert [(one.line, one.order, one.sku, one.code, one.status) for one in done.refusals] == [
        (2, "A-1", "RED", "OID_MISSING", "Validation"),
        (4, "A-2", "", "ODD", "Validation"),
    ]
