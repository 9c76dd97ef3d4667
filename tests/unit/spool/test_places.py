from __future__ import annotations

import pytest

from agent.errors import SpoolError
from agent.model import Paper
from tests.unit.spool.rest import digest, make_scratch_file, take, tree


def test_a_new_spool_is_empty_and_private(spool):
    """Nothing is kept; nobody else may look. Making it again changes nothing."""
    spool.make()
    assert spool.is_empty()
    assert {path.stat().st_mode & 0o777 for path in spool.state.rglob("*")} == {0o700}


@pytest.mark.parametrize("relative", ["spool/out/b1", "spool/papers/s1/report.html"])
def test_a_spool_with_anything_kept_is_not_empty(spool, relative):
    """Whatever is kept anywhere asks for a ledger that knows it; scratch does not."""
    make_scratch_file(spool, b"x")
    assert spool.is_empty()
    spool.write(relative, b"x")
    assert not spool.is_empty()


@pytest.mark.parametrize("relative", ["/etc/passwd", "spool/../../x", "../spool/x", "ledger.db", "", "."])
def test_no_path_leads_out(spool, relative):
    """Not to read, not to write, not to publish."""
    for use in (spool.path, lambda path: spool.write(path, b""), lambda path: spool.verify(path, "")):
        with pytest.raises(SpoolError, match="no place in the spool"):
            use(relative)


def test_a_published_file_is_whole_and_immutable(spool):
    """It leaves scratch for its place, folders are made, digest and size are told."""
    content = b"ActionTrackerID\r\n" * 1000
    stored = spool.publish(make_scratch_file(spool, content), "spool/papers/s1/rejects.csv")
    assert (stored.path, stored.sha256, stored.size) == (
        "spool/papers/s1/rejects.csv",
        digest(content),
        17_000,
    )
    assert stored.paper("rejects") == Paper("rejects", stored.path, stored.sha256, stored.size)
    assert tree(spool.state) == {stored.path: content}
    assert spool.path(stored.path).stat().st_mode & 0o777 == 0o400


def test_publishing_the_same_again_keeps_the_first(spool):
    """A crash between publishing and the ledger's commit is repeated without harm."""
    first = spool.publish(make_scratch_file(spool, b"abc"), "spool/out/b1")
    inode = spool.path("spool/out/b1").stat().st_ino
    assert spool.publish(make_scratch_file(spool, b"abc"), "spool/out/b1") == first
    assert spool.path("spool/out/b1").stat().st_ino == inode


def test_publishing_something_else_sets_the_older_aside(spool):
    """Nothing is overwritten: the older bytes are in quarantine and told of."""
    spool.publish(make_scratch_file(spool, b"old"), "spool/out/b1")
    spool.publish(make_scratch_file(spool, b"new"), "spool/out/b1")
    (orphan,) = spool.orphans({"spool/out/b1"})
    assert tree(spool.state) == {"spool/out/b1": b"new", orphan: b"old"}


def test_a_link_is_not_published(spool, tmp_path):
    """A worker that leaves a link instead of a file publishes nothing."""
    (tmp_path / "secret").write_bytes(b"secret")
    link = spool.scratch() / "made.csv"
    link.symlink_to(tmp_path / "secret")
    with pytest.raises(SpoolError, match="publish spool/out/b1"):
        spool.publish(link, "spool/out/b1")
    assert (tmp_path / "secret").stat().st_mode & 0o777 != 0o400


def test_a_written_paper_replaces_the_older(spool):
    """A report told anew takes the place of the last one, whole."""
    spool.write("spool/papers/s1/report.txt", b"first")
    stored = spool.write("spool/papers/s1/report.txt", b"second")
    assert (stored.sha256, stored.size) == (digest(b"second"), 6)
    assert tree(spool.state) == {"spool/papers/s1/report.txt": b"second"}


def test_an_altered_file_is_not_sent(spool):
    """What the ledger says is checked against the bytes; missing ones are told, too."""
    spool.write("spool/out/b1", b"abc")
    assert spool.verify("spool/out/b1", digest(b"abc")) == spool.path("spool/out/b1")
    spool.path("spool/out/b1").chmod(0o600)
    spool.path("spool/out/b1").write_bytes(b"abd")
    with pytest.raises(SpoolError, match="out/b1 was altered"):
        spool.verify("spool/out/b1", digest(b"abc"))
    spool.path("spool/out/b1").unlink()
    with pytest.raises(SpoolError, match="No such file"):
        spool.verify("spool/out/b1", digest(b"abc"))


def test_orphans_are_told_not_removed(spool):
    """What the ledger does not name is listed and stays."""
    known = spool.keep(take(spool, b"known"))
    strange = [spool.keep(take(spool, b"strange")), spool.write("spool/out/b9", b"x").path]
    assert spool.orphans({known}) == strange
    assert len(tree(spool.state)) == 3
