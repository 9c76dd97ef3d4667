"""The stand-in's office: for each batch file that was taken it writes a receipt, and later a result.

What impact.com's receipts and results look like inside is not known (domain page, section 9, item 5); only the
beginnings of their names are. What is written here is a plausible form and nothing more: the fields of the
submission and error objects in impact.com's OpenAPI description, as CSV or as JSON. Nothing that works with it is
proved to work with the true ones.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, localtime, make_msgid
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from agent.sandbox.imap import SandboxImap
    from agent.sandbox.storage import Accepted

__all__ = ["Error", "Form", "Office", "Side", "into_folder", "into_mailbox", "receipt", "result"]

Form = Literal["csv", "json"]
Put: TypeAlias = "Callable[[str, bytes], object]"  # hands out an answer by its file name
_ORDER = ("oid", "orderid")
_ERROR = ("Line", "OrderId", "Sku", "Status", "Reason")
_FILE = ("FileName", "Status", "TotalRecords", "TotalErrors")
_COLUMNS = ("FileName", "TotalRecords", "TotalErrors", *_ERROR)


@dataclass(frozen=True, slots=True)
class Error:
    """One row that is not taken, with the fields of the error object."""

    Line: int  # in the file, the header is line 1
    OrderId: str
    Sku: str
    Status: str
    Reason: str  # a code such as ACTION_REF_NOT_FOUND


class Side(Protocol):
    """A server of the stand-in that takes files."""

    @property
    def accepted(self) -> Sequence[Accepted]:
        """Every file taken so far, in order."""

    def content(self, taken: Accepted) -> bytes:
        """Return what was taken."""


class Office:
    """Answers what one server takes.

    Args:
        side: the server.
        put: hands out an answer.
        refused: the orders whose rows are refused, each with its code.
        form: of the answers.
    """

    def __init__(
        self, side: Side, put: Put, *, refused: Mapping[str, str] | None = None, form: Form = "csv"
    ) -> None:
        self._side, self._put, self._form = side, put, form
        self._refused = dict(refused or {})
        self._taken = 0  # how many have their receipt
        self._done = 0  # how many have their result

    def receipts(self) -> list[str]:
        """Hand out a receipt for each file that has none; return their names."""
        waiting = self._side.accepted[self._taken :]
        self._taken += len(waiting)
        return [self._hand_out("receipt", one.name, receipt(one.name, self._form)) for one in waiting]

    def results(self) -> list[str]:
        """Hand out a result for each file that has a receipt and no result; return their names."""
        waiting = self._side.accepted[self._done : self._taken]
        self._done += len(waiting)
        return [self._hand_out("result", one.name, self._result(one)) for one in waiting]

    def _result(self, taken: Accepted) -> bytes:
        rows = _rows(self._side.content(taken))
        return result(taken.name, len(rows), self._errors(rows), self._form)

    def _errors(self, rows: Sequence[tuple[int, dict[str, str]]]) -> list[Error]:
        named = [(line, next((row[name] for name in _ORDER if name in row), ""), row) for line, row in rows]
        return [
            Error(line, order, row.get("sku", ""), "Validation", self._refused[order])
            for line, order, row in named
            if order in self._refused
        ]

    def _hand_out(self, kind: str, about: str, content: bytes) -> str:
        name = f"{kind}_{about}" if self._form == "csv" else f"{kind}_{about}.json"
        self._put(name, content)
        return name


def receipt(name: str, form: Form = "csv") -> bytes:
    """Write a receipt: the file has come and waits."""
    fields = {"FileName": name, "Type": "Modification", "Status": "Queued"}
    return _json(fields) if form == "json" else _csv(tuple(fields), [fields])


def result(name: str, records: int, errors: Sequence[Error] = (), form: Form = "csv") -> bytes:
    """Write a result: the file is done, so many records, and which of them were refused.

    As CSV each line is one error with the file's counts before it; without any there is one line of the file's own.
    """
    counts = {"FileName": name, "TotalRecords": str(records), "TotalErrors": str(len(errors))}
    told = [asdict(error) for error in errors]
    if form == "json":
        numbers = {"TotalRecords": records, "TotalErrors": len(errors)}
        return _json({"FileName": name, "Status": "Complete", **numbers, "ErrorDetail": told})
    if not told:
        return _csv(_FILE, [{**counts, "Status": "Complete"}])
    return _csv(_COLUMNS, [{**counts, **{key: str(value) for key, value in one.items()}} for one in told])


def into_folder(folder: Path) -> Put:
    """Return what puts answers into a folder, where each is whole as soon as it has its name."""

    def put(name: str, content: bytes) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = folder / f".{name}.unfinished"
        unfinished.write_bytes(content)
        unfinished.replace(folder / name)

    return put


def into_mailbox(mailbox: SandboxImap, *, sender: str = "no-reply@impact.invalid") -> Put:
    """Return what puts answers into a mailbox, each as the one attachment of a mail."""

    def put(name: str, content: bytes) -> None:
        mail = EmailMessage(policy=SMTP)
        mail["From"], mail["To"] = sender, mailbox.username
        mail["Subject"] = f"Batch file {name.partition('_')[0]}"
        mail["Date"], mail["Message-ID"] = format_datetime(localtime()), make_msgid(domain="impact.invalid")
        mail.set_content("The file is attached.\n")
        subtype = "json" if name.endswith(".json") else "octet-stream"
        mail.add_attachment(content, maintype="application", subtype=subtype, filename=name)
        mailbox.put(mail.as_bytes())

    return put


def _rows(content: bytes) -> list[tuple[int, dict[str, str]]]:
    """Read a batch file: each row with the line it ends on, and its columns in lower case."""
    reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), restval="")
    return [(reader.line_num, {str(name).lower(): str(cell) for name, cell in row.items()}) for row in reader]


def _json(fields: Mapping[str, object]) -> bytes:
    return (json.dumps(fields, indent=2) + "\n").encode()


def _csv(columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> bytes:
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, columns)
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue().encode()
