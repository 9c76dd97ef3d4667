"""SIGKILL at random moments while answers come in: each is kept once, word for word, and heard once."""

from __future__ import annotations

import email
import hashlib
import random
from collections import Counter
from email import policy
from typing import TYPE_CHECKING, Any

import pytest

from agent.sandbox.answers import Error, into_folder, receipt, result
from agent.states import AnswerState, BatchState
from tests.meanwhile import Meanwhile
from tests.oracle import assert_answers_kept, assert_recorded, assert_sent_has_come, assert_told_once, at_rest
from tests.post import Post, letter
from tests.real.test_kill import Killer
from tests.running import PATIENCE, arrived, put, told_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.running import Installation

FEED = """\
level: item
template: impact-items.csv.j2
headers: impact
destination: {destination}
settle: 0s
"""
FEEDS = ("files", "mails")  # and their destinations
ROWS = 4  # of a file
WORKING = 0.9  # seconds after the start-up in which most kills come
_RETRIES = {"first": "50ms", "at_most": "200ms"}
_AGAIN = 0.2  # of the answers come a second time


class Refunds:
    """The files of a run, for each feed in turn, and how many rows of each are refused there."""

    def __init__(self, count: int) -> None:
        self.files = {self.name(number): self._source(number) for number in range(count)}

    @staticmethod
    def name(number: int) -> str:
        """Return a file's name; the number tells of what kind it is."""
        return f"refunds-{number:03}.csv"

    @staticmethod
    def feed(name: str) -> str:
        """Return the feed that a file goes to."""
        return FEEDS[int(name[8:11]) % len(FEEDS)]

    @staticmethod
    def refused(number: int) -> int:
        """Return how many rows of a file impact.com refuses."""
        return (number // 2) % 3

    def of(self, feed: str) -> dict[str, bytes]:
        """Return the files of a feed."""
        return {name: content for name, content in self.files.items() if self.feed(name) == feed}

    @staticmethod
    def _source(number: int) -> bytes:
        lines = [f"16027,A-{number:03}-{row},RED-1,0,0,ITEM_RETURNED\n" for row in range(ROWS)]
        return f"ActionTrackerID,Oid,SKU,Amount,Quantity,Reason\n{''.join(lines)}".encode()

    @staticmethod
    def batch(number: int) -> bytes:
        """Return the batch of a file."""
        lines = [f",A-{number:03}-{row},16027,RED-1,0,0,,ITEM_RETURNED\r\n" for row in range(ROWS)]
        return (
            f"ActionID,Oid,ActionTrackerID,SKU,Amount,Quantity,Category,Reason\r\n{''.join(lines)}".encode()
        )


class FarSide(Meanwhile):
    """Answers each batch that comes, by the way it came, with a receipt and a result; some answers come again."""

    every = 0.02

    def __init__(self, inbox: Path, results: Path, post: Post, dice: random.Random) -> None:
        super().__init__()
        self.came: dict[str, bytes] = {}
        self.said: list[bytes] = []  # every answer, word for word
        self._inbox, self._post, self._dice = inbox, post, dice
        self._into_folder = into_folder(results)
        self._mails: set[str] = set()

    def look(self) -> None:
        """Answer what is new."""
        for name, content in arrived(self._inbox).items():
            if name not in self.came:
                self._answer(name, content, self._by_file)
        for path in (self._post.far.mail / "new").iterdir():
            if path.name not in self._mails:
                self._mails.add(path.name)
                mail: Any = email.message_from_bytes(path.read_bytes(), policy=policy.default)
                (part,) = mail.iter_attachments()
                assert part.get_filename() not in self.came, "the same batch came twice"
                self._answer(part.get_filename(), part.get_content(), self._by_mail)

    def _answer(self, name: str, content: bytes, way: Any) -> None:
        self.came[name] = content
        orders = [line.split(",")[1] for line in content.decode().splitlines()[1:]]
        number = int(orders[0].split("-")[1])
        refused = [
            Error(2 + row, orders[row], "RED-1", "Validation", "ACTION_REF_NOT_FOUND")
            for row in range(Refunds.refused(number))
        ]
        answers = {
            f"receipt_{name}": receipt(name),
            f"result_{name}": result(name, len(orders), refused),
        }
        for about, words in self._dice.sample(sorted(answers.items()), len(answers)):
            way(about, words)
            if self._dice.random() < _AGAIN:
                way(f"{about}.again", words)

    def _by_file(self, name: str, content: bytes) -> None:
        self._into_folder(name, content)
        self.said.append(content)

    def _by_mail(self, name: str, content: bytes) -> None:
        mail = letter({name: content}).as_bytes()
        self._post.ours.put(mail)
        self.said.append(mail)


class Interrupter(Killer):
    """Drops for two feeds; most kills come while answers are fetched and heard."""

    def __init__(self, installation: Installation, refunds: Refunds, dice: random.Random) -> None:
        self.installation, self.dice = installation, dice
        self.folders = {name: installation.feed(name, FEED.format(destination=name)) for name in FEEDS}
        self.waiting = list(refunds.files.items())[::-1]
        self.logs = []

    def _moment(self, start_up: float) -> float:
        return start_up + self.dice.uniform(-0.1, WORKING)

    def _drop(self) -> None:
        if self.waiting:
            name, content = self.waiting.pop()
            put(self.folders[Refunds.feed(name)], name, content)

    def heard(self) -> int:
        """In how many lives an answer was fetched or heard."""
        return sum("acknowledgement." in log.read_text() for log in self.logs)

    def torn(self) -> int:
        """How many answers were fetched in one life and heard in another."""
        return sum(
            len(_named(log, "acknowledgement.fetched") - _named(log, "acknowledgement.applied"))
            for log in self.logs
        )


def _named(log: Path, event: str) -> set[str]:
    lines = [line for line in log.read_text().splitlines() if f'"{event}"' in line]
    return {line.partition('"acknowledgement": "')[2].partition('"')[0] for line in lines}


@pytest.fixture
def post(authority) -> Iterator[Post]:
    """Return a post with empty mailboxes."""
    with Post(authority) as made:
        yield made


@pytest.fixture
def installation(install, sshd, post, inbox, tmp_path) -> Installation:
    """Return an installation that delivers into a folder and by mail, and asks a folder and a mailbox."""
    made = install(sshd)
    folder = {"type": "folder", "directory": str(inbox), "sweeps": False}
    made.settings["destinations"] = {"files": {**folder, "retries": _RETRIES}, "mails": post.destination()}
    results = {"type": "resultfiles", "folder": str(tmp_path / "results"), "settle": "0s", "poll": "50ms"}
    mailbox = post.source(made, poll="50ms")
    made.settings["acknowledgements"] = [{**results, "for": ["files"]}, {**mailbox, "for": ["mails"]}]
    made.save()
    return made


@pytest.mark.parametrize("kills", [30, pytest.param(800, marks=pytest.mark.soak)])
def test_kills_lose_no_answer_and_hear_none_twice(kills, installation, post, inbox, dice, tmp_path):
    """Every answer is in the archive word for word; every batch is processed, with its number of refused rows."""
    refunds = Refunds(kills // 2)
    killer = Interrupter(installation, refunds, dice)
    with FarSide(inbox, tmp_path / "results", post, random.Random(dice.random())) as far:  # noqa: S311 - it only answers
        killer.run(kills)
        finish(installation, far)
        for batch in lost(installation, far):
            installation.told("resend", batch.id, "--why", "looked for at the far side")
        finish(installation, far)
    assert lost(installation, far) == []
    assert sorted(far.came.values()) == [refunds.batch(number) for number in range(len(refunds.files))]
    assert_every_batch_has_its_end(installation, refunds)
    assert_sent_has_come(installation, far.came)
    assert assert_answers_kept(installation) == {AnswerState.APPLIED: len(far.said)}
    assert_word_for_word(installation, far)
    assert_recorded(installation, list(refunds.files))
    for name, folder in killer.folders.items():
        assert_told_once(folder, refunds.of(name))
        aside = {one for one in refunds.of(name) if Refunds.refused(int(one[8:11]))}
        assert set(told_in(folder, "attention")) == aside
    assert killer.heard() > kills / 8
    print(f"{killer.heard()} of {kills} lives heard something, {killer.torn()} answers were heard later")  # noqa: T201 - with -s


def finish(installation: Installation, far: FarSide) -> None:
    """Let an agent live until everything has its end, but for batches that may never have left."""

    def ended() -> bool:
        assert not far.ended
        if not at_rest(installation):
            return False
        there = far.came.keys()
        return all(
            one.state == BatchState.PROCESSED or (one.state == BatchState.IN_DOUBT and one.name not in there)
            for one in batches(installation)
        )

    with installation.run() as agent:
        agent.wait_until(ended, "everything to come to its end", 2 * PATIENCE)
        assert agent.stop() == 0, agent.log.read_text()


def batches(installation: Installation):
    """Return all batches."""
    with installation.ledger() as ledger:
        return [one for each in ledger.submissions(limit=10_000) for one in ledger.batches_of(each.id)]


def lost(installation: Installation, far: FarSide):
    """Return the batches of which nobody can tell, and that are not at the far side."""
    return [one for one in batches(installation) if one.state == "IN_DOUBT" and one.name not in far.came]


def assert_every_batch_has_its_end(installation: Installation, refunds: Refunds) -> None:
    """One batch for each file, processed, with as many rows refused as the far side said."""
    with installation.ledger() as ledger:
        found = {
            one.name: [(batch.state, batch.refused) for batch in ledger.batches_of(one.id)]
            for one in ledger.submissions(limit=10_000)
        }
        lines = Counter((line.subject, line.event) for line in ledger.audit(limit=1_000_000))
    numbers = range(len(refunds.files))
    wanted = {refunds.name(number): [("PROCESSED", refunds.refused(number))] for number in numbers}
    assert found == wanted
    assert {times for (_, event), times in lines.items() if event == "processed"} == {1}


def assert_word_for_word(installation: Installation, far: FarSide) -> None:
    """The archive has what the far side said."""
    with installation.ledger() as ledger:
        kept = Counter(one.sha256 for one in ledger.acknowledgements(list(AnswerState), limit=1_000_000))
    assert kept == Counter(hashlib.sha256(one).hexdigest() for one in far.said)
