"""Nothing secret and nothing of a customer's is seen where it does not belong, whatever goes wrong.

Each secret and each bit of customer data is a word that stands nowhere else. It is looked for in the log at its most
talkative, the ledger's files, command lines and environments, what `status` says, and the metrics. Reports, rejects
files, archive and spool hold row contents by design, and so does `show`; there the same search must find them.
"""

from __future__ import annotations

import base64
import contextlib
import io
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent import log
from agent.sandbox import SandboxSftp, SandboxSmtp
from agent.sandbox.answers import Error, receipt, result
from tests import ftp_servers
from tests.dovecot import USER, Dovecot
from tests.ftp_servers import Vsftpd
from tests.house import FarSide, House, source
from tests.meanwhile import Meanwhile
from tests.oracle import at_rest
from tests.post import letter
from tests.real.test_service import asked
from tests.running import TOP, put
from tests.servers import descendants, free_port

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

SECRETS = {
    "sftp": "canary-secret-sftp-Xq1",
    "smtp": "canary-secret-smtp-Xq2",
    "imap": "canary-secret-imap-Xq3",
    "ftp": ftp_servers.PASSWORD,
}
WRONG = "canary-secret-wrong-Xq5"
ROW, CELL, REASON, LOOKED_UP, HEADLESS, QUOTED = (
    f"CanaryCustomer{word}" for word in ("Row", "Cell", "Reason", "LookedUp", "Headless", "Quoted")
)
ANSWERED, SAID, PROSE, STRAY = (f"CanaryCustomer{word}" for word in ("Answered", "Said", "Prose", "Stray"))
CUSTOMERS = (ROW, CELL, REASON, LOOKED_UP, HEADLESS, QUOTED, ANSWERED, SAID, PROSE, STRAY)
HEADER = "Order,SKU,Amount,Left,Why"
FEED = """\
level: item
template: {name}.csv.j2
variables: {{tracker: "16027"}}
destination: {name}
reasons: {{changed mind: ITEM_RETURNED}}
bad_rows: {{policy: split, at_most: 90%}}
sent_before: send
settle: 0s
"""
TEMPLATE = """\
Oid,ActionTrackerID,SKU,Amount,Quantity,Reason
{% for row in rows %}
{{ row.Order }},{{ feed.tracker }},{{ row.SKU }},{{ row.Amount | amount }},\
{{ row.Left if row.Left == "0" else feed[row.Left] }},{{ row.Why | reason }}
{% endfor %}
"""
NAMES = ("sftp", "smtp", "ftp")


def rows(*more: str) -> bytes:
    """Return a file with one good order and what else is wanted."""
    return "\n".join((HEADER, f"{ROW},RED-1,0,0,changed mind", *more, "")).encode()


FILES = {
    "cells.csv": rows(f"A-2,RED-1,{CELL},0,changed mind", f"A-3,RED-1,0,0,{REASON}"),
    "looked-up.csv": rows(f"A-4,RED-1,0,{LOOKED_UP},changed mind"),
    "headless.csv": f"{HEADLESS},RED-1,0,0,changed mind\n{HEADLESS}-2,RED-1,0,0,changed mind\n".encode(),
    "quoted.csv": rows(f'A-5,"RED-1,0,{QUOTED},changed mind'),
}


class Spy(Meanwhile):
    """Notes the command lines of an agent and its children, and the children's environments, all the while."""

    every = 0.005

    def __init__(self, process: int) -> None:
        super().__init__()
        self.seen: set[bytes] = set()
        self.children: set[int] = set()
        self._process = process

    def look(self) -> None:
        """Note what there is just now."""
        below = descendants(self._process)
        self.children.update(below)
        places = [Path(f"/proc/{one}/{what}") for one in below for what in ("cmdline", "environ")]
        for place in (Path(f"/proc/{self._process}/cmdline"), *places):
            with contextlib.suppress(OSError):  # it ended meanwhile
                self.seen.add(place.read_bytes())


def spelt(word: str) -> list[bytes]:
    """Return a word as it could be written: plain, and inside base64 wherever it may begin."""
    plain = word.encode()
    coded = [base64.b64encode(b"\0" * shift + plain)[4 if shift else 0 : -4] for shift in range(3)]
    return [plain, *coded]


def found(words: Iterable[str], places: Mapping[str, bytes]) -> set[tuple[str, str]]:
    """Return where which word stands."""
    return {
        (word, name)
        for word in words
        for name, content in places.items()
        if any(one in content for one in spelt(word))
    }


