from __future__ import annotations

import os

import pytest

from tests.unit.spool.rest import MIB, digest, take, tree


@pytest.mark.parametrize("content", [b"", b"Oid\r\n1\r\n", bytes(range(256)) * 9000, b"x" * 2 * MIB])
def test_a_copy_is_exact(spool, content):
    """Bytes, digest and size are those of the source, whatever its size."""
    taken = take(spool, content)
    assert (taken.path.read_bytes(), taken.sha256, taken.size) == (content, digest(content), len(content))


def test_the_whole_file_is_copied_wherever_it_was_read(spool, tmp_path):
    """The descriptor's place does not matter, and it stays the caller's."""
    (tmp_path / "dropped").write_bytes(b"12345")
    with (tmp_path / "dropped").open("rb") as file:
        file.read(3)
        assert spool.take(file.fileno(), limit=9).size == 5
        assert file.read() == b"45"


@pytest.mark.parametrize(("size", "fits"), [(9, True), (10, True), (11, False), (3 * MIB, False)])
def test_a_file_over_the_limit_leaves_nothing(spool, size, fits):
    """A file of just the limit is taken, a longer one is not, and its copy is gone."""
    assert (take(spool, b"x" * size, limit=10) is not None) == fits
    assert len(tree(spool.state)) == int(fits)


def test_a_source_that_cannot_be_read_is_no_fault_of_the_spool(spool, tmp_path):
    """It is told as the system's error about the source, and nothing is left."""
    fd = os.open(tmp_path, os.O_RDONLY)
    with pytest.raises(IsADirectoryError):
        spool.take(fd, limit=10)
    os.close(fd)
    assert tree(spool.state) == {}


def test_a_kept_original_stands_under_its_digest(spool):
    """Immutable, for the agent's eyes only, out of scratch."""
    relative = spool.keep(take(spool, b"abc"))
    spool.sync()
    assert relative == f"spool/obj/{digest(b'abc')}"
    assert tree(spool.state) == {relative: b"abc"}
    assert spool.path(relative).stat().st_mode & 0o777 == 0o400


def test_the_same_bytes_are_kept_once(spool):
    """An equal original stays as it is; the second copy goes."""
    first = spool.path(spool.keep(take(spool, b"abc"))).stat().st_ino
    assert spool.path(spool.keep(take(spool, b"abc"))).stat().st_ino == first
    assert len(tree(spool.state)) == 1


@pytest.mark.parametrize("damage", [b"abX", b"", b"abcd"])
def test_a_damaged_original_is_set_aside(spool, damage):
    """The good copy takes its place, the damaged one is kept and told of."""
    relative = spool.keep(take(spool, b"abc"))
    spool.path(relative).chmod(0o600)
    spool.path(relative).write_bytes(damage)
    spool.keep(take(spool, b"abc"))
    (orphan,) = spool.orphans({relative})
    assert orphan.startswith("spool/quarantine/")
    assert tree(spool.state) == {relative: b"abc", orphan: damage}


def test_a_link_in_an_originals_place_is_set_aside(spool, tmp_path):
    """What is no plain file is not believed, even if it leads to the right bytes."""
    (tmp_path / "elsewhere").write_bytes(b"abc")
    target = spool.path(f"spool/obj/{digest(b'abc')}")
    target.symlink_to(tmp_path / "elsewhere")
    spool.keep(take(spool, b"abc"))
    assert not target.is_symlink()
    assert len(spool.orphans({f"spool/obj/{digest(b'abc')}"})) == 1
