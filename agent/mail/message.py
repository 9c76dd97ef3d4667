"""A mail as bytes: headers, a text for people, one attachment that is read, encoded and sent block by block.

Every byte follows from the letter, so that each attempt sends the same mail: Message-ID, Date and boundary
are given or derived, nothing is drawn by chance. All of it is ASCII with CRLF line ends, and no line begins
with a dot: there is nothing to stuff and nothing to smuggle. The text is an unnamed part; only the attachment
has a file name.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from hashlib import sha256 as new_digest
from typing import TYPE_CHECKING

from agent.mail.failures import LetterError
from agent.net.failures import ChangedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LINE = 57  # bytes that make one line of 76 characters
_ENCODED = 76
_BLOCK = 1500 * _LINE  # read at once: 114 kB on the wire
_END = b"\r\n"
_ID = re.compile(r"<[\x21-\x3b\x3d\x3f-\x7e]{3,250}>")
_NAME = re.compile(r'[^\x00-\x1f"\\\x7f-\U0010ffff/]{1,255}')
_HEADER = re.compile(r"X-[A-Za-z0-9-]{1,60}|Auto-Submitted|In-Reply-To|References")
_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,400}[\x21-\x7e])?")
_CONTENT_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes along: under which name, and which bytes it must have."""

    name: str  # printable ASCII without quotes
    path: Path
    size: int
    sha256: str
    content_type: str = "application/octet-stream"

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or not _CONTENT_TYPE.fullmatch(self.content_type):
            raise LetterError(
                f"{self.name!r} cannot be the name of an attachment of the type {self.content_type!r}: "
                f"only printable ASCII without quotes, backslashes and slashes arrives everywhere as it is"
            )


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail says; addresses are plain and checked (`addresses.Address`)."""

    sender: str
    recipients: tuple[str, ...]
    subject: str  # one line
    body: str  # "": no text at all
    message_id: str  # with its brackets
    made_at: float  # UTC epoch seconds, for the Date
    attachment: Attachment | None = None
    headers: tuple[tuple[str, str], ...] = ()  # further ones, ASCII

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.message_id) or not self.recipients:
            raise LetterError("a mail needs a Message-ID and somebody to go to")
        for name, value in self.headers:
            if not _HEADER.fullmatch(name) or not _VALUE.fullmatch(value):
                raise LetterError(f"{name!r} is no header that may be added, or not with this value")
        if not (self.body or self.attachment):
            raise LetterError("a mail needs a text or an attachment")


class Message:
    """A letter as it goes over the wire, up to but not including the final dot; `size` in bytes, exactly."""

    def __init__(self, letter: Letter) -> None:
        self.letter = letter
        boundary = f"=_{new_digest(letter.message_id.encode()).hexdigest()[:32]}"  # base64 has no "_"
        attachment = letter.attachment
        self._head = _headers(letter, boundary) + _text(letter, boundary)
        self._tail = f"--{boundary}--\r\n".encode()
        if attachment:
            self._head += _attached(attachment, boundary)
        self.size = len(self._head) + _encoded_size(attachment.size if attachment else 0) + len(self._tail)

    def blocks(self) -> Iterator[bytes]:
        """Yield the mail in blocks of bounded size.

        Raises:
            ChangedError: the attachment is not what it must be; the last block has not been yielded yet.
        """
        yield self._head
        if self.letter.attachment:
            yield from _encoded(self.letter.attachment)
        yield self._tail


def _headers(letter: Letter, boundary: str) -> bytes:
    written = EmailMessage(policy=SMTP)
    try:
        written["From"] = letter.sender
        written["To"] = ", ".join(letter.recipients)
        written["Subject"] = letter.subject
        folded = written.as_bytes().rstrip(_END) + _END
    except (ValueError, UnicodeError) as error:  # a line end, a lone surrogate
        raise LetterError("the subject or an address cannot stand in a mail's header") from error
    fixed = (
        ("Date", format_datetime(datetime.fromtimestamp(int(letter.made_at), UTC))),
        ("Message-ID", letter.message_id),
        *letter.headers,
        ("MIME-Version", "1.0"),
        ("Content-Type", f'multipart/mixed; boundary="{boundary}"'),
    )
    return folded + "".join(f"{name}: {value}\r\n" for name, value in fixed).encode("ascii") + _END


def _text(letter: Letter, boundary: str) -> bytes:
    if not letter.body:
        return b""
    lines = letter.body.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")
    head = (
        f"--{boundary}\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "Content-Disposition: inline\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n"
    )
    try:
        return head.encode() + _base64(("\r\n".join(lines) + "\r\n").encode())
    except UnicodeError as error:
        raise LetterError("the body holds a sign that no text can have") from error


def _attached(attachment: Attachment, boundary: str) -> bytes:
    """The name stands whole and unencoded on one line: a pattern at the other end must match it."""
    return (
        f"--{boundary}\r\n"
        f'Content-Type: {attachment.content_type}; name="{attachment.name}"\r\n'
        f'Content-Disposition: attachment; filename="{attachment.name}"\r\n'
        "Content-Transfer-Encoding: base64\r\n\r\n"
    ).encode("ascii")


def _encoded(attachment: Attachment) -> Iterator[bytes]:
    digest, size = new_digest(), 0
    try:
        with attachment.path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                size += len(block)
                if size > attachment.size:
                    break
                digest.update(block)
                yield _base64(block)
    except OSError as error:
        raise ChangedError(f"the stored bytes cannot be read: {error.strerror or error}") from error
    if size != attachment.size or digest.hexdigest() != attachment.sha256:
        raise ChangedError("the stored bytes are not those that were prepared")


def _base64(block: bytes) -> bytes:
    """Return lines of 76 characters; only the last block of a text may have a length that 57 does not divide."""
    encoded = binascii.b2a_base64(block, newline=False)
    lines = [encoded[start : start + _ENCODED] for start in range(0, len(encoded), _ENCODED)]
    return _END.join([*lines, b""])


def _encoded_size(size: int) -> int:
    lines, rest = divmod(size, _LINE)
    return lines * (_ENCODED + 2) + ((rest + 2) // 3 * 4 + 2 if rest else 0)
