"""The process `bench_upload` measures: sends the files of an order over one connection."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from agent.channels.base import Parcel
from agent.channels.sftp import Channel, Options


def main(order: Path, way: str) -> None:
    """Send what the order lists, each with sync, check, rename and look.

    Args:
        order: JSON: `options` of the channel, and `files`, each a path, a size and a SHA-256.
        way: "together" (`send_all`) or "single" (`send`, one after the other).
    """
    wanted = json.loads(order.read_text())
    channel = Channel(
        Options.model_validate(wanted["options"]), lambda secret: Path(secret.file).read_bytes()
    )
    parcels = (
        Parcel(f"{number:020}", Path(name).name, Path(name), size, digest, 1)
        for number, (name, size, digest) in enumerate(wanted["files"])
    )
    if way == "single":
        for parcel in parcels:
            channel.send(parcel, lambda: None)
    else:
        for group in channel.send_all(parcels, lambda _: None):
            for _, outcome in group:
                if isinstance(outcome, Exception):
                    raise outcome
    channel.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
