"""The process `bench_mail` measures: sends files, each as the attachment of a mail, over one connection."""

from __future__ import annotations

import hashlib
import json
import smtplib
import sys
import time
from email.message import EmailMessage
from pathlib import Path

from agent.channels.base import Parcel
from agent.channels.smtp import Channel, Options

_SENDER, _RECIPIENT = "agent@example.net", "far@batch.example.com"


def streamed(port: int, path: Path, count: int) -> None:
    """Send as the agent does."""
    content = path.read_bytes()
    size, digest = len(content), hashlib.sha256(content).hexdigest()
    del content
    plain = {"host": "127.0.0.1", "port": port, "security": "none", "allow_plain_smtp": True}
    channel = Channel(
        Options.model_validate({**plain, "sender": _SENDER, "recipient": _RECIPIENT}), lambda _: b""
    )
    for number in range(count):
        channel.send(
            Parcel(f"{number:020}", f"{number}.csv", path, size, digest, 1, time.time()), lambda: None
        )
    channel.close()


def usual(port: int, path: Path, count: int) -> None:
    """Send as the library's own examples do."""
    with smtplib.SMTP("127.0.0.1", port) as line:
        for number in range(count):
            mail = EmailMessage()
            mail["From"], mail["To"], mail["Subject"] = _SENDER, _RECIPIENT, f"{number}.csv"
            mail.add_attachment(
                path.read_bytes(), maintype="application", subtype="octet-stream", filename=f"{number}.csv"
            )
            line.send_message(mail)


def main(way: str, port: int, path: Path, count: int) -> None:
    """Send a file so often; tell the processor seconds of the sending alone."""
    begun = time.process_time()
    {"streamed": streamed, "usual": usual}[way](port, path, count)
    sys.stdout.write(json.dumps({"cpu": time.process_time() - begun}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
