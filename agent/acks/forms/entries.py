"""What every form is turned into: entries with the few fields that mean something, under one spelling each.

Field names are those of the FTP submission and error objects (impact.com's OpenAPI description v14), with
the other spellings its pages use for the same thing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "LARGEST",
    "Entry",
    "UnreadableError",
    "base_name",
    "entry_of",
    "file_names",
    "folded",
    "known",
    "text_of",
]

LARGEST = 32 * 2**20  # bytes of an answer that is read
_LONGEST = 1000  # characters of one value that are kept
_MOST_NAMES = 100
_SPELLINGS = {
    "filename": "file",
    "file": "file",
    "status": "status",
    "totalrecords": "records",
    "records": "records",
    "totalerrors": "refused",
    "errors": "refused",
    "failure": "failure",  # of the mail that the old FTP server sends
    "line": "line",
    "linenumber": "line",
    "orderid": "order",
    "oid": "order",
    "sku": "sku",
    "reason": "reason",
    "errorreason": "code",
    "errorcode": "code",
    "errortype": "status",
    "errormessage": "words",
    "message": "words",
    "error": "words",
    "amount": "amount",  # only batches have these two: they tell an echo of our own rows
    "quantity": "quantity",
}
_FILE = re.compile(
    r"[\w(][\w.()+@=,-]{0,250}\.(?:csv|tsv|txt|xml|json|zip|gz|pgp)(?![\w])", re.ASCII | re.IGNORECASE
)
_BETWEEN = re.compile(r"[\s_.-]+")


class UnreadableError(Exception):
    """An answer cannot be made out; the words say why and quote nothing of it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One object, or one line of a table: its known fields, and every status it has."""

    fields: Mapping[str, str]
    statuses: tuple[str, ...] = ()
    file: str = ""  # the file it speaks of, its own or that of the object around it
    inner: bool = field(default=False)  # it only holds other objects


def folded(name: str) -> str:
    """Return a field's name without case, spaces, underscores and hyphens."""
    return _BETWEEN.sub("", name).casefold()


def known(name: str) -> str:
    """Return the one spelling of a field that means something; "" for others."""
    return _SPELLINGS.get(folded(name[:_LONGEST]), "")


def entry_of(pairs: Iterable[tuple[str, str]], around: str = "", *, inner: bool = False) -> Entry:
    """Make an entry of names and values; `around` is the file of the object around it.

    Raises:
        UnreadableError: a field stands there twice with different values.
    """
    fields: dict[str, str] = {}
    statuses: list[str] = []
    for name, value in pairs:
        meaning, text = known(name), value.strip()[:_LONGEST]
        if meaning == "status":
            statuses += [text] if text else []
        elif meaning and fields.setdefault(meaning, text) != text:
            raise UnreadableError(f"the field {meaning!r} stands there twice, with different values")
    own = base_name(fields.get("file", ""))
    return Entry(fields, tuple(statuses), own or around, inner)


def base_name(path: str) -> str:
    """Return a file's name without its folders."""
    return path.replace("\\", "/").rpartition("/")[2].strip()


def file_names(text: str) -> tuple[str, ...]:
    """Return what looks like the names of files in a text, each once, the first of too many."""
    found: dict[str, None] = {}
    for match in _FILE.finditer(text):
        found[match[0]] = None
        if len(found) >= _MOST_NAMES:
            break
    return tuple(found)


def text_of(content: bytes) -> str:
    """Decode an answer: UTF-8, UTF-16 with its mark, else Windows-1252; line ends become line feeds.

    Raises:
        UnreadableError: it is too large, or no text.
    """
    if len(content) > LARGEST:
        raise UnreadableError(f"it is larger than {LARGEST // 2**20} MiB")
    text = _decoded(content)
    if "\0" in text:
        raise UnreadableError("it is no text")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return content.decode("utf-16")
        except UnicodeDecodeError:
            raise UnreadableError("it begins like UTF-16 and is none") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("windows-1252", "replace")
