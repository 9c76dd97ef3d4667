"""A file that is packed: one file inside a .gz or a .zip is read in place, as if it lay there unpacked.

A zip's own directory is judged before a byte is unpacked (`zipped`); a gzip's stream has none, so it is
counted while it is read. A workbook is a zip as well, and is left as it is.
"""

from __future__ import annotations

import gzip
import io
import zipfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, cast

from agent.readers.base import refusal
from agent.readers.zipped import DAMAGE, LARGEST, RATIO, SMALL, broken, directory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

_GZIP = b"\x1f\x8b\x08"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OURS = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")  # what systems put in beside people's files
_NAMED = 10
_BLOCK = 2**20  # bytes copied at once


def packing(head: bytes) -> str:
    """Tell by its first bytes how a file is packed: "gz", "zip" (also workbooks), or "" for not."""
    if head.startswith(_GZIP):
        return "gz"
    return "zip" if head.startswith(_ZIP) else ""


def unpacked(stream: BinaryIO) -> BinaryIO:
    """Return the stream of the one file inside an archive, or the stream itself.

    Raises:
        RefusedFile: E-ARCHIVE (none or several files, damaged, packed twice), E-TYPE (password), Q-BOMB, Q-ZIP.

    """
    stream.seek(0)
    packed = packing(stream.read(4))
    if packed == "gz":
        return _within(_Gzip(stream))
    if packed != "zip":
        return stream
    archive = directory(stream)
    names = archive.namelist()
    if _is_document(names):
        return stream
    name = _only(names)
    try:
        return _within(_Packed(archive.open(name)))
    except DAMAGE as error:
        raise broken(error) from error


def archive_of(stream: BinaryIO) -> zipfile.ZipFile | None:
    """Open an archive that may hold several files; None where a file is none, as a workbook.

    Files in it may have a password.

    Raises:
        RefusedFile: E-ARCHIVE (damaged), Q-BOMB, Q-ZIP.

    """
    stream.seek(0)
    if packing(stream.read(4)) != "zip":
        return None
    archive = directory(stream, locked=True)
    return None if _is_document(archive.namelist()) else archive


def copy_out(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: BinaryIO) -> None:
    """Write one file of an archive to a stream.

    Raises:
        RefusedFile: E-ARCHIVE, it is damaged.
        OSError: it cannot be written.

    """
    try:
        file = archive.open(entry)
    except DAMAGE as error:
        raise broken(error) from error
    with file:
        inside = _Packed(file)
        while block := inside.read(_BLOCK):
            target.write(block)


def refuse_packed(stream: BinaryIO) -> None:
    """Refuse a file out of an archive that is an archive itself.

    Raises:
        RefusedFile: E-ARCHIVE, or what else is wrong with it.

    """
    stream.seek(0)
    if packing(stream.read(4)) == "gz" or archive_of(stream) is not None:
        raise refusal("E-ARCHIVE", "the file is packed twice", "unpack it once and drop what is inside")


@contextmanager
def packed_like(source: BinaryIO, target: BinaryIO) -> Iterator[BinaryIO]:
    """Give a stream to write to, which is packed into the target the way the source is packed."""
    source.seek(0)
    packed = packing(source.read(4))
    names = directory(source).namelist() if packed == "zip" else []
    if packed == "gz":
        with gzip.GzipFile(filename="", fileobj=target, mode="wb", mtime=0) as inside:
            yield cast("BinaryIO", inside)
    elif names and not _is_document(names):
        member = zipfile.ZipInfo(
            _only(names).rpartition("/")[2]
        )  # of a fixed date, so the same is made again
        member.compress_type = zipfile.ZIP_DEFLATED
        with zipfile.ZipFile(target, "w") as archive, archive.open(member, "w", force_zip64=True) as inside:
            yield cast("BinaryIO", inside)
    else:
        yield target


def _is_document(names: list[str]) -> bool:
    """Say whether a zip is no archive but the form some programs save in."""
    return any(name in ("[Content_Types].xml", "mimetype") or name.startswith("xl/") for name in names)


def _only(names: list[str]) -> str:
    files = [name for name in names if not name.endswith("/") and not _is_ours(name)]
    if len(files) == 1:
        return files[0]
    if not files:
        raise refusal(
            "E-ARCHIVE", "the archive has no file in it", "pack the file again, or drop it as it is"
        )
    more = f" and {len(files) - _NAMED} more" if len(files) > _NAMED else ""
    shown = ", ".join(ascii(name)[1:-1] for name in files[:_NAMED])
    words = f"the archive holds {len(files)} files: {shown}{more}; it may hold one"
    mend = "unpack it and drop each file by itself, or have the feed take each: `archive: each`"
    raise refusal("E-ARCHIVE", words, mend)


def _is_ours(name: str) -> bool:
    return name.startswith(_OURS[0]) or name.rpartition("/")[2] in _OURS[1:]


def _within(raw: io.RawIOBase) -> BinaryIO:
    """Return what is inside as a stream; what is packed twice is refused."""
    stream = cast("BinaryIO", io.BufferedReader(raw))
    if packing(stream.read(4)) == "zip":  # a workbook must be sought in, and may be as large as memory allows
        stream.seek(0)
        stream = io.BytesIO(stream.read())
    refuse_packed(stream)
    stream.seek(0)
    return stream


class _Packed(io.RawIOBase):
    """One packed file as a stream; damage inside leaves as a refusal."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        try:
            return self._file.read(size)
        except DAMAGE as error:
            raise broken(error) from error

    def readinto(self, buffer: bytearray, /) -> int:  # type: ignore[override]  # what BufferedReader hands over
        block = self.read(len(buffer))
        buffer[: len(block)] = block
        return len(block)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


class _Gzip(_Packed):
    """The file inside a gzip stream; unpacking ends where it becomes too much."""

    def __init__(self, stream: BinaryIO) -> None:
        self._size = stream.seek(0, io.SEEK_END)
        stream.seek(0)
        super().__init__(cast("IO[bytes]", gzip.GzipFile(fileobj=stream, mode="rb")))

    def read(self, size: int = -1, /) -> bytes:
        block = super().read(size)
        place = self.tell()
        if place > LARGEST or (place > SMALL and place > RATIO * self._size):
            words = f"the archive unpacks to far more than it should: {place:,} bytes out of {self._size:,}"
            raise refusal("Q-BOMB", words, "drop the file unpacked, if it is meant")
        return block
