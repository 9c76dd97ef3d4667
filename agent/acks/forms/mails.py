"""A mail taken apart: what it answers, who speaks, its text, the files it brings, and whether it is a bounce. Pure.

Anybody can send anything: headers are looked at as raw text and in bounds, since the library's own reading of
them is slow on some and raises on others. Nothing here judges who the sender is.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from email.errors import MessageError
from email.message import Message
from email.parser import BytesParser
from email.policy import Compat32
from itertools import islice
from typing import TYPE_CHECKING

from agent.acks.forms.entries import LARGEST, UnreadableError, base_name, text_of
from agent.mail.addresses import OWN_HEADER, is_of_notice

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Mail", "Report", "opened", "sender", "subject"]

_BREAKS = (  # what the library raises on mails that are none
    MessageError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    RecursionError,
)
_ID = re.compile(r"<[^<>\s@]{1,200}@[^<>\s@]{1,200}>")
_ADDRESS = re.compile(r"[^\s<>,;:\"@]{1,64}@[^\s<>,;:\"@]{1,255}")
_HEADER = 64 * 2**10  # characters of a header that are looked at
_PARAMETERS = 4 * 2**10  # characters of one that has parameters
_BODY = 256 * 2**10  # characters of a text that are looked at
_MOST_LINES = 1_000_000
_MOST_PARTS = 200
_MOST_IDS = 100
_BLOCK_END = re.compile(r"<(?:br|/p|/tr|/div|/li|/h[1-6])\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_SAID = re.compile(r"(?im)^(Action|Status|Diagnostic-Code):[ \t]*(.*(?:\n[ \t].*)*)")
_LONGEST_SAID = 200


class _Bounded(Compat32):
    """Cuts headers: the library takes minutes to part those with very many parameters."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        """Part a header's lines into name and value."""
        name, value = super().header_source_parse(sourcelines)
        return name, value[: _PARAMETERS if name.lower().startswith("content-") else _HEADER]


_BOUNDED = _Bounded()


@dataclass(frozen=True, slots=True)
class Report:
    """What a mail server reports about a mail of ours (RFC 3464)."""

    actions: tuple[str, ...]  # failed, delayed, delivered, relayed, expanded
    words: str  # its own words: status code and diagnostic


@dataclass(frozen=True, slots=True)
class Mail:
    """What a mail consists of."""

    subject: str
    sender: str  # the address in From, lower case
    answers: tuple[str, ...]  # Message-IDs it speaks of
    text: str
    files: tuple[tuple[str, bytes], ...]  # attachments with a name
    report: Report | None
    automatic: bool  # an auto-reply
    bounce: bool  # from a mail server, in whatever form
    notice: bool  # one of the agent's own notices to people, back here, or what was said to one


def opened(content: bytes) -> Mail:
    """Take a mail apart.

    Raises:
        UnreadableError: it is too large, or cannot be taken apart.
    """
    if len(content) > LARGEST:
        raise UnreadableError(f"it is larger than {LARGEST // 2**20} MiB")
    try:
        if content.count(b"\n") > _MOST_LINES:
            raise UnreadableError(f"it has more than {_MOST_LINES} lines")
        message = BytesParser(policy=_BOUNDED).parsebytes(content)
        return _mail(message)
    except _BREAKS as error:
        raise UnreadableError("it is no mail that can be taken apart") from error


def sender(head: bytes) -> str:
    """Return the address in From of a mail's head, in lower case; "" where there is none, or more than one."""
    try:
        found = BytesParser(policy=_BOUNDED).parsebytes(head[:LARGEST], headersonly=True).get_all("from", [])
    except _BREAKS:
        return ""
    # A name in quotes may look like an address: what stands between < and > is the address where there is one.
    text = " ".join(str(one)[:_HEADER] for one in found)
    framed = re.findall(r"<([^<>]*)>", text) or [text]
    addresses = {address.lower() for part in framed for address in _ADDRESS.findall(part)}
    return addresses.pop() if len(addresses) == 1 else ""


def subject(head: bytes) -> str:
    """Return a mail's subject on one line, printable; "" where there is none."""
    try:
        message = BytesParser(policy=_BOUNDED).parsebytes(head[:LARGEST], headersonly=True)
        return _header(message, "subject")[:_LONGEST_SAID]
    except _BREAKS:
        return ""


