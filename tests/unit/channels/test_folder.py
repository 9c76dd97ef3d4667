"""The `folder` channel: its settings, what it writes, and what follows from each failure of a disk."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from agent.channels.folder import Channel, Options, UnclearError, classify
from agent.errors import Permanent, Transient, UnknownOutcome
from agent.net.failures import ChangedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def to(inbox: Path) -> Callable[..., Channel]:
    """Make channels into the folder `inbox`."""
    return lambda **changes: Channel(
        Options.model_validate({"directory": str(inbox), **changes}), pytest.fail
    )


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), Transient),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), Transient),
        (OSError(errno.EIO, "Input/output error"), Transient),
        (OSError(errno.ESTALE, "Stale file handle"), Transient),
        (OSError(errno.EMFILE, "Too many open files"), Transient),
        (OSError(errno.ENOENT, "No such file or directory"), Permanent),
        (OSError(errno.ENOTDIR, "Not a directory"), Permanent),
        (OSError(errno.ELOOP, "Too many levels of symbolic links"), Permanent),
        (OSError(errno.EACCES, "Permission denied"), Permanent),
        (OSError(errno.EPERM, "Operation not permitted"), Permanent),
        (OSError(errno.EROFS, "Read-only file system"), Permanent),
        (OSError(errno.ENAMETOOLONG, "File name too long"), Permanent),
        (OSError(errno.EOPNOTSUPP, "Operation not supported"), Permanent),
        (ChangedError("changed"), Permanent),
        (UnclearError("another content"), UnknownOutcome),
    ],
)
def test_what_follows(error: Exception, verdict: type) -> None:
    """Each failure has one consequence; once it was renamed, every one of them is a doubt."""
    assert type(classify(error)) is verdict
    assert type(classify(error, visible=True)) is UnknownOutcome
    assert classify(error).evidence


def test_settings_have_safe_defaults() -> None:
    """Absence proves nothing, and only owner and group read."""
    options = Options.model_validate({"directory": "/srv/pull"})
    assert (options.sweeps, options.mode, options.in_doubt) == (True, 0o640, "hold")
    assert Options.model_validate({"directory": "/srv/pull", "mode": "0600"}).mode == 0o600
    assert Options.model_validate({"directory": "/srv/pull", "mode": "644"}).mode == 0o644


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"directory": "pull"}, "whole path"),
        ({"directory": "/srv/../pull"}, "whole path"),
        ({"mode": "rw-r-----"}, "three octal digits"),
        ({"mode": "0888"}, "three octal digits"),
        ({"mode": "4755"}, "three octal digits"),
        ({"mode": "0666"}, "lets everybody change"),
        ({"host": "example.net"}, "Extra inputs"),
    ],
)
def test_mistakes_in_settings_are_refused(changes: dict[str, Any], words: str) -> None:
    """Every mistake is found when the settings are read."""
    with pytest.raises(ValidationError, match=words):
        Options.model_validate({"directory": "/srv/pull", **changes})


@pytest.mark.parametrize("mode", ["0640", "0600", "0444"])
def test_who_may_read(to: Any, inbox: Path, make_parcel: Any, mode: str) -> None:
    """The file has the mode of the settings, whatever the process's mask."""
    parcel = make_parcel()
    before = os.umask(0o077)
    try:
        to(mode=mode).send(parcel, lambda: None)
    finally:
        os.umask(before)
    assert stat.S_IMODE((inbox / parcel.name).stat().st_mode) == int(mode, 8)


def test_a_link_in_place_of_the_folder(tmp_path: Path, to: Any, inbox: Path, make_parcel: Any) -> None:
    """Where it leads may change: the path itself has to be written."""
    (tmp_path / "link").symlink_to(inbox)
    for act in ("send", "look"):
        channel = to(directory=str(tmp_path / "link"))
        with pytest.raises(Permanent, match="link"):
            channel.send(make_parcel(), pytest.fail) if act == "send" else channel.look(make_parcel())
    assert list(inbox.iterdir()) == []


