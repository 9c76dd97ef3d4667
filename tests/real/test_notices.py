"""The agent as people run it tells by mail and to a web address; no secret and no row is where it must not be."""

from __future__ import annotations

import json
import signal
import sqlite3
from contextlib import closing

import pytest

from tests.mail_servers import Aiosmtpd
from tests.running import Installation, put
from tests.servers import free_port
from tests.web_hooks import WebHook

FEED = """\
level: item
template: impact-items.csv.j2
headers: impact
destination: there
settle: 0s
notify: [ann@example.net]
"""
CANARY = "CANARY-7731"
PASSWORD, TOKEN = "SECRET-PASSWORD", "SECRET-TOKEN"
BAD = f"ActionTrackerID,Oid,SKU,Amount,Quantity,Reason\n16027,{CANARY},RED-1,0,0,{CANARY}\n".encode()


@pytest.fixture
def relay(authority):
    """A mail server with a login."""
    with Aiosmtpd(authority.context(), password=PASSWORD) as server:
        yield server


@pytest.fixture
def hook(authority):
    """A web server."""
    with WebHook(authority.context()) as server:
        yield server


@pytest.fixture
def place(tmp_path, sshd, authority, relay, hook):
    """Settings with both ways, their secrets in files."""
    made = Installation(tmp_path / "agent", sshd)
    secrets = {"password": PASSWORD, "token": TOKEN, "url": hook.url}
    for name, secret in secrets.items():
        path = made.config / f"{name}.secret"
        path.touch(mode=0o600)
        path.write_text(secret, encoding="utf-8")
    mail = {
        "type": "mail",
        "host": "127.0.0.1",
        "port": relay.port,
        "ca_file": str(authority.ca_file),
        "username": relay.username,
        "password": {"file": "password.secret"},
        "sender": "agent@example.net",
        "operators": ["ops@example.net"],
        "wait": "200ms",
    }
    webhook = {
        "type": "webhook",
        "url": {"file": "url.secret"},
        "token": {"file": "token.secret"},
        "ca_file": str(authority.ca_file),
        "wait": "200ms",
    }
    made.settings["notices"] = [mail, webhook]
    made.save()
    yield made
    made.end()


def no_leak(place, relay, hook):
    """Check that bodies, posts, ledger and logs hold neither contents of rows nor secrets."""
    mails = [str(mail.get_body().get_content()) + str(mail["Subject"]) for mail in relay.mails()]
    with closing(sqlite3.connect(place.state / "ledger.db")) as ledger:
        kept = "\n".join(ledger.iterdump())
    logs = [path.read_text(encoding="utf-8") for path in place.folder.glob("*.log")]
    texts = {"mails": str(mails), "posts": json.dumps([post for _, _, post in hook.posts]), "ledger": kept}
    for text in (*texts.values(), *logs):
        assert not [word for word in (CANARY, PASSWORD, TOKEN, "SECRET-PATH") if word in text]


def test_a_pass_tells_at_its_end(place, relay, hook):
    """A rejected file and a server that is away: its people get the report, the web address a line of it."""
    folder = place.feed("shop", FEED)
    put(folder, "refunds.csv", BAD)
    assert place.ask("check").returncode == 0
    assert place.ask("once").returncode == 65
    (mail,) = relay.mails()
    assert mail["To"] == "ann@example.net"
    assert mail["Subject"] == "Nothing was sent — refunds.csv"
    (report,) = mail.iter_attachments()
    assert CANARY in report.get_content()
    ((_, headers, post),) = hook.posts
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert [told["title"] for told in post["notices"]] == ["refunds.csv"]
    no_leak(place, relay, hook)
    assert place.ask("once").returncode == 0
    assert len(relay.taken) == len(hook.posts) == 1


def test_a_running_agent_tells_and_goes_on_where_a_way_fails(place, relay, hook):
    """The web address answers with errors: mails go out, the work goes on, the log says it once."""
    hook.status = 503
    folder = place.feed("shop", FEED)
    with place.run() as agent:
        put(folder, "refunds.csv", BAD)
        agent.wait_for("notice.sent")
        agent.wait_for("notice.failed")
        put(folder, "good.csv", BAD.replace(f",{CANARY}\n".encode(), b",ITEM_RETURNED\n"))
        agent.wait_for("submission.closed")
        assert agent.stop() == 0
    assert [event["way"] for event in agent.events("notice.failed")] == ["webhook"]
    assert [(event["way"], event["files"]) for event in agent.events("notice.sent")] == [("mail", 1)]
    no_leak(place, relay, hook)


def test_a_destination_that_refuses_us_is_told_to_operators(place, relay, hook):
    """Another host key: held at once; operators by mail, both by web."""
    (place.config / "agent.yaml").write_text("")
    key = place.settings["destinations"]["there"]["host_keys"][0]
    other = "AAAAC3NzaC1lZDI1NTE5AAAAIN5Q9tKJUvfmD8ruFyOq0zt9z9Yo7sCoSnPMou9ulzGz"
    place.settings["destinations"]["there"]["host_keys"] = [f"ssh-ed25519 {other}"]
    assert other not in key
    place.save()
    folder = place.feed("shop", FEED)
    put(folder, "good.csv", BAD.replace(f",{CANARY}\n".encode(), b",ITEM_RETURNED\n"))
    place.ask("once")
    by_person = {mail["To"]: str(mail["Subject"]) for mail in relay.mails()}
    assert by_person["ann@example.net"] == "Held: waiting for a person — good.csv"
    assert by_person["ops@example.net"].startswith("Destination there: 1 batch held; the latest: ")
    no_leak(place, relay, hook)


def test_settings_that_are_refused_are_told_and_that_better_ones_came(place, relay, hook):
    """Read again with a mistake in them, then without: a fault, and its end."""
    place.feed("shop", FEED)
    with place.run() as agent:
        agent.wait_for("agent.ready")
        place.feed("shop", FEED.replace("item", "itme"))
        agent.process.send_signal(signal.SIGHUP)
        agent.wait_for("settings.refused")
        agent.wait_until(lambda: len(relay.taken) == 1, "the fault to be told")
        place.feed("shop", FEED)
        agent.process.send_signal(signal.SIGHUP)
        agent.wait_for("settings.reloaded")
        agent.wait_until(lambda: len(relay.taken) == 2, "its end to be told")
        assert agent.stop() == 0
    assert [str(mail["Subject"]).strip() for mail in relay.mails()] == [
        "The settings: new settings were read and refused, because they have mistakes",
        "Over: the settings: all is well again",
    ]
    no_leak(place, relay, hook)


def test_a_secret_that_is_missing_is_found_by_check(place):
    """Before anybody waits for a notice that cannot come."""
    place.feed("shop", FEED)
    (place.config / "token.secret").unlink()
    said = place.ask("check")
    assert said.returncode == 78
    assert "agent.yaml: notices.2.token: C-SECRETREF" in said.stdout


def test_status_says_that_people_could_not_be_told(place, relay, hook):
    """What is owed for long stands there, by way."""
    place.feed("shop", FEED)
    place.settings["notices"][0]["port"] = free_port()
    place.save()
    put(place.drop / "shop", "refunds.csv", BAD)
    assert place.ask("once").returncode == 65
    with closing(sqlite3.connect(place.state / "ledger.db")) as ledger:
        ledger.execute("UPDATE notice SET owed_at = owed_at - 3600 WHERE owed_at > 0")
        ledger.commit()
    assert "People could not be told of 1 thing by mail since" in place.ask("status").stdout
    assert list(place.told("status")["untold"]) == ["mail"]
