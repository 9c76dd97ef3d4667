"""Drop folders that go away, change, may not be read, and a machine that runs out of things."""

from __future__ import annotations

import os
import resource
import subprocess
from pathlib import Path

import pytest

from tests.dropping import NOBODY, ROOT, Drop, unprivileged


@pytest.fixture
def drop(tmp_path):
    """Make a drop folder with the usual settings."""
    made = Drop(tmp_path)
    yield made
    made.stop()


def codes(notices) -> list[str]:
    """Return the codes of notices."""
    return [notice.fault.code for notice in notices]


def test_a_folder_replaced_by_another_is_noticed_by_the_next_scan(drop):
    """An alarm, once; files in the new folder are taken, those in the old one wait in it."""
    drop.put("old.csv", b"1")
    drop.scan()
    drop.folder.rename(drop.root / "moved-away")
    drop.folder.mkdir()
    drop.put("new.csv", b"2")
    assert codes(drop.scan().news) == ["W-REPLACED"]
    assert codes(drop.scan(10).news) == []
    assert drop.states == {"RECEIVED": ["new.csv"]}
    assert (drop.root / "moved-away/old.csv").exists()


def test_a_folder_that_comes_back_is_used_again(drop):
    """While it is away that is said once; nothing is made in its place; its files are found afterwards."""
    drop.put("a.csv")
    drop.scan()
    away = drop.folder.rename(drop.root / "moved-away")
    results = [drop.scan(5) for _ in range(4)]
    assert [codes(result.news) for result in results] == [["E-FOLDER"], [], [], []]
    assert [codes(result.findings) for result in results] == [["E-FOLDER"]] * 4
    assert [result.next_look for result in results] == [None] * 4
    assert not drop.folder.exists()
    away.rename(drop.folder)
    assert codes(drop.settle().news) == []
    assert drop.states == {"RECEIVED": ["a.csv"]}


@pytest.mark.skipif(not ROOT, reason="only root may mount")
def test_a_file_system_mounted_over_the_folder_and_gone_again(drop):
    """Both changes are noticed, and what is below is found again after the mount is gone."""
    drop.put("below.csv", b"1")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "none", drop.folder], check=False, capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        drop.put("above.csv", b"2")
        drop.scan()
        drop.scan(10)
        assert drop.states == {"RECEIVED": ["above.csv"]}
        drop.stop()
    finally:
        subprocess.run(["umount", "-l", drop.folder], check=True)
    drop.start()
    drop.settle()
    assert drop.states == {"RECEIVED": ["above.csv", "below.csv"]}


@pytest.mark.skipif(not ROOT, reason="only root may mount")
def test_an_unmount_while_the_agent_runs_is_an_alarm(drop):
    """The folder below the mount is another one: that is said, and its files are found."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "none", drop.folder], check=False, capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        drop.scan()
    finally:
        subprocess.run(["umount", "-l", drop.folder], check=True)
    drop.put("a.csv")
    assert codes(drop.scan().news) == ["W-REPLACED"]
    drop.scan(10)
    assert drop.states == {"RECEIVED": ["a.csv"]}


def test_an_unreadable_file_is_named_once_and_tried_again(tmp_path):
    """No hot loop: once a minute, or when its rights change."""
    with unprivileged() as home:
        drop = Drop(home)
        path = drop.put("secret.csv")
        path.chmod(0)
        drop.put("fine.csv", b"fine")
        assert codes(drop.settle().news) == ["E-PERM"]
        later = [drop.scan(5) for _ in range(30)]
        assert [codes(result.news) for result in later] == [[]] * 30
        assert {tuple(codes(result.findings)) for result in later} == {("E-PERM",)}
        assert {result.next_look for result in later} == {None}
        assert drop.states == {"RECEIVED": ["fine.csv"]}
        path.chmod(0o600)
        drop.settle()
        assert (drop.states, drop.left()) == ({"RECEIVED": ["fine.csv", "secret.csv"]}, [])
        assert drop.scan().findings == ()
        drop.stop()


def test_an_unreadable_folder_is_named_once_and_heals():
    """One clear error for the folder, none for each file, and no loss."""
    with unprivileged() as home:
        drop = Drop(home)
        drop.put("a.csv")
        drop.scan()
        drop.folder.chmod(0)
        results = [drop.scan(5) for _ in range(5)]
        drop.folder.chmod(0o755)
        assert [codes(result.news) for result in results] == [["E-FOLDER"], [], [], [], []]
        drop.settle()
        assert drop.states == {"RECEIVED": ["a.csv"]}
        drop.stop()


def test_a_folder_that_may_not_be_written_is_refused():
    """What could not be moved away afterwards is not taken at all."""
    with unprivileged() as home:
        drop = Drop(home)
        drop.put("a.csv")
        drop.folder.chmod(0o555)
        assert codes(drop.settle().findings) == ["E-FOLDER"]
        assert drop.states == {}
        drop.folder.chmod(0o755)
        drop.stop()


@pytest.mark.skipif(not ROOT, reason="only root can drop a file as somebody else")
def test_another_users_file_in_a_sticky_folder_is_not_taken():
    """It could not be moved away, so it would come again and again: it stays, named once, nothing is lost."""
    with unprivileged() as home:
        drop = Drop(home)
        path = drop.put("theirs.csv")
        drop.put("ours.csv", b"ours")
        os.seteuid(0)
        os.chown(drop.folder, 0, 0)
        drop.folder.chmod(0o1777)
        os.chown(path, 1234, 1234)
        path.chmod(0o644)
        os.seteuid(NOBODY)
        assert codes(drop.settle().news) == ["E-STUCK"]
        assert codes(drop.scan(120).news) == []
        assert (drop.states, drop.left()) == ({"RECEIVED": ["ours.csv"]}, ["theirs.csv"])
        drop.stop()


def test_too_few_descriptors_leave_files_where_they_are(drop):
    """Some are taken, the rest waits; nothing leaks, and all is taken once there are enough again."""
    for number in range(20):
        drop.put(f"{number}.csv", b"%d" % number)
    drop.scan()
    before = sorted(path.name for path in Path("/proc/self/fd").iterdir())
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(before) + 3, hard))  # new ones get the lowest numbers
    try:
        results = [drop.scan(10) for _ in range(10)]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert (codes(results[0].news), results[0].next_look) == (["W-SHORT"], None)
    assert sum(len(result.taken) for result in results) > 0
    assert sorted(path.name for path in Path("/proc/self/fd").iterdir()) == before
    drop.seconds += 10
    drop.drain()
    assert (drop.left(), drop.scan().findings, sum(drop.names.values())) == ([], (), 20)


def test_a_full_spool_leaves_files_where_they_are(drop):
    """What does not fit waits, said once; what fits is taken; it heals by itself and leaves no scratch."""
    drop.put("big.csv", b"x" * 4_000_000)
    drop.put("small.csv", b"x")
    drop.scan()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))
    try:
        results = [drop.scan(10), drop.scan(10), drop.scan(10)]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [codes(result.news) for result in results] == [["W-SHORT"], [], []]
    assert (drop.left(), [*(drop.root / "state/spool/tmp").iterdir()]) == (["big.csv"], [])
    drop.scan(10)
    assert (drop.left(), drop.scan().findings) == ([], ())
