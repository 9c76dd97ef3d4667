"""The agent as people run it: settings in a folder, a process that is started and stopped, and commands."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, Self

import yaml

from agent.ledger.ledger import Ledger
from tests.servers import Sshd, user_name, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

TOP = Path(__file__).resolve().parents[1]
STOP = 30.0  # seconds an agent has to end after SIGTERM
PATIENCE = 60.0  # seconds tests wait for something that takes one on a quiet machine
OWN_FOLDERS = ("working", "sent", "done", "attention")


class Reached(Protocol):
    """Whatever has settings of a destination that reach it."""

    inbox: Path  # what arrives is in it

    def reached(self) -> dict[str, Any]:
        """Return them, as they stand in agent.yaml."""


class PullFolder:
    """A folder of this machine that somebody pulls from."""

    def __init__(self, inbox: Path) -> None:
        self.inbox = inbox
        inbox.mkdir(parents=True)

    def reached(self) -> dict[str, Any]:
        """Return the settings of a destination that is this folder."""
        return {"type": "folder", "directory": str(self.inbox)}


class Installation:
    """Settings, drop folder and state below one folder, and one destination named `there`."""

    def __init__(self, folder: Path, server: Sshd | Reached, **destination: Any) -> None:
        self.folder = folder
        self.config, self.state, self.drop = folder / "config", folder / "state", folder / "drop"
        (self.config / "feeds").mkdir(parents=True)
        (self.config / "templates").mkdir()
        self._processes: list[Agent] = []
        self.settings: dict[str, Any] = {"version": 1, "drop": "../drop", "state": "../state", "scan": "1s"}
        self.settings["destinations"] = {"there": {**reached(server), **destination}}
        self.save()

    def save(self) -> None:
        """Write `agent.yaml` as `settings` say."""
        (self.config / "agent.yaml").write_text(yaml.safe_dump(self.settings), encoding="utf-8")

    def feed(self, name: str, text: str, template: str = "") -> Path:
        """Write a feed's YAML (behind its name) and template; return its drop folder."""
        (self.config / "feeds" / f"{name}.yaml").write_text(f"name: {name}\n{text}", encoding="utf-8")
        if template:
            (self.config / "templates" / f"{name}.csv.j2").write_text(template, encoding="utf-8")
        folder = self.drop / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def run(self, *words: str, **environment: str) -> Agent:
        """Start `impact-agent run`, with more words and more in its environment."""
        log = self.folder / f"run-{len(self._processes)}.log"
        self._processes.append(Agent(self.command("run", *words), log, environment))
        return self._processes[-1]

    @property
    def latest(self) -> Agent:
        """The agent started last."""
        return self._processes[-1]

    def command(self, *words: str) -> list[str]:
        """Return a command line of the agent."""
        return [sys.executable, "-m", "agent", "-c", str(self.config), *words]

    def ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            self.command(*words), cwd=TOP, capture_output=True, text=True, timeout=PATIENCE, check=False
        )

    def told(self, *words: str) -> Any:
        """Return what a command says with `--json`."""
        ended = self.ask(*words, "--json")
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    @contextlib.contextmanager
    def ledger(self) -> Iterator[Ledger]:
        """Open the ledger beside whoever is at work."""
        with Ledger.open(self.state / "ledger.db", must_exist=True, thorough=False) as ledger:
            yield ledger

    def end(self) -> None:
        """Kill what is still running."""
        for process in self._processes:
            process.kill()


class Agent:
    """One running `impact-agent run`; its log is JSON lines in a file."""

    def __init__(
        self, command: list[str], log: Path, environment: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.log = log
        surroundings = {**os.environ, **environment}
        with log.open("wb") as stream:
            self.process = subprocess.Popen(
                command,
                cwd=TOP,
                stdin=subprocess.DEVNULL,
                stderr=stream,
                env=surroundings,
                preexec_fn=_heeding_ctrl_c,  # noqa: PLW1509 - nothing but a system call
            )

    def events(self, event: str = "") -> list[dict[str, Any]]:
        """Return what was logged so far, or only the events of one name, or of the names below `name.`."""
        *lines, _ = self.log.read_text(encoding="utf-8").split("\n")  # the last one may be half written
        found = [json.loads(line) for line in lines if line.startswith("{")]
        wanted = str.startswith if event.endswith(".") else str.__eq__
        return [each for each in found if not event or wanted(each["event"], event)]

    def wait_for(self, event: str, count: int = 1, seconds: float = PATIENCE) -> dict[str, Any]:
        """Wait until an event was logged so often; return the last one."""
        self.wait_until(lambda: len(self.events(event)) >= count, f"{count} times {event}", seconds)
        return self.events(event)[-1]

    def wait_until(self, true: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
        """Wait for something to become true while the agent runs."""
        wait_until(lambda: true() or self.process.poll() is not None, what, seconds)
        assert true(), f"the agent ended with {self.process.returncode} before {what}: {self.log.read_text()}"

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; return its exit code."""
        self.process.send_signal(sign)
        return self.process.wait(STOP)

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> Self:
        self.wait_for("agent.started")
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def _heeding_ctrl_c() -> None:
    """Heed SIGINT also where the tests themselves run in the background, which has shells ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def reached(server: Sshd | Reached) -> dict[str, Any]:
    """Return the settings of a destination that reach a server, or a folder."""
    retries = {"first": "200ms", "at_most": "1s"}
    if not isinstance(server, Sshd):
        return {**server.reached(), "retries": retries}
    return {
        "type": "sftp",
        "host": "127.0.0.1",
        "port": server.port,
        "username": user_name(),
        "private_key": {"file": str(server.user_key)},
        "host_keys": [server.host_key_line],
        "directory": str(server.inbox),
        "retries": retries,
    }


def put(folder: Path, name: str, content: bytes) -> Path:
    """Drop a file as careful senders do: written under a hidden name, then renamed."""
    hidden = folder / f".{name}"
    hidden.write_bytes(content)
    return hidden.rename(folder / name)


def left_in(folder: Path) -> list[str]:
    """Return the names in a drop folder that are not the agent's own folders."""
    return sorted(path.name for path in folder.iterdir() if path.name not in OWN_FOLDERS)


def told_in(folder: Path, kind: str) -> dict[str, dict[str, bytes]]:
    """Return what stands in `done`, `attention` or `sent`: by original name, the files by name with their bytes."""
    if not (folder / kind).exists():  # made when something has to be told in it
        return {}
    return {
        place.name.partition("--")[2]: {file.name: file.read_bytes() for file in place.iterdir()}
        for place in sorted((folder / kind).iterdir())
    }


def arrived(inbox: Path) -> dict[str, bytes]:
    """Return what a receiver has under final names."""
    return {path.name: path.read_bytes() for path in inbox.iterdir() if not path.name.startswith(".")}
