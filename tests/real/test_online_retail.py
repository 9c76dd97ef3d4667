"""The online-retail sample, whole: a year of a shop's ledger; cancellations are sent as item reversals."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.ftp_servers import ProFtpd, Vsftpd
from tests.oracle import assert_recorded, assert_sent_has_come, assert_told_once, at_rest
from tests.running import PullFolder, arrived, put
from tests.samples import look_alike, sample

FEED = """\
level: item
template: online-retail-returns.csv.j2
variables: {action_tracker_id: "16027"}
destination: there
settle: 0s
"""
KNOWN = {"records": 541_909, "cancelled": 9_288, "distinct": 9_139}  # of the published data set


class Expected:
    """What has to become of a ledger, worked out line by line with nothing but the csv module."""

    def __init__(self, ledger: bytes) -> None:
        self.records = self.cancelled = 0
        self.repeated: list[int] = []  # numbers of the records that say what an earlier one said
        rows: dict[tuple[str, str], None] = {}
        for number, line in enumerate(csv.DictReader(io.StringIO(ledger.decode(), newline="")), start=1):
            self.records = number
            if not line["InvoiceNo"].startswith("C"):
                continue
            self.cancelled += 1
            row = line["InvoiceNo"][1:], line["StockCode"]
            if row in rows:
                self.repeated.append(number)
            rows[row] = None
        self.rows = grouped(list(rows))

    def batch(self) -> bytes:
        """Return the bytes that the receiver must have."""
        lines = ["Oid,ActionTrackerID,SKU,Amount,Quantity,Reason"]
        lines += [f"{order},16027,{article},0,0,ITEM_RETURNED" for order, article in self.rows]
        return "".join(f"{line}\r\n" for line in lines).encode()


def grouped(rows: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Bring the rows of an order together, where its first one stands."""
    orders: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        orders.setdefault(row[0], []).append(row)
    return [row for order in orders.values() for row in order]


@pytest.fixture(scope="module")
def ledger() -> bytes:
    """Return the sample, or what looks like it; where the sample is, it is the one everybody knows."""
    found = sample()
    if found is not None:
        expected = Expected(found)
        known = {"records": expected.records, "cancelled": expected.cancelled, "distinct": len(expected.rows)}
        assert known == KNOWN
    return found or look_alike()


def test_the_look_alike_has_all_that_the_sample_has():
    """Where the sample is not to be had the test still meets cancellations, repetitions and quotes."""
    made = look_alike()
    expected = Expected(made)
    assert expected.records > 40_000
    assert 0 < len(expected.repeated) < expected.cancelled < expected.records
    assert b'"JIGSAW, ""TREE"""' in made


@pytest.fixture(params=["sftp", "ftp to vsftpd", "ftp to proftpd", "folder"])
def server(request, start_sshd, start_ftp, tmp_path):
    """Each far side that keeps what it gets in a folder."""
    return {
        "sftp": start_sshd,
        "ftp to vsftpd": lambda: start_ftp(Vsftpd),
        "ftp to proftpd": lambda: start_ftp(ProFtpd),
        "folder": lambda: PullFolder(tmp_path / "pull"),
    }[request.param]()


def test_cancelled_invoices_arrive_byte_for_byte(ledger, install, server):
    """The far side has exactly the expected bytes; every record is sent, repeated or passed over, and counted."""
    expected = Expected(ledger)
    installation = install(server)
    drop = installation.feed("retail", FEED)
    put(drop, "retail.csv", ledger)
    ended = installation.ask("once")
    assert ended.returncode == 0, ended.stderr
    assert at_rest(installation)
    assert list(arrived(server.inbox).values()) == [expected.batch()]
    assert_sent_has_come(installation, arrived(server.inbox))
    assert_recorded(installation, ["retail.csv"])
    assert_told_once(drop, {"retail.csv": ledger})
    assert_every_record_is_named(installation, expected)


def assert_every_record_is_named(installation, expected: Expected) -> None:
    """The counts balance; each record that was cancelled and yet not sent has a finding of its own."""
    (story,) = installation.told("status")["submissions"]
    counts = story["submission"]["counts"]
    sent, repeated = len(expected.rows), len(expected.repeated)
    assert {
        name: counts[name] for name in ("records", "rows", "sent", "repeated", "kept_back", "skipped")
    } == {
        "records": expected.records,
        "rows": sent,
        "sent": sent,
        "repeated": repeated,
        "kept_back": 0,
        "skipped": expected.records - sent - repeated,
    }
    assert expected.cancelled == sent + repeated
    (folder,) = (installation.state / "archive").glob("*/*/*/*")
    findings = [json.loads(line) for line in (folder / "findings").read_text().splitlines()]
    assert [(found["code"], found["record"]) for found in findings] == [
        ("N-ROWDUP", number) for number in expected.repeated
    ]


def test_cancelled_invoices_arrive_by_mail(ledger, install, sshd, postfix, authority):
    """A real mailbox behind Postfix has one mail with exactly the expected bytes, and the batch is SENT."""
    expected = Expected(ledger)
    installation = install(sshd)
    installation.settings["destinations"]["there"] = {
        "type": "smtp",
        "host": "127.0.0.1",
        "port": postfix.port,
        "ca_file": str(authority.ca_file),
        "sender": "agent@example.net",
        "recipient": postfix.recipient,
        "body": "Batch {{ batch }}: {{ size }} bytes, made in {{ made.year }}.",
    }
    installation.save()
    drop = installation.feed("retail", FEED)
    put(drop, "retail.csv", ledger)
    ended = installation.ask("once")
    assert ended.returncode == 0, ended.stderr
    assert at_rest(installation)
    (mail,) = postfix.mails()
    (part,) = mail.iter_attachments()
    assert part.get_content() == expected.batch()
    with installation.ledger() as told:
        (submission,) = told.submissions()
        (batch,) = told.batches_of(submission.id)
        (attempt,) = told.attempts(batch.id)
    assert (batch.state, attempt.outcome) == ("SENT", "sent")
    assert (part.get_filename(), mail["Message-ID"]) == (batch.name, f"<{batch.id}@example.net>")
    assert "250 2.0.0 Ok: queued as" in attempt.evidence
