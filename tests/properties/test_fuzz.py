"""Whatever the bytes, readers of files, of acknowledgements and of names come back, soon, and say what they found."""

from __future__ import annotations

import gc
import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.fuzzing.targets import targets

ROOT = Path(__file__).resolve().parents[2]
NAMES = tuple(targets())
SMOKE = 10  # seconds for all together
LONG = float(os.environ.get("FUZZ_SECONDS", "1800"))  # each
AT_ONCE = os.cpu_count() or 1
MEGABYTE = 2**20


def _started(name, seconds, folder):
    command = [sys.executable, "-m", "tests.fuzzing", name, str(seconds), str(folder)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def _found(name, fuzzer):
    """Wait; return what a fuzzer found, or how often it tried."""
    told, _ = fuzzer.communicate()
    words = told.decode(errors="replace")
    tried = re.search(r"number_of_executed_units: *(\d+)", words)
    return (name, words[:200] + words[-20_000:] if fuzzer.returncode or not tried else ""), tried and int(
        tried[1]
    )


def test_some_seconds_of_each(tmp_path):
    """All targets side by side; each gets through a good number of inputs and finds nothing."""
    fuzzers = {name: _started(name, SMOKE, tmp_path) for name in NAMES}
    ended = [_found(name, fuzzer) for name, fuzzer in fuzzers.items()]
    assert [found for found, _ in ended if found[1]] == []
    assert all(tried >= len(targets()[name].seeds) for (name, _), tried in ended)


@pytest.mark.soak
@pytest.mark.parametrize("name", NAMES)
def test_long(name, tmp_path):
    """Half an hour each, or FUZZ_SECONDS."""
    found, _ = _found(name, _started(name, LONG, tmp_path))
    assert found == (name, "")


@pytest.mark.parametrize("name", NAMES)
def test_no_time_grows_with_the_square_of_the_length(name):
    """Pieces of good inputs again and again, up to a megabyte: a second at most, or eight times an eighth."""
    target, dice = targets()[name], random.Random(name)  # noqa: S311 - the same every time
    for seed in target.seeds[:3]:
        for _ in range(4):
            at = dice.randrange(len(seed))
            piece = seed[at : at + dice.randint(1, 24)]
            times = (MEGABYTE - len(seed)) // len(piece)
            whole = _seconds(target, seed[:at] + piece * times + seed[at:])
            assert whole < 5, piece
            if whole > 1:  # many small records
                assert whole < 14 * _seconds(target, seed[:at] + piece * (times // 8) + seed[at:]), piece


def _seconds(target, content):
    """Return the better of two tries, without looking through what other tests left behind."""
    gc.collect()
    gc.freeze()
    try:
        return min(_once(target, content), _once(target, content))
    finally:
        gc.unfreeze()


def _once(target, content):
    began = time.process_time()
    target.bears(content)
    return time.process_time() - began
