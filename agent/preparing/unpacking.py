"""Take an archive apart whose feed wants each file inside for itself.

Called in the limited child process only. It touches nothing but the archive it was given and its scratch folder,
where files get names of their own: names out of an archive are data. What is wrong with one file harms no other;
an archive whose directory deceives is refused as a whole.
"""

from __future__ import annotations

import stat
from dataclasses import replace
from typing import TYPE_CHECKING

from agent.errors import RefusedFile
from agent.feedback.naming import taken_by
from agent.model import Fault
from agent.preparing.unpacked import Member, Unpacked
from agent.readers.archive import archive_of, copy_out, refuse_packed
from agent.readers.zipped import is_locked
from agent.settle import LONGEST, bad_name, fitting, ignored, printable, shown_name

if TYPE_CHECKING:
    from pathlib import Path
    from zipfile import ZipFile, ZipInfo

    from agent.preparing.unpacked import Unpacking

_LONGEST_PATH = 1000  # bytes of a name with its folders that are shown
_WORDS = 1000  # characters of what is said about one file; it may quote names
MOST = 999  # files taken out of one archive
_OF_MACS = "__MACOSX"
_UNIX = 3  # what made the archive, in whose terms it says what kind of file each is


def unpack(unpacking: Unpacking) -> Unpacked:
    """Take an archive apart; nothing is inside what is none."""
    with unpacking.source.open("rb") as stream:
        try:
            archive = archive_of(stream)
            return Unpacked() if archive is None else _Unpacker(unpacking, archive).run()
        except RefusedFile as refused:
            return Unpacked(refused=_faults(refused))


class _Unpacker:
    """One run over one archive."""

    def __init__(self, unpacking: Unpacking, archive: ZipFile) -> None:
        self._order, self._archive = unpacking, archive
        self._is_taken = taken_by(unpacking.patterns)

    def run(self) -> Unpacked:
        """Unpack what may be; say of every file how it ended."""
        entries = [entry for entry in self._archive.infolist() if not _path(entry).endswith("/")]
        left_out = tuple(_shown(_path(one)) for one in entries if _is_left_out(_path(one)))
        files = [entry for entry in entries if not _is_left_out(_path(entry))]
        if fault := _unusable(files):
            return Unpacked(left_out=left_out, refused=(fault,))
        return Unpacked(tuple(self._member(number, one) for number, one in enumerate(files, 1)), left_out)

    def _member(self, number: int, entry: ZipInfo) -> Member:
        path = _path(entry)
        name = path.rpartition("/")[2]
        member = Member(shown_name(name), _shown(path), entry.file_size)
        if fault := self._unsafe(entry, name):
            return replace(member, fault=fault)
        target = self._order.scratch / f"member-{number}"
        try:
            with target.open("xb") as file:
                copy_out(self._archive, entry, file)
        except RefusedFile as refused:
            target.unlink()
            return replace(member, fault=_faults(refused)[0])
        return replace(member, file=target.name, fault=self._unfit(target, name))

    def _unsafe(self, entry: ZipInfo, name: str) -> Fault | None:
        """Say why a file is not even unpacked."""
        if is_locked(entry):
            return Fault(
                "E-TYPE", "the file is password-protected", "pack it without a password, or drop it by itself"
            )
        if fault := _not_plain(entry) or _bad_name(name):
            return fault
        if entry.file_size > self._order.max_size:
            words = (
                f"the file has {entry.file_size:,} bytes; this feed takes at most {self._order.max_size:,}"
            )
            return Fault(
                "E-TOOBIG", words, "split the file, or raise max_size of the feed", f"{entry.file_size:,}"
            )
        return None

    def _unfit(self, unpacked: Path, name: str) -> Fault | None:
        """Say why a file that was unpacked is not taken."""
        try:
            with unpacked.open("rb") as stream:
                refuse_packed(stream)
        except RefusedFile as refused:
            return _faults(refused)[0]
        if self._is_taken(name):
            return None
        order = self._order
        taken = ", ".join(order.patterns)
        words = (
            f"the file inside the archive has a name that feed {order.feed} does not take: it takes {taken}"
        )
        mend = "release it if it is to be sent all the same, else cancel it; or widen the feed's pattern"
        return Fault("E-NOFEED", words, mend, printable(name))


def _path(entry: ZipInfo) -> str:
    """Return a file's name with its folders, parted by slashes on whatever system it was packed."""
    return "/".join(part for part in entry.filename.replace("\\", "/").split("/") if part != ".")


def _shown(path: str) -> str:
    """Return a path as it can be shown and stored; one may have tens of thousands of characters."""
    return fitting(printable(path), _LONGEST_PATH)


def _bad_name(name: str) -> Fault | None:
    if len(name.encode(errors="replace")) > LONGEST:
        words = f"the name {shown_name(name)} is longer than that of a file may be"
        return Fault("Q-NAME", words, "give the file a shorter name", shown_name(name))
    return bad_name(name)


def _is_left_out(path: str) -> bool:
    """Whether a file is ignored, by the rule of a drop folder, or because of the folder it is in."""
    *folders, name = path.split("/")
    return ignored(name) or any(folder == _OF_MACS or folder.startswith(".") for folder in folders)


def _unusable(files: list[ZipInfo]) -> Fault | None:
    """Say why nothing of an archive can be taken."""
    if not files:
        return Fault(
            "E-ARCHIVE", "the archive has no file in it", "pack the files again, or drop them as they are"
        )
    if len(files) > MOST:
        words = f"the archive holds {len(files):,} files; at most {MOST} are taken out of one"
        return Fault("E-ARCHIVE", words, "pack the files into several archives")
    if all(map(is_locked, files)):
        return Fault("E-TYPE", "the archive is password-protected", "pack the files without a password")
    return None


def _not_plain(entry: ZipInfo) -> Fault | None:
    """Say that what is packed is no ordinary file, as far as the archive tells."""
    kind = stat.S_IFMT(entry.external_attr >> 16) if entry.create_system == _UNIX else 0
    if kind == stat.S_IFLNK:
        return Fault("Q-SYMLINK", "a symbolic link is packed; links are not followed", "pack the file itself")
    if kind not in {0, stat.S_IFREG}:
        return Fault("Q-NOTREGULAR", "something other than a file is packed", "pack ordinary files")
    return None


def _faults(refused: RefusedFile) -> tuple[Fault, ...]:
    return tuple(Fault(one.code, one.words[:_WORDS], one.mend) for one in refused.findings)
