"""The mail as bytes: exact size, the attachment as it was, nothing that a header or a line could smuggle."""

from __future__ import annotations

import email
import hashlib
import re
import tracemalloc
from email import policy
from typing import TYPE_CHECKING, Any

import pytest

from agent.mail.failures import LetterError
from agent.mail.message import Attachment, Letter, Message
from agent.net.failures import ChangedError

if TYPE_CHECKING:
    from pathlib import Path

CONTENTS = {
    "nothing": b"",
    "one byte": b"x",
    "all line ends": b"a\rb\nc\r\nd\n\re\r\r\n",
    "dots": b".\r\n..\r\n.a\r\n\n.\n",
    "zero bytes": b"\0" * 100,
    "every byte": bytes(range(256)) * 3,
    "a line less one": b"y" * 56,
    "a line": b"y" * 57,
    "a line and one": b"y" * 58,
    "a block": b"z" * 57 * 1500,
    "a block and one": b"z" * (57 * 1500 + 1),
    "megabytes": hashlib.shake_256(b"seed").digest(4_000_001),
}


def letter(folder: Path, content: bytes, **changes: Any) -> Letter:
    """Return a letter with a file of this content."""
    path = folder / "batch"
    path.write_bytes(content)
    attachment = Attachment("refunds_1.csv", path, len(content), hashlib.sha256(content).hexdigest())
    wanted = {
        "sender": "a@example.net",
        "recipients": ("b@batch.example.com",),
        "subject": "refunds_1.csv",
        "body": "",
        "message_id": "<abcdefghijklmnopqrst@example.net>",
        "made_at": 1_785_000_000.7,
        "attachment": attachment,
    }
    return Letter(**{**wanted, **changes})


def sent(letter: Letter) -> bytes:
    """Return all of a mail."""
    return b"".join(Message(letter).blocks())


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
@pytest.mark.parametrize("body", ["", "Grüße\n.\n..and more\r\rend"])
def test_the_attachment_is_the_file(tmp_path, content, body):
    """A reader finds the file's bytes, the announced size is exact, and all is ASCII with CRLF and no dot."""
    made = letter(tmp_path, content, body=body)
    raw = sent(made)
    assert len(raw) == Message(made).size
    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert not re.search(rb"^\.", raw, re.MULTILINE)
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    mail = email.message_from_bytes(raw, policy=policy.default)
    (part,) = mail.iter_attachments()
    assert (part.get_filename(), part.get_content()) == ("refunds_1.csv", content)
    assert mail.defects == []


def test_only_the_file_has_a_name(tmp_path):
    """The text for people is an unnamed inline part; without a text there is no such part."""
    mail = email.message_from_bytes(sent(letter(tmp_path, b"1", body="Hello")), policy=policy.default)
    text, file = mail.iter_parts()
    assert (text.get_filename(), text.get_content_disposition()) == (None, "inline")
    assert text.get_content() == "Hello\r\n"
    assert file.get_content_type() == "application/octet-stream"
    bare = email.message_from_bytes(sent(letter(tmp_path, b"1")), policy=policy.default)
    assert len(list(bare.iter_parts())) == 1


def test_every_attempt_sends_the_same_bytes(tmp_path):
    """Nothing is drawn by chance or taken from the clock."""
    assert sent(letter(tmp_path, b"1")) == sent(letter(tmp_path, b"1"))
    raw = sent(letter(tmp_path, b"1"))
    assert b"Date: Sat, 25 Jul 2026 17:20:00 +0000\r\n" in raw
    assert b"Message-ID: <abcdefghijklmnopqrst@example.net>\r\n" in raw


def test_long_headers_stay_readable(tmp_path):
    """Many recipients and a subject beyond ASCII are folded; file name, digest and Message-ID never."""
    people = tuple(f"person-{number}@batch.example.com" for number in range(20))
    name = "n" * 180 + ".csv"
    made = letter(
        tmp_path,
        b"1",
        recipients=people,
        subject="Rückgaben " * 15 + "x",
        message_id=f"<abcdefghijklmnopqrst@{'d' * 60}.{'e' * 60}.net>",
        headers=(("X-Batch-SHA256", "0" * 64),),
    )
    raw = sent(made)
    mail = email.message_from_bytes(raw, policy=policy.default)
    assert tuple(address.addr_spec for address in mail["To"].addresses) == people
    assert mail["Subject"] == "Rückgaben " * 15 + "x"
    assert f"X-Batch-SHA256: {'0' * 64}\r\n".encode() in raw
    assert f"Message-ID: {made.message_id}\r\n".encode() in raw
    attachment = Attachment(name, tmp_path / "batch", 1, hashlib.sha256(b"1").hexdigest())
    assert f'filename="{name}"\r\n'.encode() in sent(letter(tmp_path, b"1", attachment=attachment))


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "a\r\nBcc: x@example.org"},
        {"subject": "a\nb"},
        {"subject": "a\rb"},
        {"subject": "\ud800"},
        {"sender": "a@example.net\r\nBcc: x@example.org"},
        {"recipients": ("b@example.com\nBcc: x@example.org",)},
        {"recipients": ()},
        {"message_id": "<a@b>\r\nBcc: x@example.org"},
        {"message_id": "<a b@c>"},
        {"message_id": ""},
        {"headers": (("Bcc", "x@example.org"),)},
        {"headers": (("X-A", "b\r\nBcc: x@example.org"),)},
        {"headers": (("X-A\r\nBcc", "b"),)},
        {"headers": (("X-A", "b\n"),)},
        {"headers": (("X-A", "ü"),)},
        {"body": "\ud800"},
        {"attachment": None},
    ],
    ids=str,
)
def test_nothing_ends_a_header_early(tmp_path, changes):
    """What could begin another header is refused before anything is sent."""
    with pytest.raises(LetterError):
        Message(letter(tmp_path, b"1", **changes))


@pytest.mark.parametrize("name", ["", 'a".csv', "a\\b", "a/b", "a\r\nb", "a\n", "ü.csv", "a\0", "n" * 256])
def test_a_name_that_would_not_arrive_as_it_is(tmp_path, name):
    """Only names that every reader takes from the header unchanged."""
    with pytest.raises(LetterError):
        Attachment(name, tmp_path, 0, "")


@pytest.mark.parametrize("content", [b"Prepared", b"prepared and more", b"prep", b"", None])
def test_changed_bytes_never_end_a_mail(tmp_path, content):
    """The last block is not handed out when the file is not what it must be."""
    made = letter(tmp_path, b"prepared")
    path = made.attachment.path
    path.unlink() if content is None else path.write_bytes(content)
    seen: list[bytes] = []
    with pytest.raises(ChangedError):
        seen.extend(Message(made).blocks())
    assert not b"".join(seen).endswith(b"--\r\n")


def test_memory_does_not_depend_on_the_size(tmp_path):
    """A mail with 50 MB needs no more memory than one with 1 MB, and under 2 MiB."""
    peaks = []
    for size in (1_000_000, 50_000_000):
        made = Message(letter(tmp_path, b"q" * size))
        tracemalloc.start()
        for block in made.blocks():
            assert len(block) < 200_000
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert max(peaks) < 2 * 2**20
    assert peaks[1] < peaks[0] + 100_000
