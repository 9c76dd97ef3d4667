"""Batches through a real Postfix into a mailbox: whole, under one identity, in little memory."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from typing import Any

import pytest

from agent.channels.smtp import Channel, Options
from agent.errors import Permanent

CHILD = """
import hashlib, resource, sys
from pathlib import Path
from agent.channels.base import Parcel
from agent.channels.smtp import Channel, Options
port, ca_file, recipient, path = sys.argv[1:]
digest = hashlib.sha256()
with open(path, "rb") as stream:
    while block := stream.read(65536):
        digest.update(block)
size = Path(path).stat().st_size
parcel = Parcel("abcdefghijklmnopqrst", "batch.csv", Path(path), size, digest.hexdigest(), 1, 1.8e9)
options = Options(host="127.0.0.1", port=port, ca_file=ca_file, sender="a@example.net", recipient=recipient)
channel = Channel(options, lambda _: b"")
channel.send(parcel, lambda: None)
channel.close()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
HARD = {
    "line ends": b"a\rb\nc\r\nd\n\r" * 50,
    "dots": b".\r\n.\r\n..a\r\n\n.\n" * 50,
    "zero bytes and all others": bytes(range(256)) * 20,
    "nothing": b"",
    "megabytes": hashlib.shake_256(b"seed").digest(5_000_000),
}


@pytest.mark.parametrize("content", HARD.values(), ids=HARD)
def test_the_attachment_in_the_mailbox_is_the_batch(
    postfix: Any, authority: Any, make_parcel: Any, content: bytes
) -> None:
    """Byte for byte, under its name, with its digest and its Message-ID; in the queue of the server's word."""
    parcel = make_parcel(content)
    options = Options(
        host="127.0.0.1",
        port=postfix.port,
        ca_file=authority.ca_file,
        sender="agent@example.net",
        recipient=[postfix.recipient],
        subject="Batch {{ name }} für {{ made.year }}",
        body="{{ size }} bytes",
    )
    channel = Channel(options, lambda _: b"")
    receipt = channel.send(parcel, lambda: None)
    channel.close()
    (mail,) = postfix.mails()
    (part,) = mail.iter_attachments()
    assert (part.get_filename(), part.get_content()) == (parcel.name, content)
    assert mail["Message-ID"] == f"<{parcel.batch}@example.net>"
    assert mail["X-Batch-SHA256"] == parcel.sha256
    assert mail["Subject"] == f"Batch {parcel.name} für 1970"
    assert receipt.evidence.startswith("250 2.0.0 Ok: queued as ")
    assert "TLSv1.3, verified" in receipt.evidence


def test_memory_does_not_depend_on_the_batch(postfix: Any, authority: Any, tmp_path: Any) -> None:
    """A mail with 50 MB peaks where one with 1 MB does, give or take 8 MB for the machine's own ways."""
    peaks = []
    for size in (1_000_000, 50_000_000):
        path = tmp_path / "batch"
        with path.open("wb") as stream:
            for _ in range(size // 100_000):
                stream.write(os.urandom(100_000))
        arguments = [str(postfix.port), str(authority.ca_file), postfix.recipient, str(path)]
        done = subprocess.run(
            [sys.executable, "-c", CHILD, *arguments], check=True, capture_output=True, text=True
        )
        peaks.append(int(done.stdout) // 1024)  # MiB
    assert peaks[1] - peaks[0] < 8
    assert [len(next(mail.iter_attachments()).get_content()) for mail in postfix.mails()] == [
        1_000_000,
        50_000_000,
    ]


def test_a_mail_that_postfix_finds_too_large(postfix: Any, authority: Any, make_parcel: Any) -> None:
    """Its SIZE is looked at before MAIL; the words name both numbers."""
    content = b"x" * 150_000_000
    options = Options(
        host="127.0.0.1",
        port=postfix.port,
        ca_file=authority.ca_file,
        sender="agent@example.net",
        recipient=postfix.recipient,
    )
    channel = Channel(options, lambda _: b"")
    with pytest.raises(Permanent, match="at most 200000000"):
        channel.send(make_parcel(content), pytest.fail)
    channel.close()
    assert postfix.mails() == []
