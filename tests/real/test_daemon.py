"""The daemon as a process against OpenSSH: what comes in goes out, whatever goes wrong around it."""

from __future__ import annotations

import signal
import subprocess
import time

import pytest

from tests.oracle import assert_recorded, assert_sent_has_come, assert_told_once, at_rest
from tests.running import Installation, arrived, put, told_in
from tests.servers import Sshd, make_key, public

FEED = """\
level: item
template: impact-items.csv.j2
headers: impact
destination: there
settle: 300ms
"""
HEADER = "ActionTrackerID,Oid,SKU,Amount,Quantity,Reason"


def source(name: str, rows: int = 3) -> bytes:
    """Return a file of impact.com's own form."""
    lines = [f"16027,{name}-{number},RED-{number},0,0,ITEM_RETURNED" for number in range(rows)]
    return "".join(f"{line}\n" for line in [HEADER, *lines]).encode()


def batch(name: str, rows: int = 3) -> bytes:
    """Return what has to become of it."""
    lines = [f",{name}-{number},16027,RED-{number},0,0,,ITEM_RETURNED" for number in range(rows)]
    header = "ActionID,Oid,ActionTrackerID,SKU,Amount,Quantity,Category,Reason"
    return "".join(f"{line}\r\n" for line in [header, *lines]).encode()


@pytest.fixture
def server(start_sshd):
    """Start a server of one's own."""
    return start_sshd()


@pytest.fixture
def installation(install, server) -> Installation:
    """Make an installation with one feed, `shop`."""
    made = install(server, sweeps=False)
    made.feed("shop", FEED)
    return made


@pytest.fixture
def drop(installation):
    """Return the drop folder of `shop`."""
    return installation.drop / "shop"


def rest(installation: Installation, count: int) -> None:
    """Wait until so many files have come to rest."""

    def there() -> bool:
        with installation.ledger() as ledger:
            return len(ledger.submissions(limit=10_000)) == count and at_rest(installation)

    installation.latest.wait_until(there, f"{count} files to come to rest")


def states(installation: Installation) -> list[str]:
    """Return the states of all batches, in their order."""
    with installation.ledger() as ledger:
        found = ledger.submissions(limit=10_000)
        return [one.state for each in found for one in ledger.batches_of(each.id)]


def test_files_that_are_moved_in_and_files_that_grow(installation, drop, server):
    """A file moved in goes out at once; one that is written slowly goes out once, when it is whole."""
    whole = source("slow", 40)
    with installation.run() as agent, (drop / "slow.csv").open("wb", buffering=0) as slow:
        put(drop, "moved.csv", source("moved"))
        for start in range(0, len(whole), 100):
            slow.write(whole[start : start + 100])
            time.sleep(0.1)  # the sender's pace, shorter than the feed's settle time
        slow.close()
        rest(installation, 2)
        assert agent.stop() == 0
    assert sorted(arrived(server.inbox).values()) == sorted([batch("moved"), batch("slow", 40)])
    assert_told_once(drop, {"moved.csv": source("moved"), "slow.csv": whole})
    assert_recorded(installation, ["moved.csv", "slow.csv"])


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_is_clean_and_a_start_goes_on(sign, installation, drop, server):
    """Stopped in the middle of many files it ends with 0 within 30 s; the next start does the rest."""
    files = {f"refunds-{number}.csv": source(f"A{number}") for number in range(40)}
    for name, content in files.items():
        put(drop, name, content)
    with installation.run() as agent:
        agent.wait_for("batch.sent", 3)
        begun = time.monotonic()
        assert agent.stop(sign) == 0
        assert time.monotonic() - begun < 30
        assert [event["signal"] for event in agent.events("agent.stopping")] == [sign.name]
        assert agent.events()[-1]["event"] == "agent.stopped"
    assert 3 <= len(arrived(server.inbox)) < len(files)
    assert "SENDING" not in states(installation)
    with installation.run() as agent:
        rest(installation, len(files))
        assert agent.stop() == 0
    assert sorted(arrived(server.inbox).values()) == sorted(batch(f"A{number}") for number in range(40))
    assert_told_once(drop, files)
    assert_recorded(installation, list(files))


def test_a_stop_while_it_starts_is_clean(installation, drop, server):
    """SIGTERM as soon as it says that it has started ends it with 0, too, and nothing is lost."""
    put(drop, "refunds.csv", source("A"))
    with installation.run() as agent:
        assert agent.stop() == 0
    with installation.run() as agent:
        rest(installation, 1)
        assert agent.stop() == 0
    assert list(arrived(server.inbox).values()) == [batch("A")]


@pytest.mark.parametrize("command", ["run", "once"])
def test_a_second_agent_is_refused(command, installation, drop, server):
    """It says so and ends with 75, and the first one works on; when that has ended, the place is free."""
    with installation.run() as agent:
        second = installation.ask(command)
        assert second.returncode == 75
        assert "another agent" in second.stderr
        put(drop, "refunds.csv", source("A"))
        rest(installation, 1)
        assert agent.stop() == 0
    assert list(arrived(server.inbox).values()) == [batch("A")]
    assert installation.ask("once").returncode == 0


