"""What the demo is played with: settings, templates, dropped files; and, by hand, what must come of them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ABOUT", "AGENT", "CONFIG", "DROPPED", "ENDS", "EXPECTED", "REFUSED", "End", "Refused"]

AGENT = """\
version: 1
drop: ../drop
state: ../state
scan: 1s
destinations:
  impact-sftp:
    type: sftp
    host: 127.0.0.1
    port: {sftp.port}
    username: {sftp.username}
    password: {{file: secrets/sftp}}
    host_keys: ["{sftp.host_key_line}"]
  impact-mail:
    type: smtp
    host: 127.0.0.1
    port: {smtp.port}
    username: {smtp.username}
    password: {{file: secrets/smtp}}
    ca_file: {ca_file}
    sender: {smtp.username}
    recipient: {smtp.recipient}
acknowledgements:
  - type: resultfiles
    for: [impact-sftp]
    through: impact-sftp
    directory: /results
    settle: 0s
    poll: 500ms
  - type: mailbox
    for: [impact-mail]
    host: 127.0.0.1
    port: {imap.port}
    username: {imap.username}
    password: {{file: secrets/imap}}
    ca_file: {ca_file}
    poll: 500ms
"""
CONFIG = {
    "feeds/refunds.yaml": """\
name: refunds
pattern: "*.csv"
level: item
template: refunds.csv.j2
variables: {action_tracker_id: "16027"}
destination: impact-sftp
delimiter: semicolon
numbers: {decimal: ","}
reasons: {changed mind: ITEM_RETURNED, never arrived: OTHER}
bad_rows: {policy: split, at_most: 50%}
settle: 0s
""",
    "feeds/corrections.yaml": """\
name: corrections
pattern: "*.csv"
level: order
template: corrections.csv.j2
variables: {action_tracker_id: "16027"}
destination: impact-mail
settle: 0s
""",
    "templates/refunds.csv.j2": """\
{#- The shop's list of refunds: what is left of each item -#}
Oid,ActionTrackerID,SKU,Amount,Quantity,Reason
{% for row in rows if row.Status == "refunded" %}
{{ row["Order no"] | order_id }},{{ feed.action_tracker_id }},{{ row.Article }},\
{{ row["New total"] | amount }},{{ row["New quantity"] | quantity }},{{ row.Why | reason }}
{% endfor %}
""",
    "templates/corrections.csv.j2": """\
{#- The shop's list of prices that were wrong: the right total of each order -#}
Oid,ActionTrackerID,Amount,Reason
{% for row in rows %}
{{ row.order | order_id }},{{ feed.action_tracker_id }},{{ row["right total"] | amount }},ORDER_UPDATE
{% endfor %}
""",
}
_HEADER = "Order no;Article;Status;New total;New quantity;Why\n"
DROPPED = {  # by feed and name
    ("refunds", "monday.csv"): _HEADER
    + "A-1001;RED-1;refunded;0;0;changed mind\n"
    + "A-1001;RED-2;refunded;19,90;1;changed mind\n"
    + "A-1002;BLUE-7;paid;;;\n"
    + "A-1003;RED-1;refunded;0;0;never arrived\n",
    ("refunds", "tuesday.csv"): _HEADER
    + "A-2001;RED-1;refunded;0;0;changed mind\n"
    + "A-2002;RED-2;refunded;12,5O;1;changed mind\n"
    + "A-2002;RED-3;refunded;0;0;changed mind\n"
    + "A-2003;BLUE-7;refunded;5,00;1;never arrived\n",
    ("refunds", "wednesday.csv"): _HEADER
    + 'A-3001;"RED-1;refunded;0;0;changed mind\n'
    + "A-3002;RED-2;refunded;0;0;changed mind\n",
    ("corrections", "prices.csv"): "order,right total\nB-7001,49.90\nB-7002,120.00\n",
}
ABOUT = {
    "monday.csv": "three refunded items of two orders; a third order was paid and stays",
    "tuesday.csv": "has a typing error in an amount: 12,5O, with the letter O",
    "wednesday.csv": "opens a quotation mark and never closes it: where the cell ends, nobody can tell",
    "prices.csv": "two orders whose totals were wrong",
}
REFUSED = {"A-1001": "ACTION_REF_NOT_FOUND"}  # the orders whose rows the other side refuses, and why
_ITEMS = b"Oid,ActionTrackerID,SKU,Amount,Quantity,Reason\r\n"
_ORDERS = b"Oid,ActionTrackerID,Amount,Reason\r\n"
EXPECTED = {  # what each side must have, byte for byte
    "sftp": (
        _ITEMS
        + b"A-1001,16027,RED-1,0,0,ITEM_RETURNED\r\n"
        + b"A-1001,16027,RED-2,19.90,1,ITEM_RETURNED\r\n"
        + b"A-1003,16027,RED-1,0,0,OTHER\r\n",
        _ITEMS + b"A-2001,16027,RED-1,0,0,ITEM_RETURNED\r\n" + b"A-2003,16027,BLUE-7,5.00,1,OTHER\r\n",
    ),
    "mail": (_ORDERS + b"B-7001,16027,49.90,ORDER_UPDATE\r\n" + b"B-7002,16027,120.00,ORDER_UPDATE\r\n",),
}


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that the other side did not take."""

    order: str
    sku: str
    code: str


@dataclass(frozen=True, slots=True)
class End:
    """How a file must end: every record, every row, every answer."""

    submission: str  # its state
    batches: tuple[str, ...] = ()  # their states
    sent: int = 0  # rows
    kept_back: int = 0  # records
    passed_over: int = 0  # records
    refused: tuple[Refused, ...] = ()  # rows, by impact.com
    answers: tuple[str, ...] = ()  # their stages, in order


ENDS = {
    "monday.csv": End(
        "CLOSED",
        ("PROCESSED",),
        sent=3,
        passed_over=1,
        refused=(
            Refused("A-1001", "RED-1", "ACTION_REF_NOT_FOUND"),
            Refused("A-1001", "RED-2", "ACTION_REF_NOT_FOUND"),
        ),
        answers=("taken", "processed"),
    ),
    "tuesday.csv": End("CLOSED", ("PROCESSED",), sent=2, kept_back=2, answers=("taken", "processed")),
    "wednesday.csv": End("REJECTED"),
    "prices.csv": End("CLOSED", ("PROCESSED",), sent=2, answers=("taken", "processed")),
}
