from __future__ import annotations

import os
from pathlib import Path
from threading import Thread

import pytest

from tests.unit.spool.rest import make_scratch_file, tree


def test_a_sweep_removes_only_old_scratch_not_in_use(tmp_path, spool):
    """What a dead process left goes after its time; what is in use or young stays."""
    mine, gone = make_scratch_file(spool, b"mine"), tmp_path / "state/spool/tmp"
    for name, age in (("old", 7200), ("young", 60)):
        (gone / name).mkdir()
        (gone / name / "left.csv").write_bytes(b"x")
        os.utime(gone / name, (10_000 - age, 10_000 - age))
    os.utime(mine.parent, (0, 0))
    kept = spool.write("spool/out/b1", b"x")
    os.utime(spool.path(kept.path), (0, 0))
    assert spool.sweep(3600, now=10_000) == ["old"]
    assert sorted(path.name for path in gone.iterdir()) == sorted(["young", mine.parent.name])
    spool.verify(kept.path, kept.sha256)


def test_discarded_scratch_is_gone(spool):
    """With all in it; twice is fine; what is no scratch is never removed."""
    folder = make_scratch_file(spool, b"x").parent
    spool.discard(folder)
    spool.discard(folder)
    assert tree(spool.state) == {}
    for path in (spool.state / "spool" / "out", spool.state, Path("/")):
        with pytest.raises(ValueError, match="is not scratch"):
            spool.discard(path)


def test_several_threads_use_one_spool(spool):
    """Each one's files are there when its own sync returns, also where they keep the same bytes."""
    failed = []

    def work(number):
        for turn in range(15):
            relative = spool.keep(spool.take(source.fileno(), limit=99))
            stored = spool.publish(make_scratch_file(spool, b"%d" % number), f"spool/out/{number}-{turn}")
            spool.sync()
            if not (spool.path(relative).exists() and spool.path(stored.path).exists()):
                failed.append(number)

    (spool.state.parent / "same").write_bytes(b"same")
    with (spool.state.parent / "same").open("rb") as source:
        threads = [Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (failed, len(tree(spool.state))) == ([], 1 + 60)