def files_in(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def servers(authority, start_ftp, tmp_path) -> Iterator[dict]:
    """Start a server of each kind, each with a secret; `gone` ends two of them."""
    imap = Dovecot(authority)
    (imap.folder / "users").write_text(f"{USER}:{SECRETS['imap']}\n")
    with imap, contextlib.ExitStack() as stack:
        yield {
            "sftp": stack.enter_context(SandboxSftp(tmp_path / "far", password=SECRETS["sftp"])),
            "smtp": stack.enter_context(
                SandboxSmtp(tmp_path / "mailed", authority, password=SECRETS["smtp"])
            ),
            "ftp": start_ftp(Vsftpd),
            "imap": imap,
            "gone": stack.close,
        }


def ways_out(servers, ca_file: str) -> dict[str, dict]:
    """Return the settings of three destinations; their secrets are kept in three ways."""
    sftp, smtp = servers["sftp"], servers["smtp"]
    return {
        "sftp": {
            "type": "sftp",
            "host": "127.0.0.1",
            "port": sftp.port,
            "username": sftp.username,
            "password": {"env": "SFTP_PASSWORD"},
            "host_keys": [sftp.host_key_line],
        },
        "smtp": {
            "type": "smtp",
            "host": "127.0.0.1",
            "port": smtp.port,
            "ca_file": ca_file,
            "username": smtp.username,
            "password": {"credential": "smtp"},
            "sender": smtp.username,
            "recipient": smtp.recipient,
        },
        "ftp": {**servers["ftp"].reached(), "password": {"file": "ftp"}},
    }


@pytest.fixture
def installation(servers, authority, install, sshd, tmp_path):
    """Return an installation with three feeds, three ways out, a mailbox and metrics."""
    made = install(sshd)
    (tmp_path / "credentials").mkdir()
    for name, folder in (("smtp", tmp_path / "credentials"), ("imap", made.config), ("ftp", made.config)):
        (folder / name).touch(mode=0o600)
        (folder / name).write_text(SECRETS[name])
    mailbox = {"type": "mailbox", "host": "127.0.0.1", "port": servers["imap"].tls_port, "poll": "100ms"}
    login = {"username": USER, "password": {"file": "imap"}, "ca_file": str(authority.ca_file)}
    made.settings["destinations"] = ways_out(servers, str(authority.ca_file))
    made.settings["acknowledgements"] = [{**mailbox, **login}]
    made.settings["monitor"] = {"listen": f"127.0.0.1:{free_port()}"}
    made.save()
    for name in NAMES:
        made.feed(name, FEED.format(name=name), TEMPLATE)
    return made


@pytest.fixture
def surroundings(tmp_path) -> dict[str, str]:
    """Return what is in the agent's environment."""
    return {"SFTP_PASSWORD": SECRETS["sftp"], "CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")}


def answer(batches, mailbox: Dovecot) -> None:
    """Have impact.com answer with customer data in rows, in words and in prose, and about what is not ours."""
    for number, batch in enumerate(batches):
        mailbox.put(letter({f"receipt_{batch.name}": receipt(batch.name)}).as_bytes())
        status = SAID if number % 3 == 1 else "Validation"
        refused = [Error(2, ANSWERED, SAID, status, "ACTION_REF_NOT_FOUND")]
        files = {f"result_{batch.name}": result(batch.name, batch.rows, refused)}
        if number % 3 == 2:
            files = {
                f"result_{batch.name}": f"We looked at the order of {PROSE} and did our best.\n".encode()
            }
        mailbox.put(letter(files).as_bytes())
    mailbox.put(letter({"result_of_nobody.csv": f"OrderId\n{STRAY}\n".encode()}).as_bytes())


def batches_of(installation):
    """Return all batches."""
    with installation.ledger() as ledger:
        return [one for each in ledger.submissions(limit=100) for one in ledger.batches_of(each.id)]


def places(installation, spy: Spy, agent) -> dict[str, bytes]:
    """Return what is looked through."""
    port = installation.settings["monitor"]["listen"].rpartition(":")[2]
    state = {path.name: path.read_bytes() for path in installation.state.iterdir() if path.is_file()}
    assert {"ledger.db", "ledger.db-wal", "ledger.head"} <= state.keys()
    return {
        **state,
        "log": agent.log.read_bytes(),
        "processes": b"\n".join(spy.seen),
        "status": installation.ask("status").stdout.encode(),
        "status as JSON": installation.ask("status", "--json").stdout.encode(),
        **{path: asked(int(port), path)[1].encode() for path in ("/metrics", "/healthz", "/readyz")},
    }


