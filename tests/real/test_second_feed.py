"""Somebody else's feed: other headers, semicolons, decimal commas, Windows-1252. By settings alone."""

from __future__ import annotations

import csv
import io

import pytest

from agent.readers.base import MEND_COLUMN, REASON_COLUMN
from tests.oracle import assert_recorded, assert_told_once, at_rest
from tests.running import arrived, put, told_in

FEED = """\
pattern: "Gutschriften*.csv"
level: item
template: gutschriften.csv.j2
variables: {kampagne: "16027"}
destination: there
encoding: cp1252
delimiter: semicolon
numbers: {decimal: ",", thousands: ".", currency_signs: ["€"]}
reasons: {Größe paßt nicht: ITEM_RETURNED, Preisnachlaß: ORDER_UPDATE, Übrige Gründe: OTHER}
bad_rows: {policy: split, at_most: 50%}
settle: 0s
"""
TEMPLATE = """\
{#- Die Gutschriften der Buchhaltung -#}
ActionTrackerID,Oid,SKU,Amount,Quantity,Reason
{% for row in rows if row["Bestätigt"] == "ja" %}
{{ feed.kampagne }},{{ row.Bestellnummer }},{{ row["Artikel-Nr."] }},{{ row["Neuer Betrag"] | amount }},\
{{ row["Neue Menge"] | quantity }},{{ row["Rückgabegrund"] | reason }}
{% endfor %}
"""
HEADER = "Bestellnummer;Artikel-Nr.;Bezeichnung;Neuer Betrag;Neue Menge;Rückgabegrund;Bestätigt"
GOOD = [
    'B-1001;JACKE-ÄÖ;"Jacke; größe M";1.234,50 €;1;Preisnachlaß;ja',
    "B-1001;HÜTE-7;Hüte;0,00 €;0;Größe paßt nicht;ja",
    "B-1002;SCHUH;Schuh „Elb“ \u2013 neu;19,9;1;Preisnachlaß;ja",
    "B-1003;SCHUH;Schuh;€ 7;2;Preisnachlaß;ja",
    "B-1004;HOSE;Hose;0;0;Größe paßt nicht;nein",
    "B-1005;ÆRMEL;Ærmel;0;0;Übrige Gründe;ja",
]
WRONG = {
    "B-2001;HEMD;Hemd;zwölf €;1;Preisnachlaß;ja": ("zwölf €", "12,00 €"),
    "B-2001;BINDER;Binder;3,00 €;1;Preisnachlaß;ja": ("", ""),  # sound, but its order is not
    "B-2002;MÜTZE;Mütze;0;0;weiß nicht;ja": ("weiß nicht", "Größe paßt nicht"),
}
SENT = [
    "16027,B-1001,JACKE-ÄÖ,1234.50,1,ORDER_UPDATE",
    "16027,B-1001,HÜTE-7,0,0,ITEM_RETURNED",
    "16027,B-1002,SCHUH,19.90,1,ORDER_UPDATE",
    "16027,B-1003,SCHUH,7.00,2,ORDER_UPDATE",
    "16027,B-1005,ÆRMEL,0,0,OTHER",
]
SENT_LATER = [
    "16027,B-2001,HEMD,12.00,1,ORDER_UPDATE",
    "16027,B-2001,BINDER,3.00,1,ORDER_UPDATE",
    "16027,B-2002,MÜTZE,0,0,ITEM_RETURNED",
]


def dropped() -> bytes:
    """Return the file as the sender's spreadsheet writes it, the wrong rows among the good ones."""
    wrong = list(WRONG)
    lines = [HEADER, *GOOD[:2], wrong[0], *GOOD[2:4], wrong[1], wrong[2], *GOOD[4:]]
    return "".join(f"{line}\r\n" for line in lines).encode("cp1252")


