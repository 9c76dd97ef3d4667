"""Bytes at rest inside the state folder: whole or absent, under their digest, never overwritten by others.

A file is written under a scratch name, synced and renamed; its folder is synced before the ledger names it.
Knows nothing of the ledger and of what the bytes mean. A `SpoolError` means that the disk cannot be trusted
or written; a `NoRoomError` that it can be again once there is room.

    spool/tmp           scratch, swept        spool/papers/<submission>  findings, reports, rejects, receipts
    spool/obj/<sha256>  originals             spool/quarantine           what was found where it should not be
    spool/out/<batch>   bytes that are sent   archive/YYYY/MM/DD/<submission>
"""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256 as new_digest
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from agent.errors import SpoolError
from agent.model import Paper
from agent.spool import archive, disk
from agent.spool.disk import said_plainly
from agent.spool.syncs import Syncs

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

    from agent.spool.archive import Papers

_QUARANTINE = "spool/quarantine"
_WRITE = "write to the spool"
_KEPT = ("spool/obj", "spool/out", "spool/papers", _QUARANTINE, "archive")
_NAMED = ("spool/obj", "spool/out", _QUARANTINE)  # where each file must stand in the ledger, or be told of


@dataclass(frozen=True, slots=True)
class Taken:
    """A copy in scratch, on disk, not yet kept."""

    path: Path  # absolute
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Stored:
    """A file in its place: path relative to the state folder, digest, size in bytes."""

    path: str
    sha256: str
    size: int

    def paper(self, kind: str) -> Paper:
        """Return it as a paper of this kind."""
        return Paper(kind, self.path, self.sha256, self.size)


