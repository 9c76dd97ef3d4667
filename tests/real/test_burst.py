"""Fifty thousand files in one burst, with real clocks and a kernel queue of 128 events."""

from __future__ import annotations

import hashlib
import logging
import shutil
import subprocess
import sys
import textwrap
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.watch import Watch
from tests.dropping import Drop

FILES = 50_000
PATIENCE = 600.0  # seconds until the test gives up; it takes about 30 on a quiet machine with two processors
SCAN = 5.0  # seconds between scans that nothing asked for
QUEUE = Path("/proc/sys/fs/inotify/max_queued_events")

SENDER = textwrap.dedent("""
    import os, sys
    os.chdir(sys.argv[1])
    for number in range(int(sys.argv[2])):
        name = f"{number:05}.csv"
        made = name + ".part" if number % 2 else name  # one half is moved in, the other written in place
        with open(made, "xb") as file:
            file.write(b"%d" % number)
        if made != name:
            os.rename(made, name)
""")


@contextmanager
def short_queue():
    """Make the kernel's event queue short for watches that start now; tell whether that was allowed."""
    before = QUEUE.read_text()
    try:
        QUEUE.write_text("128")
    except OSError:
        yield False
        return
    try:
        yield True
    finally:
        QUEUE.write_text(before)


@pytest.fixture
def drop(tmp_path):
    """Make a drop folder, and leave nothing of its many files behind."""
    made = Drop(tmp_path, settle="200ms")
    yield made
    made.stop()
    paths = [*(made.folder / "working").iterdir(), *(tmp_path / "state/spool/obj").iterdir()]
    with ThreadPoolExecutor(8) as pool:  # many times faster than one after the other
        deque(pool.map(Path.unlink, paths), maxlen=0)
    shutil.rmtree(tmp_path)


def test_a_burst_is_taken_whole_and_nothing_twice(drop, caplog):
    """Hints are lost by the thousand, files are not: the scan decides."""
    caplog.set_level(logging.WARNING, logger="watchdog")
    wake = threading.Event()
    watch = Watch([drop.folder], wake.set)
    with short_queue() as shortened:
        watch.start()
    sender = subprocess.Popen([sys.executable, "-c", SENDER, str(drop.folder), str(FILES)])
    begun = time.monotonic()
    taken, pause = 0, 0.0
    while taken < FILES and time.monotonic() - begun < PATIENCE:
        wake.wait(pause)
        wake.clear()
        watch.check()
        result = drop.intake.scan(time.time(), time.monotonic())
        assert result.aside == ()
        taken += len(result.taken)
        pause = SCAN if result.next_look is None else min(result.next_look, SCAN)
    watch.stop()
    assert sender.wait(PATIENCE) == 0
    assert any("overflow" in record.message for record in caplog.records) is shortened
    assert_all_are_there_once(drop)


def assert_all_are_there_once(drop):
    """Check names, digests and places against what the sender wrote."""
    submissions = drop.ledger.submissions(limit=2 * FILES)
    expected = {f"{number:05}.csv": hashlib.sha256(b"%d" % number).hexdigest() for number in range(FILES)}
    assert len(submissions) == FILES
    assert {submission.name: submission.sha256 for submission in submissions} == expected
    assert {submission.state for submission in submissions} == {"RECEIVED"}
    assert drop.working() == sorted(f"{submission.id}--{submission.name}" for submission in submissions)
    assert {path.name for path in (drop.root / "state/spool/obj").iterdir()} == set(expected.values())
    assert drop.left() == []
