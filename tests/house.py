"""The inside of an agent for tests: real settings, ledger, spool and folders, a clock that is moved by hand.

What is at the other end is a `FarSide` that keeps what it gets and fails as it is told.
"""

from __future__ import annotations

import hashlib
from collections import deque
from typing import TYPE_CHECKING, Any

from agent.acks.base import Fetched
from agent.channels.base import Receipt, Sighting
from agent.engine import Engine
from agent.errors import Permanent, Transient, UnknownOutcome
from agent.ledger.ledger import Ledger
from agent.ledger.transition import Transition
from agent.model import Batch, Change, Counts, Level, Paper, Submission, Total
from agent.settings.models import AckOptions, Destination, Feed, Limits, Settings, WayOptions
from agent.spool import Spool
from agent.stages.context import Context
from agent.stages.intake import Intake, make_folders
from agent.ways.base import Bulletin, WayError
from agent.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from agent.channels.base import Parcel

NOON = 1_800_000_000.0  # later than any file that a test writes, so that none is from the future
HEADER = "ActionTrackerID,Oid,SKU,Amount,Quantity,Reason"


def source(*orders: str, bad: tuple[str, ...] = ()) -> bytes:
    """Return a file of impact.com's own form with a row for each order; the bad ones have no such reason."""
    rows = [f"16027,{order},RED-1,0,0,{'BECAUSE' if order in bad else 'ITEM_RETURNED'}\n" for order in orders]
    return f"{HEADER}\n{''.join(rows)}".encode()


def feed(name: str = "shop", **fields: Any) -> Feed:
    """Return the settings of a feed that takes impact.com's own files, with as much of them changed."""
    plain = {"level": Level.ITEM, "template": "impact-items.csv.j2", "headers": "impact", "settle": 0.0}
    return Feed(**{"name": name, "destination": "there", **plain, **fields})


class FarSide:
    """Keeps what it gets. It does with each attempt what comes next in `sends`, with each look in `looks`.

    Sends: ok, busy, no (refused before or, with `-late`, after the word that something will be visible),
    lost (published, no answer), vanished (no answer, not published), bug and bug-late (anything else raised,
    before or after publishing). Looks: see, blind (cannot tell), deaf (cannot be asked).
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.published: list[str] = []  # every time something became visible
        self.asked: list[str] = []  # what was wanted, in order: send or look, and the name
        self.sends: deque[str] = deque()
        self.looks: deque[str] = deque()
        self.closed = 0
        self.at_publishing: Callable[[str], object] = lambda _name: None  # told right before

    def look(self, parcel: Parcel) -> Sighting:
        """Look, if it can be looked."""
        self.asked.append(f"look {parcel.name}")
        how = self.looks.popleft() if self.looks else "see"
        if how == "deaf":
            raise Transient("nobody answers the look", evidence="silence")
        if how == "blind":
            return Sighting(None, "it may have been taken already")
        return Sighting(parcel.name in self.files, "looked into the folder")

    def send(self, parcel: Parcel, will_publish: Callable[[], None]) -> Receipt:
        """Do as the next word in `sends` says."""
        self.asked.append(f"send {parcel.name}")
        how = self.sends.popleft() if self.sends else "ok"
        self._fail(how)
        will_publish()
        self._fail(how.removesuffix("-late"))
        if how != "vanished":
            self._publish(parcel)
        if how == "bug-after":
            raise RuntimeError("nobody foresaw this, either")
        if how in {"lost", "vanished"}:
            raise UnknownOutcome("the answer was lost", evidence="the line broke")
        return Receipt("verified", "seen under its name")

    def send_all(self, parcels: Any, will_publish: Any) -> Any:
        """Be complete; the engine sends one by one."""
        for parcel in parcels:
            yield [(parcel, self.send(parcel, lambda each=parcel: will_publish([each])))]

    def close(self) -> None:
        """Count."""
        self.closed += 1

    def _publish(self, parcel: Parcel) -> None:
        self.at_publishing(parcel.name)
        self.files[parcel.name] = parcel.path.read_bytes()
        self.published.append(parcel.name)

    @staticmethod
    def _fail(how: str) -> None:
        if how == "busy":
            raise Transient("try again later", evidence="busy")
        if how == "no":
            raise Permanent("the login was refused", evidence="no")
        if how == "bug":
            raise RuntimeError("nobody foresaw this")


class Postbox:
    """A source of acknowledgements: what is put in is fetched until it is known."""

    kind = "file"

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}
        self.fetched: list[str] = []  # every time something was handed out
        self.tidied: list[str] = []  # what is known to be kept
        self.refuses = ""  # why it cannot be asked; "" when it can

    def put(self, name: str, text: str) -> None:
        """Put an answer in."""
        self.content[name] = text.encode()

    def fetch(self, known: Callable[[str], bool]) -> Iterator[Fetched]:
        """Hand out what is new."""
        if self.refuses:
            raise Transient(self.refuses)
        for name, content in self.content.items():
            if not known(name):
                self.fetched.append(name)
                yield Fetched(name, name, content, None)

    def kept(self, fetched: Fetched) -> None:
        """Note it."""
        self.tidied.append(fetched.name)

    def close(self) -> None:
        """Do nothing."""


class Recording(WayOptions):
    """The settings of a way that keeps what it is given; it tells a feed's people, else the operators."""

    type: str = "recording"
    operators: tuple[str, ...] = ("ops@example.net",)
    attach: bool = True

    def addressees(self, feed: Feed | None) -> tuple[str, ...] | None:
        """Return who is told."""
        return (feed.notify if feed else ()) or self.operators or None

    @property
    def with_report(self) -> bool:
        """Whether the report goes along."""
        return self.attach


