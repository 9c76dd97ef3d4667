"""The archive: one folder per submission with its papers and a manifest of their digests, whole or absent.

It is built in scratch, of hard links where the file system has them (nothing here is ever changed), and
renamed into place. What stands there already is never touched.
"""

from __future__ import annotations

import errno
import json
import os
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from agent.errors import SpoolError
from agent.model import Paper
from agent.spool import disk

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from agent.spool.syncs import Syncs

    Papers = Sequence[tuple[str, Paper]]  # each with its name in the archive

MANIFEST = "manifest.json"
_NO_LINKS = (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP)


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of an archived submission, as its manifest has it."""

    name: str
    kind: str
    sha256: str
    size: int


def build(state: Path, folder: Path, papers: Papers, about: Mapping[str, object], syncs: Syncs) -> bytes:
    """Fill an empty folder with the papers and their manifest, all of it on disk; return the manifest.

    `about` is what the manifest tells beside them.

    Raises:
        SpoolError: a paper is not what its digest says, or two have one name.

    """
    names = [name for name, _ in papers]
    if len(set(names)) < len(names) or any(
        name in ("", ".", "..", MANIFEST) or "/" in name for name in names
    ):
        raise SpoolError(
            f"the papers of {about['submission']} cannot be archived under the names {', '.join(names)}"
        )
    for name, paper in papers:
        _bring(state / paper.path, folder / name, syncs)
        if disk.digest_at(folder / name) != (paper.sha256, paper.size):
            raise SpoolError(f"{paper.path} was altered: it is not archived as {name}")
    manifest = _manifest(about, papers)
    with disk.opened_new(folder / MANIFEST) as fd:
        disk.write_all(fd, manifest)
        os.fchmod(fd, 0o400)
        syncs.file(fd)
    syncs.folder(folder)
    return manifest


def shelve(folder: Path, wanted: Path, manifest: bytes) -> Path:
    """Move a built folder to its place, or to the next free name beside it; return where it is.

    An equal one that stands there already is the one meant.
    """
    place, number = wanted, 1
    while True:
        try:
            disk.move(folder, place)
        except FileExistsError:
            if _manifest_at(place) != manifest:
                number += 1
                place = wanted.with_name(f"{wanted.name}-{number}")
                continue
        return place


def papers_at(relative: str, papers: Papers, manifest: bytes) -> list[Paper]:
    """Return the papers as they are in the archive, the manifest last."""
    there = [Paper(paper.kind, f"{relative}/{name}", paper.sha256, paper.size) for name, paper in papers]
    return [*there, Paper("manifest", f"{relative}/{MANIFEST}", sha256(manifest).hexdigest(), len(manifest))]


def _manifest(about: Mapping[str, object], papers: Papers) -> bytes:
    entries = [Entry(name, paper.kind, paper.sha256, paper.size) for name, paper in papers]
    whole = {**about, "files": [asdict(entry) for entry in entries]}
    return (json.dumps(whole, ensure_ascii=False, indent=2) + "\n").encode()


def _manifest_at(place: Path) -> bytes | None:
    try:
        return (place / MANIFEST).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _bring(source: Path, target: Path, syncs: Syncs) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _copy(source, target, syncs)


def _copy(source: Path, target: Path, syncs: Syncs) -> None:
    with disk.opened_plain(source) as old, disk.opened_new(target) as new:
        place = 0
        while chunk := os.pread(old, disk.CHUNK, place):
            disk.write_all(new, chunk)
            place += len(chunk)
        os.fchmod(new, 0o400)
        syncs.file(new)