@pytest.mark.parametrize("kind", ["link", "loose link", "folder", "pipe"])
def test_something_else_under_the_name(
    tmp_path: Path, to: Any, inbox: Path, make_parcel: Any, kind: str
) -> None:
    """No link is followed and nothing is replaced, not even by the same bytes behind a link."""
    parcel = make_parcel()
    place = inbox / parcel.name
    makers: dict[str, Callable[[], object]] = {
        "link": lambda: place.symlink_to(parcel.path),
        "loose link": lambda: place.symlink_to(tmp_path / "nowhere"),
        "folder": place.mkdir,
        "pipe": lambda: os.mkfifo(place),
    }
    makers[kind]()
    before = os.lstat(place)
    with pytest.raises(UnknownOutcome, match="taken already"):
        to().send(parcel, lambda: None)
    assert to().look(parcel).found is None
    assert os.lstat(place) == before
    assert [path.name for path in inbox.iterdir()] == [parcel.name]
    assert not (tmp_path / "nowhere").exists()


def test_a_link_under_the_temporary_name(tmp_path: Path, to: Any, inbox: Path, make_parcel: Any) -> None:
    """Somebody who may write there cannot make us write elsewhere."""
    parcel = make_parcel()
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (inbox / f".{parcel.name}.1.part").symlink_to(victim)
    to().send(parcel, lambda: None)
    assert victim.read_bytes() == b"precious"
    assert (inbox / parcel.name).read_bytes() == parcel.path.read_bytes()


def test_taken_away_at_once(to: Any, inbox: Path, make_parcel: Any, monkeypatch: Any) -> None:
    """Gone before we looked: sent, where files are taken away; else nobody can tell."""
    fsync = os.fsync

    def sweep(fd: int) -> None:
        fsync(fd)
        for path in inbox.glob("*.csv"):  # once the folder is synced, the puller comes
            path.unlink()

    monkeypatch.setattr(os, "fsync", sweep)
    assert to().send(make_parcel(), lambda: None).how == "swept"
    with pytest.raises(UnknownOutcome, match="is said to take any away"):
        to(sweeps=False).send(make_parcel(), lambda: None)


@pytest.mark.parametrize("call", [1, 2])
@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_a_disk_that_does_not_keep(
    to: Any, inbox: Path, make_parcel: Any, monkeypatch: Any, call: int, number: int
) -> None:
    """Not on disk before the rename: nothing shows. Behind it: nobody can tell."""
    fsync, calls = os.fsync, iter(range(1, 9))

    def fail(fd: int) -> None:
        if next(calls) == call:
            raise OSError(number, os.strerror(number))
        fsync(fd)

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(Transient if call == 1 else UnknownOutcome):
        to().send(make_parcel(), lambda: None)
    assert len(list(inbox.iterdir())) == call - 1


def test_what_was_left_proves_that_it_was_not_renamed(to: Any, inbox: Path, make_parcel: Any) -> None:
    """The temporary file of the attempt before is there: it goes, and nothing was published."""
    parcel = make_parcel(attempt=2)
    (inbox / f".{parcel.name}.1.part").write_bytes(b"half")
    assert to().look(parcel).found is False
    assert list(inbox.iterdir()) == []


def test_a_full_disk(to: Any, inbox: Path, make_parcel: Any) -> None:
    """There may be room later; no half stays."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", inbox], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        with pytest.raises(Transient, match="disk is full"):
            to().send(make_parcel(b"q" * 3_000_000), pytest.fail)
        assert list(inbox.iterdir()) == []
        subprocess.run(["mount", "-o", "remount,ro", inbox], check=True)
        with pytest.raises(Permanent, match="only be read"):
            to().send(make_parcel(), pytest.fail)
    finally:
        subprocess.run(["umount", "-l", inbox], check=True)
