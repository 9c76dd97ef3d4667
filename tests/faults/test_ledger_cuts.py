"""The way of a file, cut by SIGKILL or an error of the disk at one system call after the other."""

from __future__ import annotations

import signal

import pytest

from tests.faults.ledger_way import DROPPED, go, leftovers, problems
from tests.faults.traced import new_state, run

CHANGES = (
    "fsync",
    "fdatasync",
    "renameat2",
    "rename",
    "link",
    "linkat",
    "mkdir",
    "unlink",
    "write",
    "pwrite64",
)
DISK_FULL = {
    "ENOSPC": "the disk is full",
    "EDQUOT": "the disk quota is used up",
    "EFBIG": "the file is larger than the limit",
}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Return the calls of a way that nothing disturbs."""
    state = new_state(tmp_path_factory.mktemp("undisturbed") / "state")
    code, said, calls = run(state)
    assert (code, said) == (0, "")
    return [call for call in calls if call.name in CHANGES]


def cut(folder, call, fault):
    """Go the way with a fault at one call; return exit code, words and the state folder."""
    state = new_state(folder / f"{call.name}-{call.number}")
    code, said, _ = run(state, "-e", f"inject={call.name}:{fault}:when={call.number}")
    return code, said, state


def check_goes_on(state):
    """Go on as after a restart, and check that all is as if nothing had happened."""
    assert problems(state) == []
    go(state)
    assert problems(state) + leftovers(state) == []
    assert (state / "dropped.csv").read_bytes() == DROPPED


def every(calls, step):
    """Take some calls of each kind, so that the whole way is covered: each one, or only each `step`-th."""
    kinds = {name: [call for call in calls if call.name == name] for name in CHANGES}
    return [call for some in kinds.values() for call in some[:: step if len(some) > step else 1]]


def kill_at(calls, folder):
    """Kill the way at each of these calls, each time from the start."""
    for call in calls:
        code, _, state = cut(folder, call, "signal=SIGKILL")
        assert code in (-signal.SIGKILL, 128 + signal.SIGKILL), call
        check_goes_on(state)


def test_a_kill_at_any_moment_is_gone_on_from(undisturbed, tmp_path):
    """Whatever the moment: nothing named is missing, nothing is done twice, the audit holds, the way ends."""
    some = every(undisturbed, 9)
    assert len(some) > 20
    kill_at(some, tmp_path)


@pytest.mark.soak
def test_a_kill_at_every_moment_is_gone_on_from(undisturbed, tmp_path):
    """The same at every single call."""
    kill_at(undisturbed, tmp_path)


def test_a_sync_that_fails_stops_the_agent(undisturbed, tmp_path):
    """Plain words, exit 70, no second try of that sync, and a restart that goes on."""
    syncs = [call for call in undisturbed if call.name in ("fsync", "fdatasync")]
    assert len(syncs) > 30
    for call in syncs[::4]:
        if call.name == "fdatasync" and call.paths[0].endswith("/state"):
            continue  # SQLite does not listen to the sync of its folder
        state = new_state(tmp_path / f"{call.name}-{call.number}")
        code, said, calls = run(state, "-e", f"inject={call.name}:error=EIO:when={call.number}")
        assert (code, said.count("\n")) == (70, 1), (call, said)
        failed = next(place for place, one in enumerate(calls) if one.result < 0 and "EIO" in one.text)
        again = [
            one for one in calls[failed + 1 :] if one.name == call.name and one.paths == calls[failed].paths
        ]
        assert [one for one in again if "/spool/" in one.paths[0]] == []
        check_goes_on(state)


def test_a_full_disk_is_told_and_gone_on_from(undisturbed, tmp_path):
    """Wherever room runs out, in spool or ledger: plain words, and a way on once there is room."""
    writes = [call for call in undisturbed if call.name in ("write", "pwrite64")]
    writes = [call for call in writes if not call.paths[0].endswith(("/1", "/2"))]  # what a worker writes
    spool, ledger = [
        [call for call in writes if ("/spool/" in call.paths[0]) == is_it] for is_it in (True, False)
    ]
    for call in (*spool, *ledger[5 :: len(ledger) // 6]):
        code, said, state = cut(tmp_path, call, "error=ENOSPC")
        assert (code, said.count("\n")) == (70, 1), (call, said)
        assert "full" in said, said
        check_goes_on(state)


@pytest.mark.parametrize("error", DISK_FULL)
def test_no_room_for_a_copy_leaves_nothing_behind(undisturbed, tmp_path, error):
    """The words name what is used up, the copy is gone, the dropped file untouched."""
    first = next(call for call in undisturbed if call.name == "write" and "/spool/" in call.paths[0])
    code, said, state = cut(tmp_path, first, f"error={error}")
    assert (code, DISK_FULL[error] in said) == (70, True), said
    assert list((state / "spool/tmp").iterdir()) == []
    check_goes_on(state)
