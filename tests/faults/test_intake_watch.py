"""The watch over drop folders: it wakes for what matters, dies of nothing for good, and may be missing."""

from __future__ import annotations

import ctypes
import os
import threading
import time
from contextlib import ExitStack

import pytest

from agent.watch import Watch
from tests.dropping import Drop, unprivileged

LIBC = ctypes.CDLL(None, use_errno=True)

PATIENCE = 10.0  # seconds given to another thread; no test needs them to pass


class Alarm:
    """Counts how often it was rung, and can be waited for."""

    def __init__(self) -> None:
        self.rung = 0
        self.change = threading.Condition()

    def ring(self) -> None:
        """Be rung."""
        with self.change:
            self.rung += 1
            self.change.notify_all()

    def waits_for(self, times: int) -> bool:
        """Wait until it was rung so often in all."""
        with self.change:
            return self.change.wait_for(lambda: self.rung >= times, PATIENCE)


@pytest.fixture
def alarm():
    """Make an alarm."""
    return Alarm()


@pytest.fixture
def folder(tmp_path):
    """Make a drop folder with a folder in it."""
    (tmp_path / "shop" / "working").mkdir(parents=True)
    return tmp_path / "shop"


@pytest.fixture
def watch(alarm, folder):
    """Watch over the drop folder."""
    made = Watch([folder], alarm.ring)
    made.start()
    yield made
    made.stop()


def test_a_file_that_is_closed_or_moved_in_wakes(watch, alarm, folder):
    """These are the two ways in which a file is finished."""
    (folder / "a.csv").write_bytes(b"1")
    assert alarm.waits_for(1)
    (folder.parent / "b.csv").write_bytes(b"2")
    (folder.parent / "b.csv").rename(folder / "b.csv")
    assert alarm.waits_for(2)
    (folder / "b.csv").rename(folder / "c.csv")
    assert alarm.waits_for(3)


def test_what_the_agent_does_itself_does_not_wake(watch, alarm, folder):
    """Files it moves out, folders it makes, files begun but not finished: no reason to look."""
    (folder / "a.csv").write_bytes(b"1")
    assert alarm.waits_for(1)
    (folder / "a.csv").rename(folder / "working" / "a.csv")
    (folder / "working" / "b.csv").write_bytes(b"2")
    (folder / "done").mkdir()
    unfinished = os.open(folder / "c.csv", os.O_CREAT | os.O_WRONLY)
    (folder / "d.csv").write_bytes(b"3")  # events keep their order, so all before it would have rung by now
    assert alarm.waits_for(2)
    assert alarm.rung == 2
    os.close(unfinished)


def test_a_file_behind_one_that_left_is_not_held_back(watch, alarm, folder):
    """An Observer would hold each back for half a second, for another file left the folder before it."""
    begun = time.monotonic()
    for number in range(20):
        (folder / "a.csv").write_bytes(b"1")
        assert alarm.waits_for(number + 1)
        (folder / "a.csv").rename(folder / "working" / "a.csv")
    assert time.monotonic() - begun < 20 * 0.5 / 2


def test_a_watch_that_died_is_started_again(alarm, folder, monkeypatch):
    """Whatever a caller's hook does to the reading thread, the next scan mends it."""
    monkeypatch.setattr(threading, "excepthook", lambda _: None)  # the far side's traceback, expected here
    broken = threading.Event()

    def wake() -> None:
        if not broken.is_set():
            broken.set()
            raise RuntimeError
        alarm.ring()

    watch = Watch([folder], wake)
    watch.start()
    first = watch._reader
    (folder / "a.csv").write_bytes(b"1")
    first.join(PATIENCE)
    assert not first.is_alive()
    watch.check()
    (folder / "b.csv").write_bytes(b"2")
    assert alarm.waits_for(1)
    watch.stop()


def test_a_folder_under_the_same_name_is_watched_after_the_next_scan(watch, alarm, folder):
    """Renamed away and made anew, the kernel would watch the old one for ever, without a word."""
    folder.rename(folder.with_name("old"))
    folder.mkdir()
    watch.check()
    before = alarm.rung
    (folder / "a.csv").write_bytes(b"1")
    assert alarm.waits_for(before + 1)


def test_a_folder_that_was_removed_is_watched_once_it_is_back(watch, alarm, folder):
    """While it is gone the rest goes on; its loss rings, so that a scan says so soon."""
    (folder / "working").rmdir()
    folder.rmdir()
    assert alarm.waits_for(1)
    watch.check()
    assert not watch.polling
    folder.mkdir()
    watch.check()
    before = alarm.rung
    (folder / "a.csv").write_bytes(b"1")
    assert alarm.waits_for(before + 1)


def test_other_folders_are_watched_from_now_on(watch, alarm, folder):
    """What was watched before wakes nobody any more; the same folders again change nothing."""
    other = folder.parent / "other"
    other.mkdir()
    watch.watch_over([other])
    reader = watch._reader
    watch.watch_over([other])
    assert watch._reader is reader
    time.sleep(0.2)  # long enough for what may be rung at a change
    rung = alarm.rung
    (folder / "a.csv").write_bytes(b"1")
    time.sleep(0.2)  # long enough for a ring, were there one
    assert alarm.rung == rung
    (other / "b.csv").write_bytes(b"2")
    assert alarm.waits_for(rung + 1)
    watch.watch_over([folder, other])
    rung = alarm.rung
    (folder / "c.csv").write_bytes(b"3")
    assert alarm.waits_for(rung + 1)


def test_a_sound_watch_is_left_alone(watch):
    """A check costs next to nothing: the reading thread stays the same."""
    reader = watch._reader
    for _ in range(3):
        watch.check()
    assert watch._reader is reader


def test_stopping_gives_everything_back(alarm, folder):
    """No thread and no descriptor is left, however often it is started."""

    def open_now() -> int:
        return len([*os.scandir("/proc/self/fd")])

    threads, descriptors = threading.active_count(), open_now()
    for _ in range(20):
        watch = Watch([folder], alarm.ring)
        watch.start()
        watch.stop()
        watch.stop()
    assert (threading.active_count(), open_now()) == (threads, descriptors)


def test_without_inotify_scans_are_enough(alarm):
    """With every instance of a user taken: one warning, files are found all the same, and it heals."""
    warnings = []
    with unprivileged() as home, ExitStack() as taken:
        drop = Drop(home, settle="0s")
        watch = Watch([drop.folder], alarm.ring, warnings.append)
        while (instance := LIBC.inotify_init1(os.O_CLOEXEC)) >= 0:
            taken.callback(os.close, instance)
        watch.start()
        watch.check()
        assert watch.polling
        assert [warning.endswith("by scanning only") for warning in warnings] == [True]
        drop.put("a.csv")
        assert len(drop.scan().taken) == 1
        taken.close()
        watch.check()
        assert not watch.polling
        drop.put("b.csv")
        assert alarm.waits_for(1)
        watch.stop()
        drop.stop()
