"""An agent's stages on a real ledger, spool and drop folders, with a far side that does as a test says.

Only the clock, the dice and the far side are replaced.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from agent.channels.base import Receipt, Sighting
from agent.errors import UnknownOutcome
from agent.ledger.ledger import Ledger
from agent.ledger.transition import Transition
from agent.model import Attempt, Batch, Counts, Level, Paper, Submission
from agent.settings.models import Destination, Feed, Limits, Retries, Settings
from agent.spool import Spool
from agent.stages.context import Context
from agent.stages.deliver import deliver, start
from agent.stages.intake import Intake, make_folders
from agent.states import Phase
from agent.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from agent.channels.base import Channel, Parcel
    from agent.errors import ChannelError

    Step = Callable[["FarSide", Parcel, Callable[[], None]], Receipt]

NOON = 1_800_000_000.0  # later than any file that a test writes, so that none is from the future
RETRIES = Retries(first=30.0, at_most=900.0, hold_after=3600.0)


class Killed(BaseException):
    """The agent dies here."""


def arrives(far: FarSide, parcel: Parcel, will_publish: Callable[[], None]) -> Receipt:
    """Take the parcel and say so."""
    will_publish()
    far.keep(parcel)
    return Receipt("accepted", "250 got it")


def refuses(error: Exception) -> Step:
    """Fail before anything can have become visible."""

    def step(far: FarSide, parcel: Parcel, will_publish: Callable[[], None]) -> Receipt:
        raise error

    return step


def loses(*, arrived: bool) -> Step:
    """Give no answer, having taken the parcel or not."""

    def step(far: FarSide, parcel: Parcel, will_publish: Callable[[], None]) -> Receipt:
        will_publish()
        if arrived:
            far.keep(parcel)
        raise UnknownOutcome("the answer never came", evidence="reset by peer")

    return step


def kills(*, arrived: bool) -> Step:
    """End the agent right after it may have become visible."""

    def step(far: FarSide, parcel: Parcel, will_publish: Callable[[], None]) -> Receipt:
        will_publish()
        if arrived:
            far.keep(parcel)
        raise Killed

    return step


class FarSide:
    """A channel and its other end: does the steps of its script, afterwards takes everything."""

    def __init__(self, *script: Step) -> None:
        self.script = list(script)
        self.inbox: list[tuple[str, bytes]] = []  # all that ever became visible
        self.sent: list[str] = []  # the name of each parcel that `send` was asked for
        self.looked: list[str] = []  # the same for `look`
        self.blind = False  # a look cannot tell
        self.mute: ChannelError | None = None  # a look fails so
        self.before_publishing: Callable[[Parcel], None] = lambda _: None

    @property
    def names(self) -> list[str]:
        """The names of all that became visible."""
        return [name for name, _ in self.inbox]

    def keep(self, parcel: Parcel) -> None:
        """Let a parcel become visible."""
        self.before_publishing(parcel)
        self.inbox.append((parcel.name, parcel.path.read_bytes()))

    def look(self, parcel: Parcel) -> Sighting:
        """Look into the inbox, unless blind or mute."""
        self.looked.append(parcel.name)
        if self.mute is not None:
            raise self.mute
        if self.blind:
            return Sighting(None, "listing denied")
        found = parcel.name in self.names
        return Sighting(found, "same size" if found else "no such file")

    def send(self, parcel: Parcel, will_publish: Callable[[], None]) -> Receipt:
        """Do the next step of the script."""
        self.sent.append(parcel.name)
        step = self.script.pop(0) if self.script else arrives
        return step(self, parcel, will_publish)

    def send_all(
        self, parcels: Sequence[Parcel], will_publish: Callable[[Sequence[Parcel]], None]
    ) -> Iterator[Sequence[tuple[Parcel, Receipt]]]:
        """Send one after the other."""
        for parcel in parcels:
            yield [(parcel, self.send(parcel, lambda parcel=parcel: will_publish([parcel])))]

    def close(self) -> None:
        """Nothing to let go of."""


class Stages:
    """Everything the stages are given, in one folder; `again` is what a restart makes of it."""

    def __init__(self, root: Path, *feeds: str, template: str = "t.csv.j2", **destination: Any) -> None:
        self.root, self.seconds, self.dice = root, 0.0, 0.5
        names = feeds or ("shop",)
        there = Destination(**{"type": "far", "retries": RETRIES} | destination)
        common = {"level": Level.ITEM, "template": template, "destination": "there", "headers": "impact"}
        self.settings = Settings(
            drop=root / "drop",
            state=root / "state",
            destinations={"there": there},
            feeds={name: Feed(**common, name=name, settle=0.0) for name in names},
            folder=root,
        )
        self.settings.drop.mkdir(exist_ok=True)
        for name in names:
            make_folders(self.settings.drop / name)
        self.workers = Workers(Limits())
        self.open()

    def open(self) -> None:
        """Open the ledger and the spool."""
        self.spool = Spool(self.settings.state)
        self.spool.make()
        path = self.settings.state / "ledger.db"
        self.ledger = Ledger.open(path, must_exist=not self.spool.is_empty())
        self.context = Context(
            self.settings, self.ledger, self.spool, self.workers, lambda: self.now, lambda: self.dice
        )

    def again(self) -> None:
        """Start anew: what is in memory is gone."""
        self.ledger.close()
        self.open()

    def close(self) -> None:
        """Let go of everything."""
        self.workers.close()
        self.ledger.close()

    @property
    def now(self) -> float:
        """The time."""
        return NOON + self.seconds

    def later(self, seconds: float = 1.0) -> None:
        """Let time pass."""
        self.seconds += seconds

    def commit(self, *changes: Transition) -> None:
        """Have the ledger know."""
        self.ledger.commit(changes, at=self.now)

    def move(self, subject: str, *events: str, **more: Any) -> None:
        """Have these events happen to a submission or batch, as plainly as can be."""
        kind: Any = "submission" if self.ledger.submission(subject) else "batch"
        for event in events:
            attempt = None
            if event == "started":
                number = len(self.ledger.attempts(subject)) + 1
                attempt = Attempt(subject, number, self.now, Phase.STARTED)
            self.commit(Transition(subject, kind, event, attempt=attempt, **more))

    def drop(self, name: str = "a.csv", content: bytes = b"", feed: str = "shop") -> Submission:
        """Drop a file and take it in."""
        folder = self.settings.drop / feed
        (folder / name).write_bytes(content or name.encode())
        self.later()
        intake = Intake(self.settings.feeds[feed], folder, self.ledger, self.spool)
        (taken,) = intake.scan(self.now, self.seconds).taken
        intake.close()
        return self.submission(taken)

    def prepared(
        self, name: str = "a.csv", batches: int = 1, *, feed: str = "shop", counts: Counts | None = None
    ) -> tuple[Submission, list[Batch]]:
        """Drop a file that is prepared at once, with so many batches ready to go."""
        submission = self.drop(name, feed=feed)
        return submission, self.prepare(submission, batches, counts=counts)

    def prepare(
        self,
        submission: Submission,
        batches: int = 1,
        *,
        counts: Counts | None = None,
        papers: tuple[Paper, ...] = (),
    ) -> list[Batch]:
        """Have a received submission prepared, with so many batches ready to go."""
        made = tuple(self._batch(submission, number) for number in range(1, batches + 1))
        plain = Counts(records=batches, sent=batches, rows=batches, orders=batches)
        event = Transition(
            submission.id,
            "submission",
            "prepared",
            new_batches=made,
            counts=counts or plain,
            papers=papers,
        )
        self.commit(event)
        return [self.batch(one.id) for one in made]

    def ready(self, name: str = "a.csv", *, feed: str = "shop") -> Batch:
        """Return one batch that is ready to go."""
        return self.prepared(name, feed=feed)[1][0]

    def keep(self, submission: Submission, kind: str, content: bytes) -> Paper:
        """Keep a paper of a submission's generation in the spool."""
        path = f"spool/papers/{submission.id}/{submission.generation}-{kind}"
        return self.spool.write(path, content).paper(kind)

    def paper(self, submission: Submission, kind: str, content: bytes) -> None:
        """Have a received submission prepared with this paper, and one of its two orders kept back."""
        counts = Counts(records=2, sent=1, kept_back=1, rows=1, orders=2, bad_orders=1)
        self.prepare(submission, counts=counts, papers=(self.keep(submission, kind, content),))

    def attempt(self, channel: Channel, batch: str) -> Batch:
        """Make one attempt, from its begin to its end in the ledger."""
        self.commit(start(self.context, batch))
        self.commit(deliver(self.context, channel, batch))
        return self.batch(batch)

    def submission(self, wanted: str) -> Submission:
        """Return a submission as the ledger has it now."""
        found = self.ledger.submission(wanted)
        assert found is not None
        return found

    def batch(self, wanted: str) -> Batch:
        """Return a batch as the ledger has it now."""
        found = self.ledger.batch(wanted)
        assert found is not None
        return found

    def tree(self, feed: str = "shop") -> list[str]:
        """Return every file and empty folder below a feed's folder."""
        root = self.settings.drop / feed
        paths = [path for path in root.rglob("*") if path.is_file() or not any(path.iterdir())]
        return sorted(str(path.relative_to(root)) for path in paths)

    def _batch(self, owner: Submission, number: int) -> Batch:
        content = f"{owner.id},{number}\r\n".encode()
        identity = hashlib.sha256(content).hexdigest()[:20]
        stored = self.spool.write(f"spool/out/{identity}", content)
        return Batch(
            id=identity,
            submission=owner.id,
            destination="there",
            number=number,
            name=f"{owner.feed}_{identity}.csv",
            path=stored.path,
            sha256=stored.sha256,
            size=stored.size,
            rows=1,
            totals=(),
            state="READY",
            reason="",
            due_at=0.0,
            tries=0,
            created_at=self.now,
            updated_at=self.now,
        )