def batch(rows: list[str]) -> bytes:
    """Return a batch with these rows."""
    return "".join(
        f"{line}\r\n" for line in ["Oid,ActionTrackerID,SKU,Amount,Quantity,Reason", *map(swapped, rows)]
    ).encode()


def swapped(row: str) -> str:
    """Put the order's number first, as batches have it; the template begins with the tracker."""
    tracker, order, rest = row.split(",", 2)
    return f"{order},{tracker},{rest}"


@pytest.fixture
def feed(install, start_sshd):
    """Write the feed, check it, start the agent; returns the installation, the drop folder and the inbox."""
    server = start_sshd()
    installation = install(server)
    drop = installation.feed("gutschriften", FEED, TEMPLATE)
    checked = installation.ask("check")
    assert (checked.returncode, checked.stderr) == (0, "")
    with installation.run() as agent:
        yield installation, drop, server.inbox
        assert agent.stop() == 0


def wait(installation, states: list[str]) -> None:
    """Wait until so many files came to rest in these states."""

    def there() -> bool:
        with installation.ledger() as ledger:
            found = ledger.submissions()
        return sorted(one.state for one in found) == sorted(states) and at_rest(installation)

    running = installation.latest
    running.wait_until(there, f"files to be {states}")


def test_good_rows_go_wrong_rows_come_back_and_go_when_mended(feed):
    """The bytes are exact; the rejects file has the sender's form, and mended it brings exactly its rows."""
    installation, drop, inbox = feed
    put(drop, "Gutschriften Juli.csv", dropped())
    wait(installation, ["CLOSED"])
    assert list(arrived(inbox).values()) == [batch(SENT)]
    first = set(arrived(inbox))
    rejects = told_in(drop, "attention")["Gutschriften Juli.csv"]["Gutschriften Juli.rejects.csv"]
    assert_is_of_the_senders_form(rejects)
    mended = rejects.decode("cp1252")
    for wrong, right in WRONG.values():
        mended = mended.replace(f";{wrong};", f";{right};") if wrong else mended
    put(drop, "Gutschriften Juli.rejects.csv", mended.encode("cp1252"))
    wait(installation, ["CLOSED", "CLOSED"])
    later = [content for name, content in arrived(inbox).items() if name not in first]
    assert later == [batch(SENT_LATER)]
    files = {"Gutschriften Juli.csv": dropped(), "Gutschriften Juli.rejects.csv": mended.encode("cp1252")}
    assert_told_once(drop, files)
    assert set(told_in(drop, "done")) == {"Gutschriften Juli.rejects.csv"}
    assert_recorded(installation, list(files))


def assert_is_of_the_senders_form(rejects: bytes) -> None:
    """Encoding, delimiter, line ends and the rows kept back are the sender's; two columns are added."""
    text = rejects.decode("cp1252")
    assert text.endswith("\r\n")
    assert text.count("\n") == text.count("\r\n")
    header, *lines = csv.reader(io.StringIO(text, newline=""), delimiter=";")
    assert header == [*HEADER.split(";"), REASON_COLUMN, MEND_COLUMN]
    assert [line[:-2] for line in lines] == [line.split(";") for line in WRONG]
    assert [line[-2] for line in lines if not line[-2]] == []


def test_the_same_wrong_rows_dropped_back_are_not_sent(feed):
    """A rejects file that nobody mended comes back again, with the same rows and one pair of columns."""
    installation, drop, inbox = feed
    put(drop, "Gutschriften Juli.csv", dropped())
    wait(installation, ["CLOSED"])
    rejects = told_in(drop, "attention")["Gutschriften Juli.csv"]["Gutschriften Juli.rejects.csv"]
    put(drop, "Gutschriften noch einmal.csv", rejects)
    wait(installation, ["CLOSED", "REJECTED"])
    again = told_in(drop, "attention")["Gutschriften noch einmal.csv"]["Gutschriften noch einmal.rejects.csv"]
    assert_is_of_the_senders_form(again)
    assert list(arrived(inbox).values()) == [batch(SENT)]