class Spool:
    """The files under one state folder; safe to use from several threads of one process."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self._tmp = state / "spool" / "tmp"
        self._syncs = Syncs()
        self.alive: Callable[[], None] = lambda: None  # told now and then while a long file is copied
        self._mine: set[Path] = set()  # scratch in use, which a sweep leaves alone

    def make(self) -> None:
        """Make the folders that are not there yet, for the agent's eyes only."""
        with said_plainly("make the folders of the spool"):
            for relative in ("spool/tmp", *_KEPT):
                self._syncs.make_folder(self.state / relative)

    def is_empty(self) -> bool:
        """Tell whether nothing is kept, so that there may rightly be no ledger yet."""
        return not any(self._names(relative) for relative in _KEPT)

    def take(self, fd: int, *, limit: int) -> Taken | None:
        """Copy an open file into scratch, hashing it, and put the copy on disk.

        Returns None, and keeps nothing, if the file is longer than `limit` bytes.

        Raises:
            OSError: the source could not be read.
            NoRoomError: there is no room for the copy.
            SpoolError: the copy could not be written.

        """
        path = self._new_scratch()
        with self._or_discarded(path):
            taken = self._copy(fd, path, limit)
        if taken is None:
            self.discard(path)
        return taken

    def keep(self, taken: Taken) -> str:
        """Give a copy its place among the originals and return it; call `sync` before the ledger names it.

        An equal original that is there already is kept instead; one that is not what its name says is set
        aside.
        """
        relative = f"spool/obj/{taken.sha256}"
        with self._or_discarded(taken.path), said_plainly("keep an original in the spool"):
            self._place(taken.path, relative, taken.sha256)
        self._mine.discard(taken.path)
        return relative

    def sync(self) -> None:
        """Put on disk the names of all that was kept until now; one sync of a folder serves many files.

        Raises:
            SpoolError: they may not be on disk; nothing kept since may be relied on.

        """
        with said_plainly("put names in the spool on disk"):
            self._syncs.settle()

    def scratch(self) -> Path:
        """Return a fresh private folder for one preparing; `discard` it afterwards."""
        path = self._new_scratch()
        with self._or_discarded(path), said_plainly("make a scratch folder in the spool"):
            path.mkdir(mode=0o700)
        return path

    def discard(self, path: Path) -> None:
        """Remove something from scratch; fine if it is gone already."""
        if path.parent != self._tmp:
            raise ValueError(f"{path} is not scratch of this spool")
        with said_plainly("remove scratch from the spool"):
            disk.remove(path)
        self._mine.discard(path)

    def publish(self, source: Path, relative: str) -> Stored:
        """Move a finished file out of scratch to its place, whole and on disk when this returns.

        Never overwrites: an equal file that is there is kept instead, another one is set aside in quarantine.
        """
        return self.publish_all([(source, relative)])[0]

    def publish_all(self, pairs: Sequence[tuple[Path, str]]) -> list[Stored]:
        """Publish several files with one sync per folder."""
        stored = []
        for source, relative in pairs:
            with said_plainly(f"publish {relative}"):
                self._syncs.make_folder(self.path(relative).parent)
                with disk.opened_plain(source) as fd:
                    digest, size = disk.digest_of(fd)
                    os.fchmod(fd, 0o400)
                    self._syncs.file(fd)
                self._place(source, relative, digest)
            stored.append(Stored(relative, digest, size))
        self.sync()
        return stored

    def write(self, relative: str, content: bytes) -> Stored:
        """Write a whole file, replacing an older one at once; on disk when this returns."""
        target, path = self.path(relative), self._new_scratch()
        with self._or_discarded(path), said_plainly(f"write {relative}"):
            self._syncs.make_folder(target.parent)
            with disk.opened_new(path) as fd:
                disk.write_all(fd, content)
                os.fchmod(fd, 0o400)
                self._syncs.file(fd)
            path.replace(target)
            self._syncs.owe(target.parent)
        self._mine.discard(path)
        self.sync()
        return Stored(relative, new_digest(content).hexdigest(), len(content))

    def path(self, relative: str) -> Path:
        """Return the absolute path of something inside the spool or the archive.

        Raises:
            SpoolError: it would lead out of them.

        """
        parts = PurePosixPath(relative).parts
        if parts[:1] not in (("spool",), ("archive",)) or ".." in parts:
            raise SpoolError(f"{relative!r} is no place in the spool")
        return self.state.joinpath(*parts)

    def verify(self, relative: str, sha256: str) -> Path:
        """Check that a file is still what the ledger says and return its absolute path.

        Raises:
            SpoolError: it is missing, unreadable or was altered.

        """
        path = self.path(relative)
        with said_plainly(f"read {relative}"):
            found, _ = disk.digest_at(path)
        if found != sha256:
            raise SpoolError(f"{relative} was altered: its digest is {found}, the ledger says {sha256}")
        return path

    def archive(self, day: str, submission: str, papers: Papers, **about: object) -> list[Paper]:
        """Archive papers, each under a name of its own, with a manifest; return them as they are there.

        `day` is YYYY/MM/DD, `about` what the manifest tells besides; the manifest comes last. The folder appears
        whole and on disk, or not at all. Archiving the same again changes nothing; archiving something else makes
        another folder, `<submission>-2`, and so on.

        Raises:
            SpoolError: a paper is not what its digest says, or the archive could not be written.

        """
        wanted, told = self.path(f"archive/{day}/{submission}"), {"submission": submission, **about}
        folder = self.scratch()
        try:
            with said_plainly(f"archive {submission}"):
                manifest = archive.build(self.state, folder, papers, told, self._syncs)
                self._syncs.make_folder(wanted.parent)
                place = archive.shelve(folder, wanted, manifest)
                self._syncs.owe(place.parent)
            self.sync()
        finally:
            self.discard(folder)
        return archive.papers_at(str(place.relative_to(self.state)), papers, manifest)

    def sweep(self, older_than: float, now: float) -> list[str]:
        """Remove scratch that is not in use and older than so many seconds; return the names."""
        swept = []
        with said_plainly("sweep the scratch of the spool"):
            for name in self._names("spool/tmp"):
                path = self._tmp / name
                with suppress(FileNotFoundError):
                    if path not in self._mine and path.lstat().st_mtime < now - older_than:
                        disk.remove(path)
                        swept.append(name)
        return swept

    def orphans(self, known: Collection[str]) -> list[str]:
        """Return originals and batches the ledger does not know, and what was set aside; all are kept."""
        named = set(known)
        there = [f"{relative}/{name}" for relative in _NAMED for name in self._names(relative)]
        return [path for path in there if path not in named]

    def _copy(self, fd: int, path: Path, limit: int) -> Taken | None:
        digest, size = new_digest(), 0
        with ExitStack() as stack:
            with said_plainly(_WRITE):
                copy = stack.enter_context(disk.opened_new(path))
            while size <= limit and (chunk := os.pread(fd, min(disk.CHUNK, limit + 1 - size), size)):
                digest.update(chunk)
                size += len(chunk)
                self.alive()
                with said_plainly(_WRITE):
                    disk.write_all(copy, chunk)
            if size > limit:
                return None
            with said_plainly(_WRITE):
                os.fchmod(copy, 0o400)
                self._syncs.file(copy)
        return Taken(path, digest.hexdigest(), size)

    def _place(self, source: Path, relative: str, digest: str) -> None:
        target = self.state / relative
        try:
            disk.move(source, target)
        except FileExistsError:
            if _is_plain(target) and disk.digest_at(target)[0] == digest:
                disk.remove(source)
            else:
                aside = self.state / _QUARANTINE / f"{target.name}-{secrets.token_hex(4)}"
                disk.move(target, aside)
                self._syncs.owe(aside.parent)
                disk.move(source, target)
        self._syncs.owe(target.parent)

    def _new_scratch(self) -> Path:
        path = self._tmp / secrets.token_hex(8)
        self._mine.add(path)
        return path

    @contextmanager
    def _or_discarded(self, path: Path) -> Iterator[None]:
        """Remove scratch again if what is done with it fails; the first error is the one to tell."""
        with ExitStack() as stack:
            stack.callback(self._discard_quietly, path)
            yield
            stack.pop_all()

    def _discard_quietly(self, path: Path) -> None:
        with suppress(SpoolError):
            self.discard(path)

    def _names(self, relative: str) -> list[str]:
        with said_plainly(f"look into {relative}"), suppress(FileNotFoundError):
            return sorted(path.name for path in (self.state / relative).iterdir())
        return []


def _is_plain(path: Path) -> bool:
    return stat.S_ISREG(path.lstat().st_mode)
