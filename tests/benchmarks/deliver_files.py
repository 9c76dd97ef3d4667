"""The process `bench_upload` measures: sends the files of an order over one connection, as the agent does."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from agent.channels.base import Parcel
from agent.channels.sftp import Channel, Options


def main(order: Path) -> None:
    """Send what the order lists, each with sync, check, rename and look.

    Args:
        order: JSON: `options` of the channel, and `files`, each a path, a size and a SHA-256.
    """
    wanted = json.loads(order.read_text())
    channel = Channel(
        Options.model_validate(wanted["options"]), lambda secret: Path(secret.file).read_bytes()
    )
    parcels = (
        Parcel(f"{number:020}", Path(name).name, Path(name), size, digest, 1)
        for number, (name, size, digest) in enumerate(wanted["files"])
    )
    for group in channel.send_all(parcels, lambda _: None):
        for _, outcome in group:
            if isinstance(outcome, Exception):
                raise outcome
    channel.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
