"""The systemd unit: sound, closed to what the agent does not need, and open to what it does."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import pytest

from agent.settings.shipped import shipped
from tests.running import PATIENCE, TOP, Installation, arrived, put
from tests.servers import wait_until

SYSTEMD = shipped("config") / "systemd"
UNIT = (SYSTEMD / "impact-agent.service").read_text(encoding="utf-8")
FEED = """\
level: item
template: impact-items.csv.j2
headers: impact
destination: there
settle: 0s
"""
SOURCE = b"ActionTrackerID,Oid,SKU,Amount,Quantity,Reason\n16027,A,RED-1,0,0,ITEM_RETURNED\n"
_AS_ROOT = {"fchown"}  # SQLite gives its files away only where it runs as root, as these tests may


def values(key: str) -> list[str]:
    """Return what the unit says behind a key, each line."""
    return re.findall(f"^{key}=(.*)$", UNIT, re.MULTILINE)


def analyzed(*words: str) -> subprocess.CompletedProcess[str]:
    """Ask systemd-analyze, which needs no running systemd for this."""
    return subprocess.run(
        ["systemd-analyze", "--no-pager", *words], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture
def unit(tmp_path):
    """Return a function that writes the unit with a drop-in below it."""

    def made(more: str = "") -> str:
        path = tmp_path / "impact-agent.service"
        text = UNIT.replace("/usr/bin/impact-agent", sys.executable)
        path.write_text(f"{text}\n{more}", encoding="utf-8")
        return str(path)

    return made


def exposure(path: str) -> float:
    """Return the overall exposure level that systemd finds."""
    told = analyzed("security", "--offline=true", path)
    return float(re.findall(r"Overall exposure level for .*: ([0-9.]+)", told.stdout)[0])


def test_the_unit_is_sound(unit):
    """Systemd finds no mistake in it, not even a key it does not know."""
    told = analyzed("verify", unit())
    assert (told.returncode, told.stdout + told.stderr) == (0, "")


def test_its_exposure_is_low(unit):
    """At most 1.1, and no more than 1.0 with the list of allowed addresses; a bare unit has more than 9."""
    assert exposure(unit()) <= 1.1
    assert exposure(unit((SYSTEMD / "allow-list.conf").read_text(encoding="utf-8"))) <= 1.0


def test_lifecycle_is_as_the_agent_does_it():
    """Notify, a watchdog, a reload by SIGHUP, more time to stop than the agent takes."""
    assert values("Type") == ["notify"]
    assert values("WatchdogSec") == ["30s"]
    assert values("ExecReload") == ["/bin/kill -HUP $MAINPID"]
    assert values("KillMode") == ["mixed"]
    assert values("TimeoutStopSec") == ["90s"]
    assert values("Restart") == ["on-failure"]  # a watchdog that starves is a failure, too
    assert values("StateDirectoryMode") == ["0700"]


def allowed() -> set[str]:
    """Return the system calls that the unit lets the agent make."""
    found: set[str] = set()
    for line in values("SystemCallFilter"):
        names = line.lstrip("~").split()
        calls = {call for name in names for call in (of_set(name) if name.startswith("@") else {name})}
        found = found - calls if line.startswith("~") else found | calls
    return found | of_set("@default")


def of_set(name: str) -> set[str]:
    """Return the system calls of one of systemd's sets, with those of the sets in it."""
    listed = re.findall(r"^    (\S+)$", analyzed("syscall-filter", name).stdout, re.MULTILINE)
    assert listed, name
    return {call for one in listed for call in (of_set(one) if one.startswith("@") else {one})}


def test_it_permits_every_system_call_the_agent_makes(install, sshd, inbox, tmp_path):
    """Traced from the start over a file, a delivery and a reload to the stop, with the preparing processes.

    No memory is both written and executed (MemoryDenyWriteExecute), no socket is of another family.
    """
    installation: Installation = install(sshd, directory=str(inbox), sweeps=False)
    drop = installation.feed("shop", FEED)
    trace, program = tmp_path / "trace", shutil.which("strace")
    assert program, "strace is not here"
    command = [program, "-f", "-qq", "-o", str(trace), "-e", "signal=none", *installation.command("run")]
    with (tmp_path / "log").open("wb") as log:
        traced = subprocess.Popen(command, cwd=TOP, stdin=subprocess.DEVNULL, stderr=log)
    try:
        put(drop, "refunds.csv", SOURCE)
        wait_until(lambda: arrived(inbox) and any((drop / "done").iterdir()), "the file to be told", PATIENCE)
        agent = int(trace.read_text(errors="replace").split(maxsplit=1)[0])
        os.kill(agent, 1)  # SIGHUP
        wait_until(lambda: "settings.reloaded" in (tmp_path / "log").read_text(), "the reload", PATIENCE)
        os.kill(agent, 15)
        assert traced.wait(PATIENCE) == 0
    finally:
        traced.kill()
        traced.wait()
    lines = trace.read_text(errors="replace").splitlines()
    calls = set(re.findall(r"^\d+ +([a-z_0-9]+)\(", "\n".join(lines), re.MULTILINE))
    assert len(calls) > 50
    assert {"prlimit64", "renameat2", "fsync", "clone"} & calls >= {"prlimit64", "fsync"}
    assert sorted(calls - allowed() - _AS_ROOT) == []
    executed = [line for line in lines if "PROT_EXEC" in line]
    assert executed
    assert [line for line in executed if "PROT_WRITE" in line or " mprotect(" in line] == []
    (families,) = values("RestrictAddressFamilies")
    used = {family for line in lines for family in re.findall(r" socket(?:pair)?\((\w+)", line)}
    assert used - set(families.split()) == set()