class Crier:
    """A way to tell people that keeps what it was given, with the bytes of the report, and fails as it is told."""

    def __init__(self) -> None:
        self.sent: list[Bulletin] = []
        self.reports: list[bytes] = []
        self.tried = 0
        self.fails = ""  # why it cannot send; "" when it can
        self.lost = ""  # why nobody knows whether it was sent, though it was
        self.closed = 0

    def send(self, bulletin: Bulletin) -> None:
        """Keep it."""
        self.tried += 1
        if self.fails:
            raise WayError(self.fails)
        self.sent.append(bulletin)
        self.reports.append(bulletin.report.path.read_bytes() if bulletin.report else b"")
        if self.lost:
            raise WayError(self.lost)

    def close(self) -> None:
        """Count."""
        self.closed += 1


class House:
    """One agent's inside; `stop` and `start` are a restart. Destination fields are given by name."""

    def __init__(
        self,
        root: Path,
        *feeds: Feed,
        workers: Workers | None = None,
        answers: dict[str, Any] | None = None,
        ways: tuple[WayOptions, ...] = (),
        **destination: Any,
    ) -> None:
        self.root, self.far, self.postbox, self.crier = root, FarSide(), Postbox(), Crier()
        self.now, self.dice = NOON, 1.0
        folder = root / "config"
        folder.mkdir(exist_ok=True)
        self.settings = Settings(
            drop=root / "drop",
            state=root / "state",
            destinations={"there": Destination(type="recorder", **destination)},
            acknowledgements=()
            if answers is None
            else (AckOptions(**{"type": "postbox", "poll": 0.001, **answers}),),
            notices=ways,
            feeds={each.name: each for each in feeds or (feed(),)},
            folder=folder,
        )
        self.workers = workers or Workers(Limits())
        for name in self.settings.feeds:
            (root / "drop").mkdir(exist_ok=True)
            make_folders(self.drop(name))
        self.start()

    def start(self) -> None:
        """Start anew: what was remembered is gone, what is on disk is not."""
        self.spool = Spool(self.settings.state)
        self.spool.make()
        ledger = self.settings.state / "ledger.db"
        self.ledger = Ledger.open(ledger, must_exist=not self.spool.is_empty())
        self.context = Context(
            self.settings, self.ledger, self.spool, self.workers, lambda: self.now, lambda: self.dice
        )
        self.engine = Engine(self.context, lambda _: self.far, lambda _: self.postbox, lambda _: self.crier)
        self.intakes = [
            Intake(each, self.drop(name), self.ledger, self.spool)
            for name, each in self.settings.feeds.items()
        ]

    def stop(self) -> None:
        """Let go of everything."""
        for intake in self.intakes:
            intake.close()
        self.ledger.close()

    def set(self, **changes: Any) -> None:
        """Change the settings, as with a restart."""
        self.settings = self.settings.model_copy(update=changes)
        self.stop()
        self.start()

    def drop(self, name: str = "shop") -> Path:
        """Return a feed's drop folder."""
        return self.settings.drop / name

    def put(self, name: str, content: bytes, feed: str = "shop") -> Path:
        """Drop a file."""
        path = self.drop(feed) / name
        path.write_bytes(content)
        return path

    def take(self) -> list[Submission]:
        """Take what was dropped; return the submissions of it."""
        self.now += 1
        results = [intake.scan(self.now, self.now) for intake in self.intakes]
        taken = [one for result in results for one in (*result.taken, *result.aside)]
        return [self.submission(one) for one in taken]

    def taken(self, name: str, content: bytes, feed: str = "shop") -> Submission:
        """Drop one file and take it."""
        self.put(name, content, feed)
        (one,) = self.take()
        return one

    def drain(self, later: float = 0.0) -> None:
        """Do all that is due, so many seconds later."""
        self.now += later
        while self.engine.drain():
            self.now += 0.001

    def submission(self, identity: str) -> Submission:
        """Return a submission as it is now."""
        found = self.ledger.submission(identity)
        assert found is not None
        return found

    def batches(self, submission: Submission | None = None) -> list[Batch]:
        """Return the batches of one submission, or of all."""
        owners = [submission] if submission else self.ledger.submissions(limit=10_000)
        return [batch for owner in owners for batch in self.ledger.batches_of(owner.id)]

    def batch(self, name: str = "a", content: bytes = b"Oid\r\n1\r\n", **fields: Any) -> Batch:
        """Have a batch written, as if prepared from a file of this name; `fields` change it."""
        feed = fields.pop("feed", "shop")
        identity = f"batch{name:x>15}"
        stored = self.spool.write(f"spool/out/{identity}", content)
        owner = self._prepared_submission(name, feed)
        self.now += 1
        plain: dict[str, Any] = {
            "destination": "there", "number": 1, "name": f"{feed}_{name}.csv", "path": stored.path,
            "sha256": stored.sha256, "size": stored.size, "rows": 1, "reason": "", "due_at": 0.0, "tries": 0,
            "totals": (Total("EUR", "OTHER", Change.REVERSAL, 1, None),), "state": "READY",
            "created_at": self.now, "updated_at": self.now,
        }  # fmt: skip
        made = Batch(id=identity, submission=owner.id, **{**plain, **fields})
        counts = Counts(records=1, sent=1, rows=made.rows, orders=1)
        change = Transition(owner.id, "submission", "prepared", new_batches=(made,), counts=counts)
        self.ledger.commit([change], at=self.now)
        return self.again(made)

    def again(self, batch: Batch) -> Batch:
        """Return a batch as it is now."""
        found = self.ledger.batch(batch.id)
        assert found is not None
        return found

    def outcomes(self, batch: Batch) -> list[tuple[str, str]]:
        """Return phase and outcome of every attempt."""
        return [(attempt.phase, attempt.outcome) for attempt in self.ledger.attempts(batch.id)]

    def told(self, kind: str, feed: str = "shop") -> dict[str, dict[str, bytes]]:
        """Return what stands in `done` or `attention`: by original name, the files by name."""
        return {
            place.name.partition("--")[2]: {file.name: file.read_bytes() for file in place.iterdir()}
            for place in sorted((self.drop(feed) / kind).iterdir())
        }

    def _prepared_submission(self, name: str, feed: str) -> Submission:
        self.now += 1
        bytes_of = f"source of {name}".encode()
        digest = hashlib.sha256(bytes_of).hexdigest()
        self.spool.write(f"spool/obj/{digest}", bytes_of)
        owner = Submission(
            f"20270115-{name}",
            feed,
            f"{name}.csv",
            "",
            "",
            self.now,
            self.now,
            digest,
            len(bytes_of),
            "1:2:3:4",
        )
        paper = Paper("original", f"spool/obj/{digest}", digest, len(bytes_of))
        change = Transition(owner.id, "submission", "taken", new_submission=owner, papers=(paper,))
        self.ledger.commit([change], at=self.now)
        return owner
