from __future__ import annotations

import os

import pytest

from agent.spool import move_without_overwrite


@pytest.fixture
def moving(tmp_path):
    """Open two folders and return a function that moves between them."""
    folders = [tmp_path / name for name in ("from", "to")]
    for folder in folders:
        folder.mkdir()
    fds = [os.open(folder, os.O_RDONLY) for folder in folders]
    yield (*folders, lambda src, dst: move_without_overwrite(fds[0], src, fds[1], dst))
    for fd in fds:
        os.close(fd)


@pytest.mark.parametrize("name", ["a.csv", "-rf", "ä\udcff", "x" * 255])
def test_a_move_takes_any_name(moving, name):
    """The file is at its new place and no longer at its old one."""
    source, target, move = moving
    (source / name).write_bytes(b"x")
    move(name, name)
    assert (list(source.iterdir()), (target / name).read_bytes()) == ([], b"x")


@pytest.mark.parametrize("kind", ["write_bytes", "mkdir", "symlink_to"])
def test_a_move_never_overwrites(moving, kind):
    """Whatever stands there: a file, an empty folder or a dangling link."""
    source, target, move = moving
    (source / "a").write_bytes(b"mine")
    getattr(target / "a", kind)(*{"write_bytes": [b"theirs"], "symlink_to": ["nowhere"]}.get(kind, []))
    with pytest.raises(FileExistsError):
        move("a", "a")
    assert (source / "a").read_bytes() == b"mine"


def test_a_move_of_nothing_is_told(moving):
    """The error names what is missing."""
    with pytest.raises(FileNotFoundError, match="gone"):
        moving[2]("gone", "a")
