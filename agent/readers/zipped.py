"""A zip's directory, judged before anything in it is unpacked: no bomb, no path in disguise, no name twice."""

from __future__ import annotations

import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, BinaryIO

from agent.readers.base import refusal

if TYPE_CHECKING:
    from agent.errors import RefusedFile

RATIO = 100  # times as large as it is packed
SMALL = 2**20  # bytes below which no ratio does harm
LARGEST = 512 * 2**20  # bytes of all files unpacked
_MOST = 10_000  # files in one archive
_ENCRYPTED = 0x1  # of an entry's flags

# What the standard library raises over a damaged zip, and over one in a form it does not know.
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    RuntimeError,
)

_AGAIN = "save or pack the file again with an ordinary program"


def directory(stream: BinaryIO, *, locked: bool = False) -> zipfile.ZipFile:
    """Open a zip whose directory is harmless; `locked`: some of its parts may have a password.

    Raises:
        RefusedFile: Q-BOMB, Q-ZIP, E-ARCHIVE (damaged), E-TYPE (with a password).

    """
    try:
        archive = zipfile.ZipFile(stream)
    except DAMAGE as error:
        raise broken(error) from error
    entries = archive.infolist()
    _judge_names([entry.filename for entry in entries])
    if not locked and any(map(is_locked, entries)):
        raise refusal("E-TYPE", "the file is password-protected", "save it without a password")
    whole, packed = (sum(sizes) for sizes in zip(*map(_sizes, entries), (0, 0), strict=True))
    worst = max((entry for entry in entries if entry.file_size > SMALL), key=_ratio, default=None)
    if whole > LARGEST or (worst and _ratio(worst) > RATIO) or len(entries) > _MOST:
        words = (
            f"the file unpacks to {whole:,} bytes in {len(entries):,} parts out of {packed:,}; "
            f"{LARGEST // 2**20} MiB, and {RATIO} times as much as is packed, are the most"
        )
        raise refusal("Q-BOMB", words, "export fewer rows at once, or drop the table as CSV")
    return archive


def is_locked(entry: zipfile.ZipInfo) -> bool:
    """Whether a part of a zip can be read with a password only."""
    return bool(entry.flag_bits & _ENCRYPTED)


def broken(error: Exception) -> RefusedFile:
    """Refuse an archive that cannot be unpacked."""
    return refusal("E-ARCHIVE", f"the archive is damaged: {error}", _AGAIN)


def _sizes(entry: zipfile.ZipInfo) -> tuple[int, int]:
    return entry.file_size, entry.compress_size


def _ratio(entry: zipfile.ZipInfo) -> float:
    return entry.file_size / max(entry.compress_size, 1)


def _judge_names(names: list[str]) -> None:
    seen: set[str] = set()
    for name in names:
        parts = name.replace("\\", "/").split("/")
        if ".." in parts or not parts[0] or ":" in parts[0] or "\0" in name:
            raise _unsafe(f"a part's name leads out of the file: {ascii(name)[1:-1]}")
        if name.casefold() in seen:
            raise _unsafe(f"two parts have one name: {ascii(name)[1:-1]}")
        seen.add(name.casefold())


def _unsafe(words: str) -> RefusedFile:
    return refusal("Q-ZIP", words, _AGAIN)