def test_a_server_that_is_down_is_tried_again(install, tmp_path):
    """Out of reach: DEFERRED, again and again; in reach: delivered, and told as done."""
    server = Sshd(tmp_path / "down")
    installation = install(server, sweeps=False)
    drop = installation.feed("shop", FEED)
    with installation.run() as agent:
        put(drop, "refunds.csv", source("A"))
        agent.wait_for("batch.deferred", 2)
        assert states(installation) == ["DEFERRED"]
        assert arrived(server.inbox) == {}
        with server:
            rest(installation, 1)
            assert agent.stop() == 0
    assert states(installation) == ["SENT"]
    assert list(arrived(server.inbox).values()) == [batch("A")]
    assert_told_once(drop, {"refunds.csv": source("A")})
    assert set(told_in(drop, "done")) == {"refunds.csv"}


def test_a_stranger_under_the_servers_name_gets_nothing(install, server, tmp_path):
    """Another host key: HELD, for a person; not even the login is tried. With the right key it goes out."""
    stranger = public(make_key(tmp_path / "stranger")).strip()
    installation = install(server, sweeps=False, host_keys=[stranger])
    drop = installation.feed("shop", FEED)
    put(drop, "refunds.csv", source("A"))
    with installation.run() as agent:
        agent.wait_for("batch.held")
        agent.wait_until(lambda: told_in(drop, "attention"), "the folder to be told")
        assert agent.stop() == 0
    assert states(installation) == ["HELD"]
    assert arrived(server.inbox) == {}
    assert "Accepted" not in server.log.read_text()
    assert "host key" in told_in(drop, "attention")["refunds.csv"]["report.txt"].decode()
    installation.settings["destinations"]["there"]["host_keys"] = [server.host_key_line]
    installation.save()
    (held,) = [one["batch"]["id"] for one in installation.told("status")["submissions"][0]["batches"]]
    installation.told("release", held, "--why", "the key was mended")
    with installation.run() as agent:
        rest(installation, 1)
        assert agent.stop() == 0
    assert list(arrived(server.inbox).values()) == [batch("A")]
    assert_told_once(drop, {"refunds.csv": source("A")})


def test_a_folder_that_is_replaced_while_the_agent_runs(installation, drop, server):
    """Files in the folder that took the name are found; what was told in the old one stays there."""
    with installation.run() as agent:
        put(drop, "before.csv", source("before"))
        rest(installation, 1)
        drop.rename(drop.with_name("moved-away"))
        time.sleep(0.5)  # long enough to be seen missing
        drop.mkdir()
        put(drop, "after.csv", source("after"))
        rest(installation, 2)
        assert agent.stop() == 0
    assert sorted(arrived(server.inbox).values()) == sorted([batch("before"), batch("after")])
    assert set(told_in(drop, "done")) == {"after.csv"}
    assert set(told_in(drop.with_name("moved-away"), "done")) == {"before.csv"}


@pytest.mark.parametrize("harm", ["deleted", "emptied", "overwritten"])
@pytest.mark.parametrize("command", ["run", "once"])
def test_without_its_ledger_it_does_not_start(harm, command, installation, drop, server):
    """The spool has files and the ledger is gone: nobody knows what was sent. 78, and nothing happens."""
    put(drop, "first.csv", source("first"))
    assert installation.ask("once").returncode == 0
    ledger = installation.state / "ledger.db"
    for path in installation.state.glob("ledger.db-*"):
        path.unlink()
    ledger.unlink() if harm == "deleted" else ledger.write_bytes(b"" if harm == "emptied" else b"x" * 5000)
    put(drop, "second.csv", source("second"))
    refused = installation.ask(command)
    assert refused.returncode == 78
    assert str(ledger) in refused.stderr
    assert "Traceback" not in refused.stderr
    assert list(arrived(server.inbox).values()) == [batch("first")]
    assert (drop / "second.csv").read_bytes() == source("second")


def test_the_agent_is_frozen_and_goes_on(installation, drop, server):
    """Stopped for longer than a file needs to settle, as a sleeping laptop is, it misses nothing."""
    with installation.run() as agent:
        put(drop, "first.csv", source("first"))
        rest(installation, 1)
        agent.process.send_signal(signal.SIGSTOP)
        for number in range(5):
            put(drop, f"later-{number}.csv", source(f"later-{number}"))
        time.sleep(1)
        agent.process.send_signal(signal.SIGCONT)
        rest(installation, 6)
        assert agent.stop() == 0
    names = ["first", *(f"later-{number}" for number in range(5))]
    assert sorted(arrived(server.inbox).values()) == sorted(map(batch, names))


def test_the_preparing_process_dies_and_is_replaced(installation, drop, server):
    """Killed between two files, the standing process is started anew; nothing is quarantined for it."""
    with installation.run() as agent:
        put(drop, "first.csv", source("first"))
        rest(installation, 1)
        children = subprocess.run(
            ["pgrep", "-P", str(agent.process.pid)], capture_output=True, text=True, check=True
        )
        for child in children.stdout.split():
            subprocess.run(["kill", "-KILL", child], check=True)
        put(drop, "second.csv", source("second"))
        rest(installation, 2)
        assert agent.stop() == 0
    assert sorted(arrived(server.inbox).values()) == sorted([batch("first"), batch("second")])
    assert_sent_has_come(installation, arrived(server.inbox))