def _mail(message: Message) -> Mail:
    parts = list(islice(message.walk(), _MOST_PARTS))
    report = _report(parts) if _kind(message) == "multipart/report" else None
    ids = _ids(message, "in-reply-to", "references")
    returned = [part for part in parts if part is not message and part.get("message-id")]
    ids += [found for part in returned for found in _ids(part, "message-id")]
    ids += [
        found
        for part in parts
        if _kind(part) == "text/rfc822-headers"
        for found in _ID.findall(_id_lines(part))
    ]
    return Mail(
        subject=_header(message, "subject"),
        sender=sender(b"From: " + _header(message, "from").encode("utf-8", "replace")),
        answers=tuple(dict.fromkeys(ids))[:_MOST_IDS],
        text=_text(parts),
        files=tuple(_files(parts)),
        report=report,
        automatic=_automatic(message),
        bounce=_bounce(message),
        notice=any(map(is_of_notice, ids)) or any(_is_own(part) for part in parts),
    )


def _kind(part: Message) -> str:
    return part.get_content_type()


def _header(message: Message, name: str) -> str:
    """Return a header as text on one line, encoded words read where that works."""
    raw = str(message.get(name, ""))[:_HEADER]
    text = _decoded_words(raw) if "=?" in raw and len(raw) < _LONGEST_SAID * 10 else raw
    return _line(text)


def _line(text: str) -> str:
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _decoded_words(raw: str) -> str:
    from email.header import decode_header, make_header  # noqa: PLC0415 - few mails need it

    try:
        return str(make_header(decode_header(raw)))
    except _BREAKS:
        return raw


def _ids(message: Message, *names: str) -> list[str]:
    texts = (str(value)[:_HEADER] for name in names for value in message.get_all(name, []))
    return [found for text in texts for found in _ID.findall(text)]


def _id_lines(part: Message) -> str:
    lines = _decoded(part)[:_BODY].splitlines()
    return "\n".join(line for line in lines if line.lower().startswith("message-id:"))


def _report(parts: list[Message]) -> Report | None:
    found = [
        part for part in parts if _kind(part) in {"message/delivery-status", "message/global-delivery-status"}
    ]
    if not found:
        return None
    said = [pair for part in found for pair in _SAID.findall(_status_text(part)[:_BODY])]
    words = dict.fromkeys(_line(value)[:_LONGEST_SAID] for name, value in said if name.lower() != "action")
    actions = tuple(value.strip().lower() for name, value in said if name.lower() == "action")
    return Report(actions, "; ".join(islice(words, 4)))


def _status_text(part: Message) -> str:
    """Return the blocks of a delivery status, which the library has made messages of."""
    blocks = part.get_payload()
    if isinstance(blocks, list):
        return "\n".join(
            f"{name}: {value}"
            for block in blocks
            for name, value in (block.items() if isinstance(block, Message) else ())
        )
    return str(blocks)


def _automatic(message: Message) -> bool:
    submitted = _header(message, "auto-submitted").lower()
    precedence = _header(message, "precedence").lower()
    return (
        submitted.startswith("auto-replied") or precedence == "auto_reply" or bool(message.get("x-autoreply"))
    )


def _is_own(part: Message) -> bool:
    name, value = OWN_HEADER
    return _header(part, name) == value


def _bounce(message: Message) -> bool:
    speaker = _header(message, "from").lower()
    return _header(message, "return-path") == "<>" or "mailer-daemon@" in speaker or "postmaster@" in speaker


def _text(parts: list[Message]) -> str:
    """Return the first plain text; without one, the first HTML without its tags."""
    bodies = [part for part in parts if not _name(part) and not part.is_multipart()]
    plain = next((part for part in bodies if _kind(part) == "text/plain"), None)
    if plain is not None:
        return _decoded(plain)[:_BODY]
    marked = next((part for part in bodies if _kind(part) == "text/html"), None)
    if marked is None:
        return ""
    return html.unescape(_TAG.sub(" ", _BLOCK_END.sub("\n", _decoded(marked)[:_BODY]))).replace("\xa0", " ")


def _files(parts: list[Message]) -> Iterator[tuple[str, bytes]]:
    for part in parts:
        name = _name(part)
        content = part.get_payload(decode=True)
        if name and isinstance(content, bytes):
            yield name, content


def _name(part: Message) -> str:
    name = base_name(str(part.get_filename() or "")[:_HEADER])
    return _decoded_words(name) if "=?" in name else name


def _decoded(part: Message) -> str:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    charset = part.get_content_charset() or "utf-8"
    try:
        return content.decode(charset)
    except (LookupError, ValueError):
        return _leniently(content)


def _leniently(content: bytes) -> str:
    try:
        return text_of(content)
    except UnreadableError:
        return ""