def test_no_canary_sings_where_it_does_not_belong(installation, servers, surroundings):
    """Good and bad rows, answers of every kind, refused logins, far sides that are gone: nothing is given away."""
    with installation.run("-v", **surroundings) as agent, Spy(agent.process.pid) as spy:
        for name in NAMES:
            for file, content in FILES.items():
                put(installation.drop / name, file, content)
        agent.wait_until(lambda: len(sent(installation)) == len(NAMES) * 2, "batches to be sent")
        agent.wait_until(lambda: at_rest(installation), "all to come to rest")
        answer(sent(installation), servers["imap"])
        agent.wait_for("batch.processed", 2)
        agent.wait_for("batch.unclear", 4)
        agent.wait_for("acknowledgement.unmatched")
        make_it_fail(installation, servers)
        agent.wait_for("source.failed")
        agent.wait_for("batch.deferred", 2)
        agent.wait_for("batch.held")
        looked = places(installation, spy, agent)
        assert agent.stop() == 0
        looked["log at its end"] = agent.log.read_bytes()
    assert agent.events("batch.started")
    assert len(spy.children) > len(NAMES) * len(FILES)
    assert found(CUSTOMERS, looked) == set()
    assert found([*SECRETS.values(), WRONG], {**looked, **everything(installation)}) == set()
    assert_the_search_finds(installation)


def sent(installation):
    """Return the batches that were delivered."""
    return [one for one in batches_of(installation) if one.sent_at]


def make_it_fail(installation, servers) -> None:
    """Refuse a login, be gone, and break in the middle; then have something to send everywhere."""
    (installation.config / "imap").write_text(WRONG)
    (installation.config / "ftp").write_text(WRONG)
    servers["ftp"].kill_sessions()
    servers["gone"]()
    for name in NAMES:
        put(installation.drop / name, "later.csv", rows("A-9,RED-1,0,0,changed mind"))


def everything(installation) -> dict[str, bytes]:
    """Return all files of the installation but those that are the secrets."""
    secret = {"config/imap", "config/ftp"}
    return {name: content for name, content in files_in(installation.folder).items() if name not in secret}


def assert_the_search_finds(installation) -> None:
    """Where it belongs each word is found, so the search is able to."""
    at = {word for word, _ in found(CUSTOMERS, everything(installation))}
    assert at == set(CUSTOMERS)
    assert found([WRONG], files_in(installation.config)) == {(WRONG, "imap"), (WRONG, "ftp")}
    assert found([ROW], {"mail": base64.b64encode(f"xyz {ROW} abc".encode())}) == {(ROW, "mail")}


class Talkative(FarSide):
    """Breaks in ways that nobody foresaw, with a customer's name in the words."""

    @staticmethod
    def _fail(how: str) -> None:
        if how.startswith("bug"):
            raise RuntimeError(f"cannot send the row of {ROW}")


@pytest.mark.parametrize("how", ["bug", "bug-late"])
def test_an_error_nobody_foresaw_is_told_without_its_words(tmp_path, how):
    """Kind and place are logged; what the error says is not, nor does the ledger have it."""
    house = House(tmp_path)
    told = io.StringIO()
    try:
        log.configure(stream=told, level=logging.DEBUG)
        house.far = Talkative()
        house.far.sends.append(how)
        house.taken("a.csv", source("A"))
        house.drain()
        (batch,) = house.batches()
        assert batch.state == "DEFERRED"
    finally:
        log.structlog.reset_defaults()
        house.workers.close()
        house.stop()
    assert "RuntimeError" in told.getvalue()
    assert "step.failed" in told.getvalue()
    state = {path.name: path.read_bytes() for path in house.settings.state.iterdir() if path.is_file()}
    assert found([ROW], {**state, "log": told.getvalue().encode()}) == set()


@pytest.mark.parametrize("where", ["main", "thread"])
def test_a_crash_tells_kind_and_place_and_no_values(tmp_path, where):
    """The last resort of the interpreter would print what the error says."""
    (tmp_path / "crash.py").write_text("def crash():\n    raise KeyError(open('customer').read())\n")
    (tmp_path / "customer").write_text(ROW)
    begin = "crash.crash()" if where == "main" else "threading.Thread(target=crash.crash).start()"
    program = f"import threading, crash; from agent.cli.main import hush; hush(); {begin}"
    ended = subprocess.run(
        [sys.executable, "-X", "dev", "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(TOP), "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "KeyError" in ended.stderr
    assert "crash.py" in ended.stderr
    assert ROW not in ended.stderr + ended.stdout
